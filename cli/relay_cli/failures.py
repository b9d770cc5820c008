"""What a command ends with when it does not do what was asked: an exit code, one line, and what to do about it.

Failure
├── TaskFailed           1   the relay did its part, the task failed
├── Refused              3   the relay, or the provider behind it, refused the request as it is
├── Unauthorized         4   the key, or AWS's credentials
├── NotFound             5   no such task, stack or object
├── Unavailable          6   no answer, or an answer that says "later"
└── TimedOut             7   --timeout passed
"""

from enum import IntEnum
from typing import Any


class ExitCode(IntEnum):
    """Every exit code; docs/cli.md shows these texts."""

    meaning: str

    def __new__(cls, code: int, meaning: str) -> "ExitCode":
        """An int that knows what it means."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    OK = 0, "done"
    FAILED = 1, "done, with a bad end: the task failed, the callback is still not understood, doctor found something broken"
    USAGE = 2, "the command line is wrong"
    REFUSED = 3, "the relay, or the provider behind it, refused the request"
    UNAUTHORIZED = 4, "the relay's key or AWS's credentials are missing, unknown or not allowed to"
    NOT_FOUND = 5, "no such task, stack, key or object"
    UNAVAILABLE = 6, "no answer, or none that helps now: try again"
    TIMED_OUT = 7, "--timeout passed; the task goes on"
    WARNED = 8, "doctor found something to look at, and nothing broken"
    INTERNAL = 70, "a fault of this program"
    INTERRUPTED = 130, "Ctrl-C; what was temporary is removed"


class Failure(Exception):  # noqa: N818 - not an error of the program
    """`message`: what is wrong, `advice`: what to do, `details`: more of it for --json."""

    exit_code = ExitCode.FAILED

    def __init__(self, message: str, advice: str = "", **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice
        self.details = details

    def document(self) -> dict[str, Any]:
        """As --json shows it."""
        error = {"message": self.message, "advice": self.advice, **self.details, "exit_code": int(self.exit_code)}
        return {"error": {name: value for name, value in error.items() if value is not None and value != ""}}


class TaskFailed(Failure):
    """The task's verdict."""


class Refused(Failure):
    """To be mended by whoever asks."""

    exit_code = ExitCode.REFUSED


class Unauthorized(Failure):
    """Nobody, or somebody who may not."""

    exit_code = ExitCode.UNAUTHORIZED


class NotFound(Failure):
    """Not there, or another tenant's."""

    exit_code = ExitCode.NOT_FOUND


class Unavailable(Failure):
    """Not now."""

    exit_code = ExitCode.UNAVAILABLE


class TimedOut(Failure):
    """Not yet."""

    exit_code = ExitCode.TIMED_OUT
