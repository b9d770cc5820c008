"""Every task that waits says why, and for how long the provider asks to wait."""

import pytest

from relay.domain.errors import Meaning
from relay.domain.task import FailureCode, Status
from relay.providers.kling.tasks import view_of
from relay.usecases.reconcile import Reconciled, reconcile_one
from relay.usecases.resubmit import Resubmitted, resubmit
from tests.support.fakes.fake_world import FakeWorld
from tests.support.fakes.provider import BALANCE, INTERNAL, LOST_REQUEST, RATE, UNREACHABLE, Fault, answered, refused

CHANNEL = "no available channel for model kling-v9 under group default"
NO_CHANNEL = Fault(handles=False, answer=answered(503, {"error": {"message": CHANNEL, "type": "one_api_error"}}))
KEY = refused(401, 1002, "sk-123 is invalid")


@pytest.fixture
def world() -> FakeWorld:
    return FakeWorld()


def busy(retry_after: str) -> Fault:
    return Fault(handles=False, answer=answered(429, {"code": 1302, "message": "slow down"}, {"retry-after": retry_after}))


@pytest.mark.parametrize(
    ("fault", "meaning", "said"),
    [
        (RATE, Meaning.BUSY, "rate limit exceeded"),
        (UNREACHABLE, Meaning.BUSY, "cannot be reached"),
        (NO_CHANNEL, Meaning.NO_CHANNEL, CHANNEL),
        (BALANCE, Meaning.OPERATOR, "must top it up"),
        (KEY, Meaning.OPERATOR, "the relay's own key"),
        (LOST_REQUEST, Meaning.UNKNOWN, "no answer from the provider"),
        (INTERNAL, Meaning.UNKNOWN, "Server internal error"),
    ],
    ids=["busy", "unreachable", "no channel", "balance", "key", "lost", "5000"],
)
def test_a_task_that_is_not_accepted_says_why(world: FakeWorld, fault: Fault, meaning: Meaning, said: str) -> None:
    world.api.faults.append(fault)

    answer = world.submit().task
    stored = world.task(answer.task_id)

    assert stored.reason is not None
    assert (stored.reason.meaning, stored.reason.at) == (meaning, world.clock())
    assert said in stored.reason.message
    assert "sk-123" not in stored.reason.message
    assert answer.reason == stored.reason
    assert view_of(stored, {})["task_status_msg"] == stored.reason.message
    assert world.notices.told == [(stored.task_id, stored.reason)]


def test_an_operation_that_no_query_finds_says_why_it_waits_too(world: FakeWorld) -> None:
    world.api.faults.append(LOST_REQUEST)
    before = world.clock()

    task_id = world.submit({"prompt": "x"}, operation="general/custom-voices").task.task_id

    reason = world.task(task_id).reason
    assert reason is not None
    assert reason.meaning is Meaning.UNKNOWN
    assert world.task(task_id).due_at == before + 120_000


def test_the_reason_ends_with_the_wait(world: FakeWorld) -> None:
    world.api.faults.append(RATE)
    task_id = world.submit().task.task_id

    assert world.resubmit(task_id, 1) is Resubmitted.SENT

    assert world.task(task_id).reason is None


def test_a_query_that_fails_is_a_reason_until_one_succeeds(world: FakeWorld) -> None:
    task_id = world.submit().task.task_id
    world.api.faults.append(INTERNAL)

    assert reconcile_one(task_id, world.relay) is Reconciled.UNCHANGED
    reason = world.task(task_id).reason
    assert reason is not None
    assert reason.message == "Server internal error"

    assert reconcile_one(task_id, world.relay) is Reconciled.UNCHANGED
    assert world.task(task_id).reason is None


def test_a_response_that_is_not_understood_is_a_reason(world: FakeWorld) -> None:
    task_id = world.submit().task.task_id
    world.api.faults.append(Fault(handles=False, answer=answered(200, {"code": 0, "data": {"task_id": "1"}})))

    reconcile_one(task_id, world.relay)

    reason = world.task(task_id).reason
    assert reason is not None
    assert reason.meaning is Meaning.UNREADABLE


def test_the_message_of_an_expired_task_has_the_last_reason(world: FakeWorld) -> None:
    world.api.faults.append(BALANCE)
    task_id = world.submit().task.task_id
    world.clock.advance(world.settings.task_deadline)

    assert reconcile_one(task_id, world.relay) is Reconciled.EXPIRED

    task = world.task(task_id)
    assert task.failure is not None
    assert task.failure.code is FailureCode.EXPIRED
    assert "must top it up" in task.failure.message


def test_a_task_goes_on_when_the_operator_has_acted(world: FakeWorld) -> None:
    world.api.faults.extend([BALANCE, BALANCE])
    task_id = world.submit().task.task_id

    assert world.resubmit(task_id, 1) is Resubmitted.QUEUED
    assert world.resubmit(task_id, 2) is Resubmitted.SENT

    assert world.api.paid == {task_id: 1}


def test_a_model_without_a_channel_is_refused_after_ten_minutes(world: FakeWorld) -> None:
    world.api.faults.append(NO_CHANNEL)
    task_id = world.submit().task.task_id
    attempt = 1
    while not world.task(task_id).is_over:
        assert world.clock() - world.task(task_id).created_at < 1_800_000
        world.api.faults.append(NO_CHANNEL)
        world.resubmit(task_id, attempt)
        attempt += 1

    task = world.task(task_id)
    assert task.failure is not None
    assert (task.failure.code, task.status) == (FailureCode.REJECTED, Status.FAILED)
    assert CHANNEL in task.failure.message
    assert world.clock() - task.created_at >= 600_000
    assert world.provider.refusal(task.failure)[0] == 400


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("60", 60),
        (" 1800 ", 1800),
        ("99999", 3600),
        ("Sun, 15 Jun 2025 15:11:40 GMT", 300),
        ("Sun, 15 Jun 2025 11:00:00 GMT", 0),
        ("Sun, 15 Jun 99999 11:00:00 GMT", 0),
        ("soon", 0),
        ("-5", 0),
        ("1e9", 0),
        ("", 0),
    ],
)
def test_the_provider_says_how_long_to_wait(world: FakeWorld, given: str, seconds: int) -> None:
    assert world.clock() == 1_750_000_000_000, "2025-06-15T15:06:40Z"
    world.api.faults.append(busy(given))

    task = world.submit().task
    (message,) = world.resubmissions.messages

    due_at = world.task(task.task_id).due_at or 0
    until_attempt = (due_at - world.clock()) // 1000 - world.settings.first_poll_after
    assert until_attempt == seconds or (seconds < 60 and 0 < until_attempt <= 60)
    assert message.delay == min(until_attempt, 900)


def test_a_message_that_comes_before_the_time_is_queued_again(world: FakeWorld) -> None:
    world.api.faults.append(busy("1800"))
    task_id = world.submit().task.task_id
    due_at = world.task(task_id).due_at or 0
    world.clock.advance(900)

    assert resubmit(task_id, 1, world.relay, due_at=due_at) is Resubmitted.QUEUED
    assert [message.delay for message in world.resubmissions.messages] == [900, 900]
    assert len(world.api.requests) == 1

    world.clock.advance(900)
    assert resubmit(task_id, 1, world.relay, due_at=due_at) is Resubmitted.SENT
