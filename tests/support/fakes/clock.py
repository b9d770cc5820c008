"""VirtualClock: the time stands still until somebody moves it."""

NOON = 1_750_000_000_000


class VirtualClock:
    """Clock."""

    def __init__(self, now: int = NOON) -> None:
        self.now = now

    def __call__(self) -> int:
        """Unix time in ms."""
        return self.now

    def advance(self, seconds: float = 0, *, ms: int = 0) -> int:
        """Move the time forward; returns the new time."""
        self.now += round(seconds * 1000) + ms
        return self.now
