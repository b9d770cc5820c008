"""The simulation as a test: some seeds, the same story for the same seed, and a shorter one for a failing seed."""

import pytest

from relay.domain.task import Task
from tests.simulation.faults import Fault
from tests.simulation.run import run, shortened, told

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
    assert struck == {"submit", "resubmit", "receive", "publish", "archive", "reconcile", "query", "deliver"}
