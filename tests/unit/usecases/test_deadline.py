"""The deadline of one task: how it is given, and that the task ends soon after it."""

from typing import Any

import pytest

from relay.domain.errors import IdempotencyKeyReusedError, InvalidRequestError
from relay.domain.task import FailureCode, Status
from relay.usecases.submit import split_deadline
from tests.support.fakes.fake_world import PROMPT, FakeWorld
from tests.support.fakes.provider import LOST_REQUEST, RATE, Fault

DAY = 86_400


def with_deadline(seconds: Any) -> dict[str, Any]:
    return {**PROMPT, "relay_deadline_seconds": seconds}


@pytest.mark.parametrize(
    ("given", "seconds"), [(None, None), ("", None), (60, 60), (60.0, 60), (DAY, DAY), ("3600", 3600), ("060", 60)]
)
def test_the_deadline_is_taken_out_of_the_body(given: Any, seconds: int | None) -> None:
    assert split_deadline(PROMPT, DAY) == (PROMPT, None)
    assert split_deadline({**PROMPT, "relay_deadline_seconds": given}, DAY) == (PROMPT, seconds)


@pytest.mark.parametrize(
    "given",
    [
        59,
        DAY + 1,
        -60,
        True,
        60.5,
        float("inf"),
        float("nan"),
        [60],
        {},
        "59",
        "1e3",
        "60,60",
        " 60",
        "9" * 99,
        "\u0661\u0662\u0663",
    ],
    ids=ascii,
)
def test_a_wrong_deadline_is_refused_with_the_range(given: Any) -> None:
    with pytest.raises(
        InvalidRequestError, match=r"relay_deadline_seconds.*: expected a whole number of seconds from 60 to 86400"
    ):
        split_deadline({"relay_deadline_seconds": given}, DAY)


def test_a_relay_with_a_short_deadline_has_no_range() -> None:
    assert split_deadline({"relay_deadline_seconds": 30}, 30) == ({}, 30)


def test_the_deadline_identifies_the_request(world: FakeWorld) -> None:
    first = world.submit(with_deadline(60), key="once")

    assert world.submit(with_deadline("60"), key="once").repeated
    for other in (61, None):
        with pytest.raises(IdempotencyKeyReusedError):
            world.submit(with_deadline(other), key="once")
    assert first.task.deadline_at == first.task.created_at + 60_000


@pytest.mark.parametrize("faults", [[], [RATE] * 9], ids=["accepted", "busy"])
@pytest.mark.parametrize("seconds", [60, 300, 3000])
def test_a_task_ends_within_two_minutes_of_its_deadline(world: FakeWorld, faults: list[Fault], seconds: int) -> None:
    world.api.faults += faults
    task_id = world.submit(with_deadline(seconds)).task.task_id

    while not world.task(task_id).is_over:
        world.clock.advance(seconds=60)
        while world.resubmissions.messages:
            world.resubmit(task_id, world.resubmissions.messages.pop(0).attempt)
        for due in world.tasks.due(now=world.clock(), limit=9):
            world.reconcile_one(due)

    task = world.task(task_id)
    assert (task.status, task.failure and task.failure.code) == (Status.FAILED, FailureCode.EXPIRED)
    assert task.deadline_at <= task.updated_at <= task.deadline_at + 120_000


def test_before_the_deadline_each_message_still_has_a_time_of_its_own(world: FakeWorld) -> None:
    world.api.faults += [LOST_REQUEST] * 4
    task_id = world.submit(with_deadline(60)).task.task_id
    times = [world.task(task_id).due_at]

    for _ in range(3):
        world.clock.advance(seconds=15)
        world.resubmit(task_id, 1)
        times.append(world.task(task_id).due_at)

    assert len(set(times)) == len(times) == 4
    assert max(time or 0 for time in times) < world.task(task_id).deadline_at + 10
