"""What the relay knows about a create: refused, lost, refused after a loss, found too late, found too old, never answered."""

from dataclasses import replace
from typing import Any

import pytest

from relay.domain.errors import ExternalTaskIdTakenError
from relay.domain.task import VISIBLE_AFTER_MS, Acceptance, FailureCode, Status
from relay.ports import Relay
from relay.usecases import reconcile as reconciling
from relay.usecases.reconcile import Reconciled, reconcile, reconcile_one
from relay.usecases.resubmit import Resubmitted, resubmit
from tests.support.fakes.fake_world import FakeWorld
from tests.support.fakes.provider import INTERNAL, LOST_ANSWER, LOST_REQUEST, POLICY, RATE, UNREACHABLE, Fault, answered
from tests.support.tasks import NOON, task_of

EXTERNAL = {"prompt": "a lighthouse", "external_task_id": "order-1"}
HOUR = 3600
DAY = 24 * HOUR
NO_SUCH_PATH = Fault(handles=False, answer=answered(404, b"<html>404 Not Found</html>"))


def refused_after_a_loss(world: FakeWorld) -> str:
    """Attempt 1 was accepted, but its response is lost and no query finds it yet; attempt 2 is refused."""
    world.api.lag = VISIBLE_AFTER_MS - 1
    world.api.faults.append(LOST_ANSWER)
    task_id = world.submit(EXTERNAL).task.task_id
    world.clock.advance(seconds=60)
    world.api.faults.extend([None, POLICY])
    world.resubmit(task_id, 1)
    return task_id


def test_a_refusal_after_an_unknown_outcome_waits_until_the_earlier_attempt_is_found(world: FakeWorld) -> None:
    task_id = refused_after_a_loss(world)

    task = world.task(task_id)
    assert (task.status, task.acceptance) == (Status.SUBMITTED, Acceptance.UNKNOWN)
    assert task.refusal is not None
    assert task.refusal.provider_code == 1301
    with pytest.raises(ExternalTaskIdTakenError):
        world.submit(EXTERNAL)

    world.clock.advance(ms=VISIBLE_AFTER_MS)
    world.api.succeeds(task_id)
    assert world.reconcile_one(task_id) is Reconciled.MOVED
    assert world.task(task_id).status is Status.SUCCEED
    assert world.api.paid == {task_id: 1}


def test_a_refusal_after_an_unknown_outcome_is_final_once_the_earlier_attempt_is_proven_missing(world: FakeWorld) -> None:
    world.api.faults.append(LOST_REQUEST)
    task_id = world.submit(EXTERNAL).task.task_id
    world.clock.advance(seconds=60)
    world.api.faults.extend([None, POLICY])
    world.resubmit(task_id, 1)

    assert world.reconcile_one(task_id) is Reconciled.UNCHANGED, "the first query after the loss proves nothing"
    world.clock.advance(ms=VISIBLE_AFTER_MS)
    assert world.reconcile_one(task_id) is Reconciled.REFUSED

    task = world.task(task_id)
    assert (task.acceptance, task.status) == (Acceptance.REFUSED, Status.FAILED)
    assert task.failure is not None
    assert (task.failure.code, task.failure.provider_code) == (FailureCode.REJECTED, 1301)
    assert not world.submit(EXTERNAL).repeated, "its external_task_id is free again"


def test_a_held_refusal_is_not_sent_again(world: FakeWorld) -> None:
    task_id = refused_after_a_loss(world)
    requests = len(world.api.requests)

    assert world.resubmit(task_id, 2) is Resubmitted.OVER
    assert len(world.api.requests) == requests


def test_a_refusal_beside_a_callback_of_the_first_attempt_is_no_refusal(world: FakeWorld) -> None:
    task_id = refused_after_a_loss(world)
    world.api.proceeds(task_id)
    world.called_back(task_id)

    task = world.task(task_id)
    assert (task.acceptance, task.refusal, task.status) == (Acceptance.ACCEPTED, None, Status.PROCESSING)


@pytest.mark.parametrize("fault", [RATE, UNREACHABLE], ids=["busy", "unreachable"])
@pytest.mark.parametrize("operation", ["videos/text2video", "general/custom-voices"])
def test_what_is_certainly_unsent_is_sent_again_without_a_query(world: FakeWorld, fault: Fault, operation: str) -> None:
    world.api.faults.append(fault)
    task_id = world.submit({"prompt": "x"}, operation=operation).task.task_id
    assert world.task(task_id).acceptance is Acceptance.UNSENT
    world.resubmissions.messages.clear()
    world.clock.advance(seconds=200)
    world.api.faults.append(NO_SUCH_PATH)

    assert world.reconcile_one(task_id) is Reconciled.RESUBMITTED

    world.api.faults.clear()
    assert world.resubmit(task_id, 1) is Resubmitted.SENT
    assert [request.method for request in world.api.requests] == ["POST", "POST"]


def test_an_operation_that_no_query_finds_is_not_sent_again_after_a_loss(world: FakeWorld) -> None:
    world.api.faults.append(LOST_REQUEST)
    task_id = world.submit({"prompt": "x"}, operation="general/custom-voices").task.task_id

    assert world.task(task_id).acceptance is Acceptance.UNKNOWN
    assert world.resubmit(task_id, 1) is Resubmitted.OVER
    assert world.api.paid == {}


@pytest.mark.parametrize("is_accepted", [True, False])
def test_no_task_expires_without_an_answer_before_its_grace_is_over(world: FakeWorld, is_accepted: bool) -> None:
    world.api.faults.append(None if is_accepted else LOST_ANSWER)
    task_id = world.submit().task.task_id
    world.api.succeeds(task_id)
    world.clock.now = world.task(task_id).deadline_at
    world.api.faults.append(INTERNAL)

    assert world.reconcile_one(task_id) is Reconciled.UNCHANGED

    due_at = world.task(task_id).due_at
    assert due_at is not None
    world.clock.now = due_at
    assert world.reconcile_one(task_id) is Reconciled.MOVED
    assert world.task(task_id).status is Status.SUCCEED


def test_a_day_after_its_deadline_a_task_expires_unanswered(world: FakeWorld) -> None:
    task_id = world.submit().task.task_id
    looks = 0
    while not world.task(task_id).is_over:
        looks += 1
        assert looks < 200
        world.clock.now = world.task(task_id).due_at or 0
        world.api.faults.append(INTERNAL)
        world.reconcile_one(task_id)

    task = world.task(task_id)
    assert world.clock() == task.deadline_at + DAY * 1000
    assert task.failure is not None
    assert task.failure.code is FailureCode.EXPIRED
    assert "answered no query" in task.failure.message


def test_an_unanswered_query_after_the_deadline_leaves_the_task_to_the_reconciler(world: FakeWorld) -> None:
    world.api.faults.append(LOST_ANSWER)
    task_id = world.submit().task.task_id
    world.clock.now = world.task(task_id).deadline_at
    world.api.faults.append(INTERNAL)

    assert world.resubmit(task_id, 1) is Resubmitted.QUEUED
    assert not world.task(task_id).is_over
    world.api.succeeds(task_id)
    assert world.reconcile_one(task_id) is Reconciled.MOVED


@pytest.mark.parametrize("finder", ["resubmit", "reconcile"])
def test_an_old_task_of_the_provider_is_not_adopted(world: FakeWorld, finder: str) -> None:
    task_id = world.submit(EXTERNAL).task.task_id
    world.api.succeeds(task_id)
    del world.tasks.tasks[task_id]  # its retention is over
    world.clock.advance(seconds=91 * DAY)
    again = world.submit(EXTERNAL).task
    assert again.task_id == task_id
    assert again.provider_task_id is None

    outcome = world.resubmit(task_id, 1) if finder == "resubmit" else world.reconcile_one(task_id)

    assert outcome == "refused"
    task = world.task(task_id)
    assert (task.status, task.acceptance) == (Status.FAILED, Acceptance.REFUSED)
    assert "older task" in task.message
    fresh = world.submit(EXTERNAL).task
    assert fresh.provider_task_id is not None
    assert world.api.paid == {task_id: 1, fresh.task_id: 1}


def test_one_of_the_messages_of_a_backlog_sends_the_task(world: FakeWorld) -> None:
    world.api.faults.append(LOST_REQUEST)
    task_id = world.submit().task.task_id
    for _ in range(30):  # a backlog: no message is received for half an hour
        world.clock.advance(seconds=60)
        if world.clock() >= (world.task(task_id).due_at or 0):
            world.reconcile_one(task_id)

    messages = world.resubmissions.messages
    assert len(messages) > 3
    outcomes = [world.resubmit(message.task_id, message.attempt, due_at=message.due_at) for message in messages]
    assert outcomes.count(Resubmitted.SENT) == 1
    assert outcomes.count(Resubmitted.OVER) == len(messages) - 1
    assert world.api.paid == {task_id: 1}


def test_messages_of_a_task_that_is_not_answered_do_not_multiply(world: FakeWorld) -> None:
    world.api.faults.append(LOST_REQUEST)
    task_id = world.submit().task.task_id
    for _ in range(5):
        world.clock.now = world.task(task_id).due_at or 0
        world.reconcile_one(task_id)
    waiting = list(world.resubmissions.messages)
    world.resubmissions.messages.clear()
    assert len(waiting) == 6

    for message in waiting:
        world.api.faults.append(INTERNAL)
        world.resubmit(message.task_id, message.attempt, due_at=message.due_at)

    assert len(world.resubmissions.messages) == 1


def test_a_backlog_that_outlasts_every_poll_ends_with_an_attempt(world: FakeWorld) -> None:
    world.api.faults.append(LOST_REQUEST)
    task_id = world.submit().task.task_id
    (message,) = world.resubmissions.messages
    world.clock.now = world.task(task_id).due_at or 0
    world.reconcile_one(task_id)

    assert world.resubmit(task_id, message.attempt, due_at=message.due_at) is Resubmitted.SENT


def test_of_two_that_schedule_an_attempt_at_once_one_queues_it(world: FakeWorld) -> None:
    world.api.faults.append(LOST_REQUEST)
    task_id = world.submit().task.task_id
    world.clock.advance(seconds=500)
    world.resubmissions.messages.clear()
    get = world.tasks.get
    seen = get(task_id)
    world.tasks.get = lambda task_id: seen if seen and seen.task_id == task_id else None  # type: ignore[method-assign]

    outcomes = [world.reconcile_one(task_id) for _ in range(2)]

    assert outcomes == [Reconciled.RESUBMITTED] * 2
    assert len(world.resubmissions.messages) == 1


def test_a_message_of_version_0_2_0_is_understood(world: FakeWorld) -> None:
    world.api.faults.append(RATE)
    task_id = world.submit({"prompt": "x"}, operation="general/custom-voices").task.task_id
    world.tasks.tasks[task_id] = replace(world.task(task_id), acceptance=Acceptance.UNKNOWN)

    assert resubmit(task_id, 1, world.relay) is Resubmitted.SENT


def test_tasks_that_cannot_be_polled_hide_no_other(monkeypatch: pytest.MonkeyPatch, world: FakeWorld) -> None:
    broken = {f"{number:032x}" for number in range(450)}
    for task_id in broken:
        world.tasks.create(task_of(task_id, due_at=NOON - 10))
    world.tasks.create(task_of("f" * 32, due_at=NOON - 1))
    polled: list[str] = []

    def poll(task_id: str, relay: Relay) -> Reconciled:
        polled.append(task_id)
        if task_id in broken:
            raise RuntimeError("an item that always raises")
        return reconcile_one(task_id, relay)

    monkeypatch.setattr(reconciling, "reconcile_one", poll)
    with pytest.raises(BaseExceptionGroup):
        reconcile(world.relay, lambda: 1)

    assert "f" * 32 in polled
    assert world.tasks.due(now=world.clock(), limit=1000) == [], "what raises is put off too"
    assert len(world.tasks.due(now=world.clock() + 120_000, limit=1000)) == 450, "but no longer than a first poll"


def test_the_reconciler_pages_past_tasks_that_cannot_be_put_off(monkeypatch: pytest.MonkeyPatch, world: FakeWorld) -> None:
    for number in range(900):
        world.tasks.create(task_of(f"{number:032x}", due_at=NOON - 10))
    polled: list[str] = []

    def fail(task_id: str, *_: Any, **__: Any) -> Any:
        polled.append(task_id)
        raise RuntimeError("throttled")

    monkeypatch.setattr(reconciling, "reconcile_one", fail)
    monkeypatch.setattr(world.tasks, "postpone", lambda *_, **__: 1 / 0)
    with pytest.raises(BaseExceptionGroup):
        reconcile(world.relay, lambda: 1)

    assert len(polled) == len(set(polled)) == 900
