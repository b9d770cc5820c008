"""The scheduler: a virtual clock, the steps that are waiting, and the story of those that were made."""

from collections.abc import Callable
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from tests.support.fakes.clock import VirtualClock

if TYPE_CHECKING:
    from tests.aws.recursion import Chain

_DEEPEST = 3


class Scheduler:
    """Makes one step after the other, each at its time; a step that pauses lets others be made inside it."""

    def __init__(self, clock: VirtualClock, after_step: Callable[[], None]) -> None:
        self.clock = clock
        self.story: list[tuple[int, int, str]] = []
        """Time, depth and text of each line."""
        self.steps = 0
        self.chain: Chain = {}
        """The chain of requests of the function that runs now."""
        self._after_step = after_step
        self._waiting: list[tuple[int, int, str, Callable[[], None]]] = []
        self._number = 0
        self._depth = 0

    def after(self, seconds: float, name: str, action: Callable[[], None]) -> None:
        """Make a step in so many seconds."""
        self._number += 1
        heappush(self._waiting, (self.clock.now + round(seconds * 1000), self._number, name, action))

    def say(self, text: str) -> None:
        """A line of the story below the step that is being made."""
        self.story.append((self.clock.now, self._depth + 1, text))

    def run(self, until: int | None = None) -> None:
        """Make the steps up to a time, or all."""
        while self._waiting and (until is None or self._waiting[0][0] <= until):
            self._step()
        if until is not None:
            self.clock.now = max(self.clock.now, until)

    def pause(self, milliseconds: int) -> None:
        """Time passes within a step: what is due meanwhile is made."""
        until = self.clock.now + milliseconds
        if self._depth < _DEEPEST:
            self.run(until)
        self.clock.now = max(self.clock.now, until)

    def _step(self) -> None:
        when, _, name, action = heappop(self._waiting)
        self.clock.now = max(self.clock.now, when)
        self.story.append((self.clock.now, self._depth, name))
        self.steps += 1
        self._depth += 1
        outer, self.chain = self.chain, {}
        try:
            action()
        finally:
            self._depth -= 1
            self.chain = outer
        self._after_step()


class PassingClock(VirtualClock):
    """A clock whose waiting lets others work: for the provider that hangs."""

    def __init__(self, now: int) -> None:
        super().__init__(now)
        self.scheduler: Scheduler | None = None

    def advance(self, seconds: float = 0, *, ms: int = 0) -> int:
        """Pause the step that waits."""
        if self.scheduler is None:
            return super().advance(seconds, ms=ms)
        self.scheduler.pause(round(seconds * 1000) + ms)
        return self.now
