"""How many requests a key may make in a minute: counted before anything is written or sent."""

import pytest

from relay.domain.errors import ExternalTaskIdTakenError, IdempotencyKeyReusedError, InvalidRequestError, TooManySubmissionsError
from relay.domain.keys import SubmissionLimit
from tests.support.fakes.fake_world import PROMPT, FakeWorld
from tests.unit.usecases.test_forward import BODY, SPEECH

TWO = SubmissionLimit("key_1", 2)
OTHER = {"prompt": "another"}


def full(world: FakeWorld, **first: str) -> str:
    """A minute in which the key has submitted as often as it may; the id of its first task."""
    made = [world.submit({**PROMPT, **first} if number == 0 else PROMPT, key=f"key-{number}", limit=TWO) for number in range(2)]
    return made[0].task.task_id


def test_over_the_limit_nothing_is_written_or_sent(world: FakeWorld) -> None:
    full(world)
    calls = len(world.calls.names)
    with pytest.raises(TooManySubmissionsError, match="2 times a minute") as caught:
        world.submit(limit=TWO)
    assert caught.value.code == 1302
    assert world.calls.names[calls:] == ["counts.count"]
    assert len(world.tasks.tasks) == 2


def test_without_a_limit_nothing_is_counted(world: FakeWorld) -> None:
    for _ in range(5):
        world.submit()
    assert "counts.count" not in world.calls.names


def test_the_next_minute_is_a_new_one_and_the_refusal_says_when_it_begins(world: FakeWorld) -> None:
    full(world)
    with pytest.raises(TooManySubmissionsError) as caught:
        world.submit(limit=TWO)
    assert 1 <= caught.value.retry_after <= 60
    world.clock.now += caught.value.retry_after * 1000
    assert not world.submit(limit=TWO).repeated


@pytest.mark.parametrize(("into_the_minute", "seconds"), [(0, 60), (1, 60), (1000, 59), (30_000, 30), (59_001, 1), (59_999, 1)])
def test_the_wait_is_rounded_up(world: FakeWorld, into_the_minute: int, seconds: int) -> None:
    world.clock.now += 60_000 - world.clock() % 60_000 + into_the_minute
    full(world)
    with pytest.raises(TooManySubmissionsError) as caught:
        world.submit(limit=TWO)
    assert caught.value.retry_after == seconds


def test_each_key_has_its_own_minute(world: FakeWorld) -> None:
    full(world)
    assert not world.submit(limit=SubmissionLimit("key_2", 1)).repeated


def test_a_repeated_request_is_answered_though_the_minute_is_full(world: FakeWorld) -> None:
    first = full(world)
    again = world.submit(key="key-0", limit=TWO)
    assert (again.repeated, again.task.task_id) == (True, first)
    with pytest.raises(IdempotencyKeyReusedError):
        world.submit(OTHER, key="key-0", limit=TWO)


def test_an_external_task_id_that_is_taken_is_told_though_the_minute_is_full(world: FakeWorld) -> None:
    first = full(world, external_task_id="order-1")
    assert world.submit({**PROMPT, "external_task_id": "order-1"}, key="key-0", limit=TWO).task.task_id == first
    with pytest.raises(ExternalTaskIdTakenError):
        world.submit({**PROMPT, "external_task_id": "order-1"}, limit=TWO)
    with pytest.raises(TooManySubmissionsError):
        world.submit({**PROMPT, "external_task_id": "order-2"}, limit=TWO)


def test_a_wrong_request_is_not_counted(world: FakeWorld) -> None:
    for _ in range(5):
        with pytest.raises(InvalidRequestError):
            world.submit({"prompt": ""}, limit=TWO)
    assert full(world)


def test_what_is_answered_at_once_counts_too(world: FakeWorld) -> None:
    world.api.at_once[SPEECH] = b'{"code":0}'
    for _ in range(2):
        world.forward(SPEECH, BODY, limit=TWO)
    with pytest.raises(TooManySubmissionsError):
        world.forward(SPEECH, BODY, limit=TWO)
    with pytest.raises(TooManySubmissionsError):
        world.submit(limit=TWO)
    assert len(world.api.requests) == 2
