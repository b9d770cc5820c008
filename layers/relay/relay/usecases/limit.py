"""Limit the billable requests per key and minute."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.domain.errors import TooManySubmissionsError

if TYPE_CHECKING:
    from relay.domain.keys import SubmissionLimit
    from relay.ports import SubmissionCounts

_MINUTE = 60_000


def seconds_to_wait(limit: SubmissionLimit | None, counts: SubmissionCounts, *, at: int) -> int:
    """Count the request; returns 0, or above the limit the seconds until the next minute. Without a limit nothing is written.

    `at` in ms.
    """
    if limit is None or not limit.per_minute or counts.count(limit.key_id, at // _MINUTE, most=limit.per_minute):
        return 0
    return (_MINUTE - at % _MINUTE + 999) // 1000


def too_many(limit: SubmissionLimit | None, seconds: int) -> TooManySubmissionsError:
    """The error that says when to send again."""
    most = limit.per_minute if limit else 0
    return TooManySubmissionsError(f"this key may submit {most} times a minute: send again in {seconds} s", retry_after=seconds)
