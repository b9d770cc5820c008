"""Asynchronous invocation: what becomes of an event that Lambda could not process at once.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html ("By default, Lambda retries an
asynchronous invocation up to two times", after 1 and 2 minutes; throttled events go back to the queue and are tried for
up to six hours, with a delay that grows from 1 second to 5 minutes) and
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html (the destination on failure).
EventBridge invokes functions in this way, so its own retries and dead letters end once Lambda has queued the event:
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

DEFAULTS = {"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 21_600}
_AFTER_ERRORS = (60, 120)
_LONGEST_DELAY = 300


class Result(StrEnum):
    """Of one try."""

    DONE = "done"
    ERROR = "error"
    THROTTLED = "throttled"


@dataclass(frozen=True, slots=True)
class Fate:
    """When the function began, in seconds after the event, and where the event ended: done, destination or dropped."""

    began: tuple[float, ...]
    ended: str


def fate(configuration: Mapping[str, Any], attempt: Callable[[float], Result]) -> Fate:
    """The fate of an event; `attempt(seconds)` says how a try at that time ends. `configuration`: an EventInvokeConfig."""
    settings = DEFAULTS | dict(configuration)
    began: list[float] = []
    now, delay, errors = 0.0, 1.0, 0
    while now <= settings["MaximumEventAgeInSeconds"]:
        result = attempt(now)
        if result is Result.THROTTLED:
            now += delay
            delay = min(delay * 2, _LONGEST_DELAY)
            continue
        began.append(now)
        if result is Result.DONE:
            return Fate(tuple(began), "done")
        if errors >= settings["MaximumRetryAttempts"]:
            break
        now += _AFTER_ERRORS[min(errors, 1)]
        errors += 1
    return Fate(tuple(began), "destination" if settings.get("DestinationConfig", {}).get("OnFailure") else "dropped")
