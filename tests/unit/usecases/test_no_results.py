"""A success without files is final once queries have found no file for five minutes."""

import json

import pytest

from relay.domain.errors import Meaning
from relay.domain.task import Archive, FailureCode, Status
from relay.usecases.apply import Outcome
from relay.usecases.reconcile import Reconciled, reconcile_one
from tests.support.fakes.fake_world import FakeWorld
from tests.support.fakes.provider import ProviderTask


@pytest.fixture
def world() -> FakeWorld:
    return FakeWorld()


def empty(world: FakeWorld, task_id: str) -> ProviderTask:
    task = world.api.succeeds(task_id)
    task.result = {}
    return task


def polled_for_five_minutes(world: FakeWorld, task_id: str) -> list[Reconciled]:
    """The outcome of each minute's poll, until the first that is not UNCHANGED."""
    outcomes = []
    for _ in range(7):
        outcomes.append(reconcile_one(task_id, world.relay))
        if outcomes[-1] is not Reconciled.UNCHANGED:
            break
        assert world.task(task_id).due_at == world.clock() + 60_000
        world.clock.advance(seconds=60)
    return outcomes


def test_a_callback_without_files_is_confirmed_by_queries(world: FakeWorld) -> None:
    task_id = world.submit().task.task_id
    task = empty(world, task_id)

    assert world.receive(task_id, task.callback()) is Outcome.QUARANTINED
    assert world.tasks.due(now=world.clock(), limit=10) == [task_id]
    assert polled_for_five_minutes(world, task_id) == [Reconciled.UNCHANGED] * 5 + [Reconciled.MOVED]

    ended = world.task(task_id)
    assert ended.failure is not None
    assert (ended.status, ended.failure.code, ended.due_at) == (Status.FAILED, FailureCode.NO_RESULTS, None)
    assert "no result file" in ended.failure.message
    assert json.loads(world.documents.callbacks[task_id])["data"]["task_status"] == "succeed"


def test_a_query_without_files_is_confirmed_by_further_ones(world: FakeWorld) -> None:
    task_id = world.submit().task.task_id
    empty(world, task_id)
    began = world.clock()

    assert reconcile_one(task_id, world.relay) is Reconciled.UNCHANGED
    world.clock.advance(seconds=60)
    assert reconcile_one(task_id, world.relay) is Reconciled.UNCHANGED
    waiting = world.task(task_id)
    assert waiting.reason is not None
    assert (waiting.reason.meaning, waiting.reason.at) == (Meaning.NO_RESULTS, began), "the five minutes go on"

    assert polled_for_five_minutes(world, task_id)[-1] is Reconciled.MOVED


def test_files_that_appear_before_the_confirmation_are_stored(world: FakeWorld) -> None:
    task_id = world.submit().task.task_id
    empty(world, task_id)
    reconcile_one(task_id, world.relay)
    world.api.succeeds(task_id)

    assert reconcile_one(task_id, world.relay) is Reconciled.MOVED
    assert world.task(task_id).status is Status.SUCCEED


def test_a_later_success_with_files_replaces_the_end(world: FakeWorld) -> None:
    task_id = world.submit().task.task_id
    empty(world, task_id)
    polled_for_five_minutes(world, task_id)
    assert world.task(task_id).is_over

    assert world.receive(task_id, world.api.succeeds(task_id).callback()) is Outcome.APPLIED
    assert world.task(task_id).status is Status.SUCCEED


def test_an_operation_without_files_succeeds_without_them(world: FakeWorld) -> None:
    task_id = world.submit({"voice_id": "v"}, operation="general/delete-voices").task.task_id
    task = empty(world, task_id)
    assert world.receive(task_id, task.callback()) is Outcome.QUARANTINED, "a callback does not name its operation"
    assert reconcile_one(task_id, world.relay) is Reconciled.MOVED
    assert world.task(task_id).status is Status.SUCCEED
    archived = world.archive(task_id)
    assert archived
    assert (archived.archive, archived.results) == (Archive.STORED, ())
