"""FakeSubmissionCounts: a counter for each key and minute."""

from collections import Counter


class FakeSubmissionCounts:
    """SubmissionCounts."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, int]] = Counter()

    def count(self, key_id: str, minute: int, *, most: int) -> bool:
        """Never above the limit."""
        if self.counts[key_id, minute] >= most:
            return False
        self.counts[key_id, minute] += 1
        return True
