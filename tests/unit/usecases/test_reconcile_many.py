"""Ten thousand due tasks, worked off by invocations of bounded time."""

from collections import Counter

import pytest

from relay.ports import Relay
from relay.usecases import reconcile as reconciling
from relay.usecases.reconcile import Reconciled, reconcile, reconcile_one
from tests.support.fakes.fake_world import FakeWorld
from tests.support.fakes.relay import FakeRelay
from tests.support.tasks import NOON, task_of

TASKS = 10_000
LOOKS = 1_500
"""What one invocation has time for."""


class Invocation:
    """A time budget that each look takes a piece of."""

    def __init__(self, world: FakeWorld, asked: Counter[str]) -> None:
        self._world = world
        self._asked = asked
        self._left = LOOKS

    def time_left(self) -> int:
        """In looks instead of ms."""
        return self._left

    def one(self, task_id: str, _relay: Relay) -> Reconciled:
        """Asked: not due again for a minute."""
        self._left -= 1
        self._asked[task_id] += 1
        self._world.tasks.postpone(task_id, due_at=NOON + 60_000)
        return Reconciled.UNCHANGED


def test_ten_thousand_due_tasks_are_worked_off_once_each(world: FakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    relay = FakeRelay(settings=world.settings, clock=lambda: NOON, providers={}, tasks=world.tasks)
    for number in range(TASKS):
        world.tasks.create(task_of(task_id=f"{number:032x}", due_at=NOON - number))
    asked: Counter[str] = Counter()
    invocations = 0
    while len(asked) < TASKS and invocations < 20:
        invocations += 1
        run = Invocation(world, asked)
        monkeypatch.setattr(reconciling, "reconcile_one", run.one)
        reconcile(relay, run.time_left)
        assert run.time_left() > -100, "an invocation went on long after its time"

    assert len(asked) == TASKS
    assert set(asked.values()) == {1}
    assert invocations <= TASKS // (LOOKS - 100) + 1


def test_two_invocations_at_once_do_no_harm(world: FakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [world.submit().task.task_id for _ in range(20)]
    for task_id in ids:
        world.api.succeeds(task_id)
    world.clock.advance(world.settings.first_poll_after * 1000)

    def both(task_id: str, relay: Relay) -> Reconciled:
        reconcile_one(task_id, relay)
        return reconcile_one(task_id, relay)

    monkeypatch.setattr(reconciling, "reconcile_one", both)
    reconcile(world.relay, lambda: 1)

    assert {(world.task(task_id).status.value, world.task(task_id).version) for task_id in ids} == {("succeed", 2)}
