"""Cancelling: certain while no attempt may have been accepted, else for the client alone."""

import pytest

from relay.domain.errors import TaskNotFoundError
from relay.domain.task import Acceptance, FailureCode, Status, Task
from relay.usecases.reconcile import Reconciled
from relay.usecases.resubmit import Resubmitted
from tests.support.fakes.fake_world import PROMPT, FakeWorld
from tests.support.fakes.provider import LOST_ANSWER, RATE


def ended(task: Task) -> tuple[Status, FailureCode | None]:
    return task.status, task.failure.code if task.failure else None


CANCELLED = (Status.FAILED, FailureCode.CANCELLED)


def test_a_task_that_waits_is_never_sent_after_its_cancellation(world: FakeWorld) -> None:
    world.api.faults.append(RATE)
    task_id = world.submit().task.task_id

    cancelled = world.cancel(task_id)

    assert ended(cancelled) == CANCELLED
    assert "costs nothing" in cancelled.message
    world.clock.advance(seconds=3600)
    assert world.resubmit(task_id, 1) is Resubmitted.OVER
    assert world.reconcile_one(task_id) is Reconciled.OVER
    assert world.tasks.due(now=world.clock(), limit=9) == []
    assert len(world.api.requests) == 1
    assert world.api.paid == {}


@pytest.mark.parametrize("faults", [[], [LOST_ANSWER]], ids=["accepted", "unknown"])
def test_the_client_learns_that_a_sent_task_may_still_cost(world: FakeWorld, faults: list[object]) -> None:
    world.api.faults += faults  # type: ignore[arg-type]
    task_id = world.submit().task.task_id

    cancelled = world.cancel(task_id)

    assert ended(cancelled) == CANCELLED
    assert "may still finish the task and charge for it" in cancelled.message
    assert world.resubmit(task_id, 1) is Resubmitted.OVER
    assert world.api.paid == {task_id: 1}


def test_an_attempt_that_begins_during_the_cancellation_is_told(world: FakeWorld) -> None:
    world.api.faults.append(RATE)
    task_id = world.submit().task.task_id
    change = world.tasks.change

    def too_late(*arguments: object, **keywords: object) -> None:
        world.tasks.change = change  # type: ignore[method-assign]
        world.tasks.begin_attempt(task_id, 2, due_at=world.clock())
        change(*arguments, **keywords)  # type: ignore[arg-type]

    world.tasks.change = too_late  # type: ignore[method-assign]

    cancelled = world.cancel(task_id)

    assert ended(cancelled) == CANCELLED
    assert "may still finish the task and charge for it" in cancelled.message


def test_an_attempt_under_way_leaves_the_task_cancelled(world: FakeWorld) -> None:
    world.api.faults.append(RATE)
    task_id = world.submit().task.task_id
    send = world.api.send

    def cancelled_meanwhile(*arguments: object, **keywords: object) -> object:
        world.cancel(task_id)
        return send(*arguments, **keywords)  # type: ignore[arg-type]

    world.api.send = cancelled_meanwhile  # type: ignore[assignment, method-assign]
    world.resubmit(task_id, 1)

    assert ended(world.task(task_id)) == CANCELLED


@pytest.mark.parametrize("reported", ["proceeds", "fails"])
def test_only_a_success_follows_a_cancellation(world: FakeWorld, reported: str) -> None:
    task_id = world.submit().task.task_id
    cancelled = world.cancel(task_id)

    getattr(world.api, reported)(task_id)
    world.called_back(task_id)
    assert world.task(task_id) == cancelled

    world.api.succeeds(task_id)
    world.called_back(task_id)
    assert ended(world.task(task_id)) == (Status.SUCCEED, None)
    world.publish()
    assert [event.detail["status"] for event in world.events.published] == ["submitted", "failed", "succeed"]


def test_a_repeated_cancellation_answers_the_same(world: FakeWorld) -> None:
    task_id = world.submit({**PROMPT, "external_task_id": "order 1"}).task.task_id

    first = world.cancel("order 1")
    world.clock.advance(seconds=60)

    assert world.cancel(task_id) == world.cancel("order 1") == first


@pytest.mark.parametrize("end", ["succeeds", "fails"])
def test_a_task_that_had_ended_stays_as_it_is(world: FakeWorld, end: str) -> None:
    task_id = world.submit().task.task_id
    getattr(world.api, end)(task_id)
    world.called_back(task_id)
    before = world.task(task_id)

    assert world.cancel(task_id) == before == world.task(task_id)


def test_a_task_of_nobody_and_of_another_tenant_is_not_found(world: FakeWorld) -> None:
    task_id = world.submit().task.task_id

    for tenant, reference in (("acme", "0" * 32), ("other", task_id)):
        with pytest.raises(TaskNotFoundError):
            world.cancel(reference, tenant=tenant)

    assert world.task(task_id).status is Status.SUBMITTED


def test_a_cancelled_task_keeps_its_keys(world: FakeWorld) -> None:
    world.api.faults.append(RATE)
    task_id = world.submit(key="once").task.task_id
    world.cancel(task_id)

    repeated = world.submit(key="once")

    assert (repeated.task.task_id, repeated.repeated) == (task_id, True)
    assert repeated.task.acceptance is Acceptance.UNSENT
    assert ended(repeated.task) == CANCELLED
