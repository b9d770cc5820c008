"""FakeNotices: messages for the operator."""

from relay.domain.task import Reason


class FakeNotices:
    """Notices, kept as (task_id, reason)."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Reason]] = []
        self.twice: list[tuple[str, str, str]] = []

    def waits(self, task_id: str, reason: Reason) -> None:
        """Keep it."""
        self.told.append((task_id, reason))

    def paid_twice(self, task_id: str, first: str, second: str) -> None:
        """Keep it."""
        self.twice.append((task_id, first, second))
