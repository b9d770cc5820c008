"""A success without files is final once the provider has said so twice, in a callback or a query, and then in a query."""

import json

import pytest

from relay.domain.errors import Meaning
from relay.domain.task import FailureCode, Status
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


def test_a_callback_without_files_is_confirmed_by_a_query_soon(world: FakeWorld) -> None:
    task_id = world.submit().task.task_id
    task = empty(world, task_id)

    assert world.receive(task_id, task.callback()) is Outcome.QUARANTINED
    assert world.tasks.due(now=world.clock(), limit=10) == []
    assert world.tasks.due(now=world.clock() + 60_000, limit=10) == [task_id]
    assert reconcile_one(task_id, world.relay) is Reconciled.MOVED

    ended = world.task(task_id)
    assert ended.failure is not None
    assert (ended.status, ended.failure.code, ended.due_at) == (Status.FAILED, FailureCode.NO_RESULTS, None)
    assert "without a result file" in ended.failure.message
    assert json.loads(world.documents.callbacks[task_id])["data"]["task_status"] == "succeed"


def test_one_query_alone_is_repeated_a_minute_later(world: FakeWorld) -> None:
    task_id = world.submit().task.task_id
    empty(world, task_id)

    assert reconcile_one(task_id, world.relay) is Reconciled.UNCHANGED
    waiting = world.task(task_id)
    assert waiting.reason is not None
    assert (waiting.reason.meaning, waiting.due_at) == (Meaning.NO_RESULTS, world.clock() + 60_000)

    assert reconcile_one(task_id, world.relay) is Reconciled.MOVED


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
    reconcile_one(task_id, world.relay)
    reconcile_one(task_id, world.relay)

    assert world.receive(task_id, world.api.succeeds(task_id).callback()) is Outcome.APPLIED
    assert world.task(task_id).status is Status.SUCCEED
