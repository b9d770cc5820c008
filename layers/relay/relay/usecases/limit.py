"""How many requests that cost something a key may make in a minute."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.domain.errors import TooManySubmissionsError

if TYPE_CHECKING:
    from relay.domain.keys import SubmissionLimit
    from relay.ports import SubmissionCounts

_MINUTE = 60_000


def seconds_to_wait(limit: SubmissionLimit | None, *, counts: SubmissionCounts, at: int) -> int:
    """0 when the request was counted, or when there is no limit (then nothing is written); else until the next minute begins.

    `at` in ms.
    """
    if limit is None or counts.count(limit.key_id, at // _MINUTE, most=limit.per_minute):
        return 0
    return (_MINUTE - at % _MINUTE + 999) // 1000


def too_many(limit: SubmissionLimit | None, seconds: int) -> TooManySubmissionsError:
    """The refusal that says when to come again."""
    most = limit.per_minute if limit else 0
    return TooManySubmissionsError(f"this key may submit {most} times a minute: send again in {seconds} s", retry_after=seconds)
