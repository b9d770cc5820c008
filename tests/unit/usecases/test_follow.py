"""Tasks without callbacks, followed by the reconciler for almost a minute, in virtual time."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from relay.domain.errors import OutcomeUnknownError, TaskNotFoundError
from relay.domain.task import Status, Task
from relay.providers.base import ProviderRequest, ProviderResponse
from relay.providers.registry import PROVIDERS
from relay.usecases.reconcile import reconcile
from tests.support.fakes.clock import NOON
from tests.support.fakes.fake_world import FakeWorld
from tests.support.tasks import task_of

TICK_MS = 60_000


class Predictions:
    """ProviderApi: each prediction is processing until its time, then it has succeeded. `polls` counts the queries."""

    def __init__(self, world: FakeWorld) -> None:
        self.ends: dict[str, int] = {}
        self.polls: dict[str, int] = {}
        self.fault: Exception | None = None
        self.is_empty = False
        self._clock = world.clock

    def send(self, request: ProviderRequest, *, timeout: float) -> ProviderResponse:  # noqa: ARG002
        reference = request.path.rpartition("/")[2]
        self.polls[reference] = self.polls.get(reference, 0) + 1
        if self.fault:
            raise self.fault
        is_over = self._clock() >= self.ends[reference]
        shown: dict[str, Any] = {"id": reference, "status": "succeeded" if is_over else "processing", "output": None}
        if is_over and not self.is_empty:
            shown["output"] = ["https://files.example/0.png"]
        shown["completed_at"] = datetime.fromtimestamp(self.ends[reference] / 1000, UTC).isoformat() if is_over else None
        return ProviderResponse(200, json.dumps(shown).encode())


class World(FakeWorld):
    """FakeWorld with predictions that the provider has accepted."""

    def __init__(self) -> None:
        super().__init__()
        self.relay.providers = PROVIDERS
        self.predictions = self.relay.api = Predictions(self)
        self.moved_at: dict[str, int] = {}

    def accepted(self, number: int, *, after: int, takes: int) -> str:
        """A prediction that was created `after` ms from noon and `takes` so many ms."""
        task_id, at = f"{number:032x}", NOON + after
        self.predictions.ends[f"p{number}"] = at + takes
        accepted: dict[str, Any] = {"provider": "replicate", "operation": "predictions", "provider_task_id": f"p{number}"}
        self.tasks.create(task_of(task_id, created_at=at, due_at=at + 5000, deadline_at=at + 86_400_000, **accepted))
        return task_id

    def tick(self) -> dict[str, int]:
        """One invocation, a minute after the last one began."""
        began = self.clock()
        counts = reconcile(self.relay, lambda: began + 80_000 - self.clock(), pause=self._pause)
        self._look()
        self.clock.now = max(self.clock(), began + TICK_MS)
        return counts

    def _pause(self, seconds: float) -> None:
        self._look()
        self.clock.advance(seconds=max(seconds, 0.001))

    def _look(self) -> None:
        for task in self.tasks.tasks.values():
            if task.is_over:
                self.moved_at.setdefault(task.task_id, task.updated_at)


@pytest.fixture
def world() -> World:
    return World()


def test_a_poll_without_news_writes_nothing(world: World) -> None:
    task_id = world.accepted(1, after=0, takes=40_000)
    world.clock.advance(seconds=5)
    world.tick()
    versions = [record.after.version for record in world.tasks.records if record.after]
    assert world.task(task_id).status is Status.SUCCEED
    assert world.task(task_id).updated_at - NOON <= 45_000
    assert world.predictions.polls["p1"] >= 7
    assert (max(versions), len(versions)) == (3, 5), "created, processing, polled, leased, succeeded"
    assert world.calls.names.count("tasks.change") == 2, "a write whose condition fails costs as much as one that succeeds"


def test_while_tasks_keep_coming_their_ends_are_known_within_seconds(world: World) -> None:
    """While nothing is followed, a new task waits for the next tick: those of the first minute are left out."""
    ends = {}
    for number in range(1100):
        after, takes = number * 613 % 660_000, 4000 + number * 977 % 200_000
        ends[world.accepted(number, after=after, takes=takes)] = NOON + after + takes
    for _ in range(20):
        world.tick()
    late = sorted(world.moved_at[task_id] - ends[task_id] for task_id in ends if world.task(task_id).created_at > NOON + 60_000)
    assert len(late) > 900
    assert late[len(late) // 2] <= 5000
    assert late[len(late) * 99 // 100] <= 15_000
    assert sum(world.predictions.polls.values()) < 25 * len(ends)


def test_a_followed_task_is_not_due_for_another_invocation(world: World) -> None:
    task_id = world.accepted(1, after=0, takes=600_000)
    world.clock.advance(seconds=5)
    began = world.clock()
    seen: list[list[str]] = []

    def pause(seconds: float) -> None:
        seen.append(world.tasks.due(now=world.clock(), limit=10))
        world.clock.advance(seconds=seconds)

    reconcile(world.relay, lambda: began + 80_000 - world.clock(), pause=pause)
    assert len(seen) > 5
    assert set(map(tuple, seen)) == {()}
    assert world.clock() - began <= 60_000
    assert world.task(task_id).due_at == began + 58_000


def test_an_invocation_that_ends_early_leaves_its_tasks_to_the_next(world: World) -> None:
    task_id = world.accepted(1, after=0, takes=20_000)
    world.clock.advance(seconds=5)

    def killed(_seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reconcile(world.relay, lambda: 1, pause=killed)
    world.clock.advance(seconds=60)
    world.tick()
    assert world.task(task_id).status is Status.SUCCEED


def test_a_silent_provider_is_asked_less_and_less(world: World) -> None:
    world.accepted(1, after=0, takes=600_000)
    world.clock.advance(seconds=5)
    world.tick()
    before = world.predictions.polls["p1"]
    world.predictions.fault = OutcomeUnknownError("no answer from the provider: ReadTimeout")
    world.tick()
    assert world.predictions.polls["p1"] - before <= 5


def test_an_unexpected_exception_stops_no_other_task(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = world.accepted(1, after=0, takes=20_000), world.accepted(2, after=0, takes=20_000)
    world.clock.advance(seconds=5)
    right = world.tasks.change

    def change(task_id: str, *arguments: Any, **named: Any) -> None:
        if task_id == bad and arguments[0].status is Status.SUCCEED:
            raise ValueError("broken")
        right(task_id, *arguments, **named)

    monkeypatch.setattr(world.tasks, "change", change)
    with pytest.raises(BaseExceptionGroup, match="could not be polled"):
        world.tick()
    assert world.task(good).status is Status.SUCCEED
    assert world.task(bad).due_at


def test_a_success_without_files_is_left_to_the_reconciler(world: World) -> None:
    task_id = world.accepted(1, after=0, takes=10_000)
    world.predictions.is_empty = True
    world.clock.advance(seconds=5)
    for _ in range(8):
        world.tick()
    task: Task = world.task(task_id)
    assert task.failure
    assert task.failure.code == "no_results"


def test_a_task_that_has_vanished_is_no_harm(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.accepted(1, after=0, takes=10_000)
    world.clock.advance(seconds=5)

    def vanished(*_: Any, **__: Any) -> None:
        raise TaskNotFoundError("gone")

    monkeypatch.setattr(world.tasks, "postpone", vanished)
    with pytest.raises(BaseExceptionGroup):
        world.tick()
