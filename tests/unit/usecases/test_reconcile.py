"""Reconciling: every task comes to its end though no callback comes."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from relay.domain.errors import TaskNotFoundError
from relay.domain.task import DUE_SHARDS, FailureCode, Status, due_shard_of
from relay.ports import Relay
from relay.usecases import reconcile as reconciling
from relay.usecases.reconcile import Reconciled, reconcile
from tests.support.fakes.fake_world import FakeWorld, settings_of
from tests.support.fakes.provider import INTERNAL, LOST_ANSWER, LOST_REQUEST, RATE, UNREACHABLE, Fault, answered
from tests.support.fakes.relay import FakeRelay
from tests.support.fakes.task_store import FakeTaskStore
from tests.support.tasks import NOON, task_of


@pytest.fixture
def task_id(world: FakeWorld) -> str:
    """A task that the provider has, due since a moment."""
    task_id = world.submit().task.task_id
    world.clock.advance(seconds=121)
    return task_id


@pytest.mark.parametrize("verdict", ["succeeds", "fails"])
def test_a_lost_verdict_is_found(world: FakeWorld, task_id: str, verdict: str) -> None:
    getattr(world.api, verdict)(task_id)

    assert world.reconcile_one(task_id) is Reconciled.MOVED

    task = world.task(task_id)
    assert task.status.value == {"succeeds": "succeed", "fails": "failed"}[verdict]
    assert task.due_at == {"succeeds": world.clock() + 60_000, "fails": None}[verdict]
    assert (task_id in world.documents.callbacks) == (verdict == "succeeds")


def test_progress_is_put_down_and_the_task_looked_at_again(world: FakeWorld, task_id: str) -> None:
    world.api.proceeds(task_id)

    assert world.reconcile_one(task_id) is Reconciled.MOVED

    task = world.task(task_id)
    assert (task.status, task.polls) == (Status.PROCESSING, 1)
    assert task.due_at is not None
    assert world.clock() + 60_000 <= task.due_at <= world.clock() + 120_000


@pytest.mark.parametrize(
    "fault",
    [None, RATE, UNREACHABLE, INTERNAL, LOST_REQUEST, Fault(handles=False, answer=answered(200, {"code": 0, "data": {}}))],
    ids=["no news", "busy", "unreachable", "5000", "lost", "unreadable"],
)
def test_a_look_without_news_is_repeated_later(world: FakeWorld, task_id: str, fault: Fault | None) -> None:
    world.api.faults.append(fault)

    assert world.reconcile_one(task_id) is Reconciled.UNCHANGED

    task = world.task(task_id)
    assert (task.version, task.polls, task.status) == (1, 1, Status.SUBMITTED)
    assert task.due_at is not None
    assert task.due_at > world.clock()


def test_looks_come_ever_less_often_but_not_after_the_deadline(world: FakeWorld, task_id: str) -> None:
    world.api.proceeds(task_id)
    deadline, pauses = world.task(task_id).deadline_at, []
    while not world.task(task_id).is_over:
        world.reconcile_one(task_id)
        due_at = world.task(task_id).due_at
        if due_at is not None:
            pauses.append(due_at - world.clock())
            assert due_at <= deadline
            world.clock.now = due_at

    assert sorted(pauses[:-1]) == pauses[:-1]
    assert max(pauses) <= 3_600_000
    assert len(pauses) < 70
    assert world.clock() == deadline


def test_at_its_deadline_a_task_is_expired(world: FakeWorld, task_id: str) -> None:
    world.api.proceeds(task_id)
    world.clock.now = world.task(task_id).deadline_at

    assert world.reconcile_one(task_id) is Reconciled.EXPIRED

    task = world.task(task_id)
    assert task.failure is not None
    assert (task.status, task.failure.code, task.due_at) == (Status.FAILED, FailureCode.EXPIRED, None)


def test_the_deadline_does_not_hide_a_verdict(world: FakeWorld, task_id: str) -> None:
    world.api.succeeds(task_id)
    world.clock.now = world.task(task_id).deadline_at + 1

    assert world.reconcile_one(task_id) is Reconciled.MOVED
    assert world.task(task_id).status is Status.SUCCEED


def test_a_task_that_the_provider_never_got_is_queued_again(world: FakeWorld) -> None:
    world.api.faults.append(LOST_REQUEST)
    task_id = world.submit().task.task_id
    world.resubmissions.messages.clear()
    world.clock.advance(seconds=200)

    assert world.reconcile_one(task_id) is Reconciled.RESUBMITTED

    (message,) = world.resubmissions.messages
    assert (message.task_id, message.attempt) == (task_id, 1)
    due_at = world.task(task_id).due_at
    assert due_at is not None
    assert due_at >= world.clock() + message.delay * 1000
    assert world.api.paid == {}, "the reconciler itself sends nothing"


def test_a_task_that_nobody_took_is_expired_at_its_deadline(world: FakeWorld) -> None:
    world.api.faults.append(LOST_REQUEST)
    task_id = world.submit().task.task_id
    world.clock.now = world.task(task_id).deadline_at

    assert world.reconcile_one(task_id) is Reconciled.EXPIRED


def test_a_task_that_the_provider_had_and_does_not_find_is_not_sent_again(world: FakeWorld, task_id: str) -> None:
    world.api.tasks.clear()

    assert world.reconcile_one(task_id) is Reconciled.UNCHANGED
    assert world.resubmissions.messages == []


def test_a_task_whose_answer_was_lost_is_found_by_our_id(world: FakeWorld) -> None:
    world.api.faults.append(LOST_ANSWER)
    task_id = world.submit().task.task_id

    world.reconcile_one(task_id)

    task = world.task(task_id)
    assert (task.provider_task_id, task.request) == (world.api.of(task_id).task_id, None)


@pytest.mark.parametrize("state", ["unknown", "over"])
def test_what_is_over_is_not_asked_for(world: FakeWorld, task_id: str, state: str) -> None:
    if state == "over":
        world.api.fails(task_id)
        world.called_back(task_id)
    requests = len(world.api.requests)

    assert world.reconcile_one(task_id if state == "over" else "0" * 32) is Reconciled.OVER
    assert len(world.api.requests) == requests


def test_a_verdict_that_comes_during_the_last_look_wins(world: FakeWorld, task_id: str) -> None:
    world.clock.now = world.task(task_id).deadline_at
    send = world.api.send

    def send_and_be_called_back(*arguments: Any, **named: Any) -> object:
        answer = send(*arguments, **named)
        world.api.succeeds(task_id)
        world.called_back(task_id)
        return answer

    world.api.send = send_and_be_called_back  # type: ignore[method-assign,assignment]

    assert world.reconcile_one(task_id) is Reconciled.OVER
    assert world.task(task_id).status is Status.SUCCEED


# The invocation


class Looks:
    """A look at each task that moves it on, and counts."""

    def __init__(self, store: FakeTaskStore, moves: bool = True) -> None:
        self.ids: list[str] = []
        self._store = store
        self._moves = moves
        self._lock = threading.Lock()

    def __call__(self, task_id: str, _relay: Relay) -> Reconciled:
        with self._lock:
            self.ids.append(task_id)
            if self._moves:
                self._store.postpone(task_id, due_at=NOON + 10**9)
        return Reconciled.UNCHANGED


def store_of(count: int) -> FakeTaskStore:
    store = FakeTaskStore()
    for number in range(count):
        store.create(task_of(f"{number:032x}", due_at=NOON - number))
    return store


def run(looks: Callable[[str, Relay], Reconciled], store: FakeTaskStore, time_left: Callable[[], int]) -> dict[str, int]:
    """One invocation that polls with `looks`."""
    relay = FakeRelay(settings=settings_of(), clock=lambda: NOON, providers={}, tasks=store)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reconciling, "reconcile_one", looks)
        return reconcile(relay, time_left)


@pytest.mark.parametrize("count", [0, 1, 1000])
def test_all_that_is_due_is_looked_at_once(count: int) -> None:
    store = store_of(count)
    looks = Looks(store)

    counts = run(looks, store, lambda: 1)

    assert sorted(looks.ids) == sorted(store.tasks)
    assert counts == ({"unchanged": count} if count else {})


def test_what_does_not_move_does_not_hold_the_invocation_for_ever() -> None:
    store = store_of(40)
    looks = Looks(store, moves=False)

    run(looks, store, lambda: 500 - len(looks.ids))

    assert sorted(looks.ids) == sorted(store.tasks)


def test_without_time_nothing_is_begun() -> None:
    store = store_of(1000)
    looks = Looks(store)

    assert run(looks, store, lambda: 0) == {}
    assert looks.ids == []


def test_when_the_time_is_over_no_further_look_is_begun() -> None:
    store = store_of(1000)
    looks = Looks(store)

    counts = run(looks, store, lambda: 30 - len(looks.ids))

    assert 30 <= len(looks.ids) <= 30 + 8
    assert counts == {"unchanged": len(looks.ids)}


def test_a_look_that_fails_stops_no_other_and_is_told_at_the_end() -> None:
    store = store_of(500)
    looks = Looks(store)
    poisoned = set(list(store.tasks)[::100])

    def look(task_id: str, relay: Relay) -> Reconciled:
        if task_id in poisoned:
            raise TaskNotFoundError(task_id)
        return looks(task_id, relay)

    with pytest.raises(ExceptionGroup, match="5 due tasks could not be polled") as caught:
        run(look, store, lambda: 1)

    assert {str(error) for error in caught.value.exceptions} == poisoned
    assert sorted(looks.ids) == sorted(set(store.tasks) - poisoned)


def test_every_shard_is_worked_off() -> None:
    store = store_of(64)
    shards = {due_shard_of(task_id) for task_id in store.tasks}
    looks = Looks(store)

    run(looks, store, lambda: 1)

    assert {due_shard_of(task_id) for task_id in looks.ids} == shards == set(range(DUE_SHARDS))
