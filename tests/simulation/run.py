"""Running a seed, and making the story of a failing one as short as it gets."""

import time
from collections import Counter
from dataclasses import dataclass
from unittest.mock import patch

from relay.usecases import reconcile
from tests.simulation.faults import Decisions, Fault
from tests.simulation.functions import InlinePool
from tests.simulation.invariants import Violation
from tests.simulation.simulated_world import BATCH, SimulatedWorld
from tests.support.fakes.clock import NOON

type Target = tuple[str, Fault]
"""A call site, and what happens to every second call there."""


@dataclass(frozen=True, slots=True)
class Run:
    """What became of one seed."""

    seed: int
    target: Target | None
    violation: Violation | None
    steps: int
    tasks: int
    faults: Counter[Fault]
    sites: Counter[tuple[str, str]]
    made: tuple[str, ...]
    story: tuple[str, ...]


def run(seed: int, dropped: frozenset[str] = frozenset(), target: Target | None = None) -> Run:
    """Live through a seed's world, without what is dropped; `target`: a call site, and a fault that must happen there."""
    decisions = Decisions(seed, dropped, target)
    violation = None
    with patch.object(reconcile, "ThreadPoolExecutor", InlinePool), patch.object(reconcile, "_BATCH", BATCH):
        world = SimulatedWorld(decisions)
        try:
            world.live()
        except Violation as found:
            violation = found
    story = tuple(f"{_time(at)} {'  ' * depth}{text}" for at, depth, text in world.scheduler.story) if violation else ()
    return Run(
        seed,
        target,
        violation,
        world.scheduler.steps,
        len(world.tasks.tasks),
        decisions.counts,
        decisions.sites,
        tuple(decisions.made) if violation else (),
        story,
    )


def shortened(failing: Run, seconds: float = 20) -> Run:
    """The same violation from as few faults and requests as can be found in so many seconds: halves first, then pieces."""
    if failing.violation is None:
        return failing
    until = time.monotonic() + seconds
    dropped: frozenset[str] = frozenset()
    best = failing
    size = max(1, len(best.made) // 2)
    while time.monotonic() < until:
        before = len(best.made)
        start = 0
        while start < len(best.made) and time.monotonic() < until:
            trial = dropped | set(best.made[start : start + size])
            shorter = run(failing.seed, trial, failing.target)
            if shorter.violation and shorter.violation.rule == failing.violation.rule:
                best, dropped = shorter, trial
            else:
                start += size
        if size == 1 and len(best.made) == before:
            break
        size = max(1, size // 2)
    return best


def told(failing: Run) -> str:
    """The story of a failing seed, and how to see it again."""
    short = shortened(failing)
    again = f"again: make sim SEED={failing.seed}"
    if failing.target:
        again += f" TARGET='{failing.target[0]}={failing.target[1].name}'"
    return "\n".join([f"seed {failing.seed} breaks a guarantee", *short.story, f"✗ {short.violation}", again])


def _time(at: int) -> str:
    seconds, milliseconds = divmod(at - NOON, 1000)
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}.{milliseconds:03}"
