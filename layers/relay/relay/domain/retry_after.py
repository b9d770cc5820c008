"""The header Retry-After of providers and webhook endpoints (RFC 9110, section 10.2.3)."""

from __future__ import annotations


def seconds_of(value: str, *, at: int) -> int | None:
    """The seconds to wait from `at` (ms), given as a number or a date; None if it is neither."""
    value = value.strip()
    if value.isascii() and value.isdecimal() and len(value) < 10:
        return int(value)
    from datetime import UTC  # loaded only here: most responses have no such header
    from email.utils import parsedate_to_datetime

    try:
        until = parsedate_to_datetime(value)
        return max(0, round((until if until.tzinfo else until.replace(tzinfo=UTC)).timestamp() - at / 1000))
    except (ValueError, OverflowError):  # no date, or one that no calendar has
        return None
