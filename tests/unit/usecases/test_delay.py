"""Late files: a success is announced after a minute, once, and what becomes of its files follows."""

import json

import pytest

from relay.domain.errors import ResultGoneError
from relay.domain.events import ARCHIVING_FAILED, RESULTS_DELAYED, RESULTS_STORED, STATUS_CHANGED
from relay.domain.task import Archive, Status
from relay.domain.webhook import Delivery, DeliveryOutcome
from relay.usecases.archive import ArchivingError
from relay.usecases.reconcile import Reconciled, reconcile
from tests.support.fakes.fake_world import FakeWorld
from tests.support.fakes.results import MP4

HOOK = "https://client.example/hook"
URL = "https://provider.example/a.mp4"
STORED_URL = "https://results.example/results/{}/0.mp4?signature"


@pytest.fixture
def task_id(world: FakeWorld) -> str:
    """A task that has succeeded at this moment, and whose file the provider does not serve."""
    task_id = world.submit({"prompt": "a lighthouse", "callback_url": HOOK}).task.task_id
    world.api.succeeds(task_id, URL)
    world.called_back(task_id)
    return task_id


def announced(world: FakeWorld, task_id: str) -> dict[str, object]:
    """The webhook of the task's version."""
    assert world.deliver(Delivery.of_task(world.task(task_id))) is DeliveryOutcome.DELIVERED
    told: dict[str, object] = json.loads(world.sender.sent[-1][2])
    return told


def url_in(told: dict[str, object]) -> str:
    return str(told["task_result"]["videos"][0]["url"])  # type: ignore[index]


def kinds(world: FakeWorld) -> list[str]:
    world.publish()
    return [event.detail_type for event in world.events.published]


def tick(world: FakeWorld) -> dict[str, int]:
    return reconcile(world.relay, lambda: 1)


def test_files_that_are_late_are_announced_once_with_the_providers_url(world: FakeWorld, task_id: str) -> None:
    world.clock.advance(59)
    assert tick(world) == {}
    world.clock.advance(1)
    requests = len(world.api.requests)

    assert tick(world) == {"delayed": 1}
    assert tick(world) == {}

    task = world.task(task_id)
    assert (task.status, task.archive, task.version, task.due_at) == (Status.SUCCEED, Archive.PENDING, 3, None)
    assert len(world.api.requests) == requests, "the provider has nothing to say"
    told = announced(world, task_id)
    assert (told["task_status"], told["relay"], url_in(told)) == ("succeed", {"archive": "pending"}, URL)
    assert kinds(world) == [STATUS_CHANGED, STATUS_CHANGED, RESULTS_DELAYED]


def test_the_stored_files_follow(world: FakeWorld, task_id: str) -> None:
    world.clock.advance(60)
    tick(world)
    announced(world, task_id)
    world.source.files[URL] = MP4

    assert world.archive(task_id)

    told = announced(world, task_id)
    assert ("relay" in told, url_in(told)) == (False, STORED_URL.format(task_id))
    assert [event_id for event_id, _, _ in world.sender.sent] == [f"{task_id}:3", f"{task_id}:4"]
    assert kinds(world)[2:] == [RESULTS_DELAYED, RESULTS_STORED]


def test_so_does_the_loss_of_the_files(world: FakeWorld, task_id: str) -> None:
    world.clock.advance(60)
    tick(world)
    announced(world, task_id)
    world.source.files[URL] = ResultGoneError("HTTP 410")

    with pytest.raises(ArchivingError):
        world.archive(task_id, last_attempt=True)

    told = announced(world, task_id)
    assert ("relay" in told, url_in(told)) == (False, URL)
    assert kinds(world)[2:] == [RESULTS_DELAYED, ARCHIVING_FAILED]


def test_files_that_are_stored_in_time_cost_no_call_more(world: FakeWorld, task_id: str) -> None:
    world.source.files[URL] = MP4
    world.calls.names.clear()
    assert world.archive(task_id)
    assert [name for name in world.calls.names if name.startswith("tasks.")] == ["tasks.get", "tasks.record_archive"]

    world.clock.advance(3600)
    world.calls.names.clear()
    assert tick(world) == {}

    assert set(world.calls.names) == {"tasks.due"}
    assert "relay" not in announced(world, task_id)
    assert kinds(world) == [STATUS_CHANGED, STATUS_CHANGED, RESULTS_STORED]


@pytest.mark.parametrize("is_stored", [True, False])
def test_a_reconciler_that_the_archive_overtakes_announces_nothing(world: FakeWorld, task_id: str, is_stored: bool) -> None:
    world.clock.advance(60)
    record_delay = world.tasks.record_delay

    def overtaken(task_id: str, *, at: int) -> bool:
        if is_stored:
            world.source.files[URL] = MP4
            world.archive(task_id)
        else:
            with pytest.raises(ArchivingError):
                world.archive(task_id, last_attempt=True)
        return record_delay(task_id, at=at)

    world.tasks.record_delay = overtaken  # type: ignore[method-assign]

    assert world.reconcile_one(task_id) is Reconciled.OVER

    assert world.task(task_id).archive is (Archive.STORED if is_stored else Archive.FAILED)
    assert RESULTS_DELAYED not in kinds(world)


def test_of_two_reconcilers_one_announces(world: FakeWorld, task_id: str) -> None:
    world.clock.advance(60)
    get, outcomes = world.tasks.get, []

    def read_by_both(task_id: str) -> object:
        task = get(task_id)
        world.tasks.get = get  # type: ignore[method-assign]
        outcomes.append(world.reconcile_one(task_id))
        return task

    world.tasks.get = read_by_both  # type: ignore[method-assign,assignment]
    outcomes.append(world.reconcile_one(task_id))

    assert outcomes == [Reconciled.DELAYED, Reconciled.OVER]
    assert kinds(world).count(RESULTS_DELAYED) == 1


def test_an_index_that_is_behind_announces_nothing_early(world: FakeWorld, task_id: str) -> None:
    assert world.reconcile_one(task_id) is Reconciled.OVER
    assert world.task(task_id).archive is None


def test_what_is_delivered_late_says_how_it_stands_now(world: FakeWorld, task_id: str) -> None:
    world.clock.advance(60)
    tick(world)
    late = Delivery.of_task(world.task(task_id))
    world.source.files[URL] = MP4
    world.clock.advance(1)
    world.archive(task_id)

    world.deliver(late)

    told = json.loads(world.sender.sent[-1][2])
    assert ("relay" in told, url_in(told)) == (False, STORED_URL.format(task_id))
    assert told["updated_at"] == late.updated_at, "each attempt at an event says the same time"


@pytest.mark.parametrize("seconds", [30, 600])
def test_the_time_is_a_setting(seconds: int) -> None:
    world = FakeWorld(results_delayed_after=seconds)
    task_id = world.submit().task.task_id
    world.api.succeeds(task_id)
    world.called_back(task_id)

    assert world.task(task_id).due_at == world.clock() + seconds * 1000
