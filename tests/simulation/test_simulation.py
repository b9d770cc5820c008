"""The simulation as a test: some seeds, the same story for the same seed, and a shorter one for a failing seed."""

import gc
from unittest.mock import patch
from weakref import WeakSet

import pytest

from relay.domain.task import Task
from tests.simulation.faults import Decisions, Fault
from tests.simulation.run import run, shortened, told
from tests.simulation.simulated_world import SimulatedWorld

SEEDS = 150


@pytest.mark.parametrize("first", range(0, SEEDS, 10))
def test_every_guarantee_holds(first: int) -> None:
    for seed in range(first, first + 10):
        ended = run(seed)
        assert not ended.violation, told(ended)


def test_a_seed_has_always_the_same_story() -> None:
    first, second = run(7), run(7)
    assert first.steps > 20
    assert (first.steps, first.tasks, first.faults, first.sites) == (second.steps, second.tasks, second.faults, second.sites)


def test_a_failing_seed_is_told_in_few_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Task, "is_over", property(lambda task: task.rank >= 3))
    failing = next(ended for seed in range(100) if (ended := run(seed)).violation)
    short = shortened(failing, seconds=5)
    assert short.violation
    assert failing.violation
    assert short.violation.rule == failing.violation.rule
    assert 0 < len(short.story) < len(failing.story)
    assert len(short.made) < len(failing.made)
    assert told(failing).splitlines()[-1] == f"again: make sim SEED={failing.seed}"


def test_a_calm_world_has_no_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.simulation.faults.Decisions.struck", lambda *_: False)
    ended = run(3)
    assert not ended.violation
    assert not ended.faults
    assert ended.tasks


def test_a_fault_of_every_function_is_injected_somewhere() -> None:
    runs = [run(seed) for seed in range(40)]
    struck = {site.partition(" ")[0] for ended in runs for site, fault in ended.sites if fault in set(Fault)}
    assert struck == {"submit", "resubmit", "receive", "publish", "archive", "reconcile", "query", "cancel", "deliver"}


def test_a_fault_is_aimed_at_a_call_site() -> None:
    target = "resubmit documents.put_callback", Fault.KILLED_AFTER
    assert any(run(seed, target=target).sites[target] for seed in range(300))


def test_nothing_of_a_world_outlives_its_run() -> None:
    worlds = WeakSet[SimulatedWorld]()
    created = SimulatedWorld.__init__

    def noted(world: SimulatedWorld, decisions: Decisions) -> None:
        created(world, decisions)
        worlds.add(world)

    with patch.object(SimulatedWorld, "__init__", noted):
        for seed in range(20):
            run(seed)
    gc.collect()

    assert not worlds
