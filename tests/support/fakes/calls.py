"""Watching the calls of a port: their order, and a crash before or after any of them."""

from collections.abc import Callable
from typing import Any, cast


class Crash(BaseException):
    """The function was killed here: nothing in the code under test may catch it."""


class Calls:
    """The names of all calls on the watched ports, `port.method`, in order; crashes at one of them on demand."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.crash_before: int | None = None
        self.crash_after: int | None = None

    def watch[Port](self, name: str, port: Port) -> Port:
        """`port`, with each call of its methods noted."""
        return cast("Port", _Watched(name, port, self))

    def made(self, name: str, call: Callable[[], Any]) -> Any:
        """Make one call; the first has number 0."""
        number = len(self.names)
        self.names.append(name)
        if number == self.crash_before:
            raise Crash(f"before {name}")
        try:
            return call()
        finally:
            if number == self.crash_after:
                raise Crash(f"after {name}")


class _Watched:
    def __init__(self, name: str, port: object, calls: Calls) -> None:
        self._name = name
        self._port = port
        self._calls = calls

    def __getattr__(self, attribute: str) -> Any:
        found = getattr(self._port, attribute)
        if not callable(found):
            return found

        def call(*arguments: Any, **named: Any) -> Any:
            return self._calls.made(f"{self._name}.{attribute}", lambda: found(*arguments, **named))

        return call
