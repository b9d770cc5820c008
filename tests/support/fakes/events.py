"""FakeEvents: a bus that keeps what it takes."""

from collections import deque
from collections.abc import Sequence

from relay.domain.events import Event


class FakeEvents:
    """EventPublisher; `refusals` are the indices that the next calls do not take, one set a call."""

    def __init__(self) -> None:
        self.published: list[Event] = []
        self.refusals: deque[set[int]] = deque()

    def publish(self, events: Sequence[Event]) -> list[int]:
        """What is not refused is out, also what follows a refused one."""
        refused = self.refusals.popleft() if self.refusals else set()
        self.published += [event for number, event in enumerate(events) if number not in refused]
        return [number for number in range(len(events)) if number in refused]

    @property
    def ids(self) -> list[str]:
        """The event ids, in the order of publishing."""
        return [event.detail["event_id"] for event in self.published]
