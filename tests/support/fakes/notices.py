"""FakeNotices: messages for the operator."""

from relay.domain.task import Reason


class FakeNotices:
    """Notices, kept as (task_id, reason)."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Reason]] = []

    def waits(self, task_id: str, reason: Reason) -> None:
        """Keep it."""
        self.told.append((task_id, reason))
