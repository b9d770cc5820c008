"""The failures that end a command, each with an exit code, a message and the next step.

Failure
├── TaskFailed           1   the relay worked, but the task failed
├── Refused              3   the relay or the provider rejected the request
├── Unauthorized         4   the relay key or the AWS credentials are missing or not accepted
├── NotFound             5   there is no such task, stack, key or object
├── Unavailable          6   no response, or a temporary error
└── TimedOut             7   --timeout expired
"""

from enum import IntEnum
from typing import Any


class ExitCode(IntEnum):
    """Every exit code of the program. `relay --help` and docs/cli.md show the texts."""

    meaning: str

    def __new__(cls, code: int, meaning: str) -> "ExitCode":
        """Create an int that also carries its meaning."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    OK = 0, "success"
    FAILED = 1, "the task failed, a replayed callback is still unreadable, a webhook was not accepted, or doctor found a fault"
    USAGE = 2, "invalid command line"
    REFUSED = 3, "the relay or the provider rejected the request"
    UNAUTHORIZED = 4, "the relay key or the AWS credentials are missing, invalid or not allowed to do this"
    NOT_FOUND = 5, "no such task, stack, key or object"
    UNAVAILABLE = 6, "no response, or a temporary error: try again"
    TIMED_OUT = 7, "--timeout expired; the task continues"
    WARNED = 8, "doctor found warnings, but nothing broken"
    INTERNAL = 70, "a bug in this program"
    INTERRUPTED = 130, "interrupted with Ctrl-C; temporary AWS resources are removed"


class Failure(Exception):  # noqa: N818 - not an error of the program
    """A command could not do what was asked.

    `message` says what is wrong, `advice` what to do next. `details` are additional fields for --json.
    """

    exit_code = ExitCode.FAILED

    def __init__(self, message: str, advice: str = "", **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice
        self.details = details

    def document(self) -> dict[str, Any]:
        """Return what --json prints: `{"error": {"message", "advice", "exit_code", …}}` without empty fields."""
        error = {"message": self.message, "advice": self.advice, **self.details, "exit_code": int(self.exit_code)}
        return {"error": {name: value for name, value in error.items() if value is not None and value != ""}}


class TaskFailed(Failure):
    """The task failed, or its files could not be stored."""


class Refused(Failure):
    """The request is wrong. Sending it again unchanged fails again."""

    exit_code = ExitCode.REFUSED


class Unauthorized(Failure):
    """The credentials are missing, invalid or lack a permission."""

    exit_code = ExitCode.UNAUTHORIZED


class NotFound(Failure):
    """The object does not exist, or it belongs to another tenant."""

    exit_code = ExitCode.NOT_FOUND


class Unavailable(Failure):
    """A temporary failure. A later attempt may succeed."""

    exit_code = ExitCode.UNAVAILABLE


class TimedOut(Failure):
    """--timeout expired before the task was finished."""

    exit_code = ExitCode.TIMED_OUT
