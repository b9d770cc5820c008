"""Resubmitting: ask first, send only what is not there, and never twice."""

from typing import Any

import pytest

from relay.domain.task import FailureCode, Status
from relay.usecases.resubmit import Resubmitted
from relay.usecases.send import StoredRequest, backoff
from tests.support.fakes.fake_world import PROMPT, PUBLIC_URL, FakeWorld
from tests.support.fakes.provider import INTERNAL, LOST_ANSWER, LOST_REQUEST, POLICY, RATE, UNREACHABLE, Fault, answered


def waiting(world: FakeWorld, fault: Fault) -> str:
    """A task whose first send met `fault`."""
    world.api.faults.append(fault)
    task_id = world.submit().task.task_id
    world.clock.advance(seconds=60)
    return task_id


def methods(world: FakeWorld) -> list[str]:
    return [request.method for request in world.api.requests]


def test_a_task_that_is_there_is_taken_up_and_not_sent_again(world: FakeWorld) -> None:
    task_id = waiting(world, LOST_ANSWER)

    assert world.resubmit(task_id, 1) is Resubmitted.FOUND

    assert methods(world) == ["POST", "GET"]
    assert world.api.paid == {task_id: 1}
    task = world.task(task_id)
    assert (task.provider_task_id, task.attempts, task.request) == (world.api.of(task_id).task_id, 1, None)
    assert task.due_at == world.clock() + 120_000


def test_a_task_that_is_there_and_finished_has_its_verdict_at_once(world: FakeWorld) -> None:
    task_id = waiting(world, LOST_ANSWER)
    world.api.succeeds(task_id)

    assert world.resubmit(task_id, 1) is Resubmitted.FOUND

    assert world.task(task_id).status is Status.SUCCEED
    assert task_id in world.documents.callbacks


@pytest.mark.parametrize("fault", [RATE, UNREACHABLE, LOST_REQUEST, INTERNAL], ids=["busy", "unreachable", "lost", "5000"])
def test_a_task_that_is_not_there_is_sent_again_as_it_was(world: FakeWorld, fault: Fault) -> None:
    task_id = waiting(world, fault)

    assert world.resubmit(task_id, 1) is Resubmitted.SENT

    asked = ["GET"] if fault in {LOST_REQUEST, INTERNAL} else []
    assert methods(world) == ["POST", *asked, "POST"], "what is certainly unsent needs no query"
    assert world.api.requests[-1] == world.api.requests[0]
    assert world.api.paid == {task_id: 1}
    assert (world.task(task_id).attempts, world.task(task_id).request) == (2, None)


def test_a_large_request_is_sent_again_from_where_it_is_kept(world: FakeWorld) -> None:
    world.api.faults.append(RATE)
    task_id = world.submit({**PROMPT, "unknown": "y" * 9000}).task.task_id

    assert world.resubmit(task_id, 1) is Resubmitted.SENT
    assert world.api.requests[1] == world.api.requests[0]


def test_a_lookup_without_an_answer_sends_nothing(world: FakeWorld) -> None:
    for fault in (RATE, UNREACHABLE, LOST_REQUEST, INTERNAL, Fault(handles=False, answer=answered(200, {"code": 0, "data": {}}))):
        task_id = waiting(world, LOST_ANSWER)
        world.api.faults.append(fault)

        assert world.resubmit(task_id, 1) is Resubmitted.QUEUED

        assert world.api.requests[-1].method == "GET"
        assert world.task(task_id).attempts == 1
        assert (world.resubmissions.messages[-1].task_id, world.resubmissions.messages[-1].attempt) == (task_id, 1)


def test_a_gateway_that_does_not_find_the_path_is_no_reason_to_send_again(world: FakeWorld) -> None:
    task_id = waiting(world, LOST_ANSWER)
    world.api.faults.append(Fault(handles=False, answer=answered(404, b"<html>404 Not Found</html>")))

    assert world.resubmit(task_id, 1) is Resubmitted.QUEUED

    assert world.api.paid == {task_id: 1}
    assert methods(world) == ["POST", "GET"]


def test_an_attempt_that_is_refused_fails_the_task(world: FakeWorld) -> None:
    task_id = waiting(world, RATE)
    world.api.faults.append(POLICY)

    assert world.resubmit(task_id, 1) is Resubmitted.SENT

    failure = world.task(task_id).failure
    assert failure is not None
    assert (failure.code, failure.provider_code) == (FailureCode.REJECTED, 1301)


def test_an_attempt_that_fails_too_is_followed_by_the_next(world: FakeWorld) -> None:
    task_id = waiting(world, RATE)
    world.api.faults.append(RATE)

    assert world.resubmit(task_id, 1) is Resubmitted.QUEUED

    assert [message.attempt for message in world.resubmissions.messages] == [1, 2]
    assert world.task(task_id).attempts == 2
    assert world.resubmit(task_id, 2) is Resubmitted.SENT


def test_a_repeated_message_does_nothing(world: FakeWorld) -> None:
    task_id = waiting(world, RATE)
    world.api.faults.append(RATE)
    world.resubmit(task_id, 1)
    requests, messages = len(world.api.requests), len(world.resubmissions.messages)

    assert world.resubmit(task_id, 1) is Resubmitted.OVER

    assert (len(world.api.requests), len(world.resubmissions.messages)) == (requests, messages)


def test_of_two_deliveries_at_once_one_sends(world: FakeWorld) -> None:
    task_id = waiting(world, LOST_REQUEST)
    send, outcomes = world.api.send, []

    def send_between(*arguments: object, **named: object) -> object:
        world.api.send = send  # type: ignore[method-assign]
        answer = send(*arguments, **named)  # type: ignore[arg-type]
        outcomes.append(world.resubmit(task_id, 1))
        return answer

    world.api.send = send_between  # type: ignore[method-assign,assignment]
    outcomes.append(world.resubmit(task_id, 1))

    assert outcomes == [Resubmitted.SENT, Resubmitted.OVER]
    assert world.api.paid == {task_id: 1}


@pytest.mark.parametrize("end", ["unknown", "over", "accepted"])
def test_what_needs_no_attempt_gets_none(world: FakeWorld, end: str) -> None:
    task_id = "0" * 32 if end == "unknown" else waiting(world, LOST_ANSWER)
    if end != "unknown":
        (world.api.fails if end == "over" else world.api.proceeds)(task_id)
        world.called_back(task_id)
    requests = len(world.api.requests)

    assert world.resubmit(task_id, 1) is Resubmitted.OVER
    assert len(world.api.requests) == requests


def test_after_its_deadline_a_task_is_expired_and_not_sent(world: FakeWorld) -> None:
    task_id = waiting(world, RATE)
    world.clock.now = world.task(task_id).deadline_at

    assert world.resubmit(task_id, 1) is Resubmitted.EXPIRED

    task = world.task(task_id)
    assert task.failure is not None
    assert (task.failure.code, task.due_at) == (FailureCode.EXPIRED, None)
    assert world.api.paid == {}


def test_a_verdict_that_comes_at_the_deadline_wins(world: FakeWorld) -> None:
    task_id = waiting(world, LOST_ANSWER)
    world.clock.now = world.task(task_id).deadline_at
    change = world.tasks.change

    def change_after_the_callback(*arguments: Any, **named: Any) -> object:
        world.tasks.change = change  # type: ignore[method-assign]
        world.api.succeeds(task_id)
        world.called_back(task_id)
        return change(*arguments, **named)

    world.tasks.change = change_after_the_callback  # type: ignore[method-assign,assignment]
    world.api.lag = 10**9

    assert world.resubmit(task_id, 1) is Resubmitted.OVER
    assert world.task(task_id).status is Status.SUCCEED


def test_a_second_before_its_deadline_a_task_is_still_sent(world: FakeWorld) -> None:
    task_id = waiting(world, RATE)
    world.clock.now = world.task(task_id).deadline_at - 1

    assert world.resubmit(task_id, 1) is Resubmitted.SENT


def test_an_outage_is_waited_for_with_ever_longer_pauses(world: FakeWorld) -> None:
    task_id = waiting(world, UNREACHABLE)
    delays: list[int] = []
    while len(delays) < 20:
        message = world.resubmissions.messages.pop()
        delays.append(message.delay)
        world.clock.advance(seconds=message.delay)
        world.api.faults.append(UNREACHABLE)
        assert world.resubmit(task_id, message.attempt) is Resubmitted.QUEUED

    assert sorted(delays) == delays
    assert delays[-1] > 450
    assert max(delays) <= 900


# send.py


@pytest.mark.parametrize("attempt", [0, 1, 5, 20, 21, 10**6])
@pytest.mark.parametrize("seed", ["0" * 32, "f" * 32, "0123456789abcdef0123456789abcdef"])
def test_a_pause_is_between_half_and_all_of_the_full_one(attempt: int, seed: str) -> None:
    full = min(900, 4 << min(attempt, 20))

    assert full // 2 <= backoff(attempt, first=4, longest=900, seed=seed) <= full


def test_pauses_of_different_tasks_are_spread() -> None:
    pauses = {backoff(8, first=4, longest=900, seed=f"{number * 655:032x}") for number in range(100)}

    assert len(pauses) > 90
    assert min(pauses) < 470
    assert max(pauses) > 880


def test_an_order_survives_being_kept() -> None:
    request = StoredRequest({"prompt": "Küste ✓", "n": 1}, PUBLIC_URL)

    assert StoredRequest.from_json(request.to_json()) == StoredRequest.from_json(request.to_json().encode()) == request
