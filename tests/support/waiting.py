"""Waiting for what other processes do."""

import time
from collections.abc import Callable

_LOOK_EVERY = 0.05


def until[T](look: Callable[[], T], what: str, *, seconds: float = 60.0) -> T:
    """The first truth that `look` finds; raises AssertionError naming what did not come."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(_LOOK_EVERY)
    return found
