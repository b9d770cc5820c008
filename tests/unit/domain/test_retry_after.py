"""Retry-After: a number of seconds, or a date of any zone."""

import pytest

from relay.domain.retry_after import seconds_of

AT = 1_445_412_480_000  # 2015-10-21 07:28:00 UTC


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        (" 120 ", 120),
        ("999999999", 999_999_999),
        ("9999999999", None),
        ("-1", None),
        ("1.5", None),
        ("٣", None),
        ("", None),
        ("soon", None),
        ("Wed, 21 Oct 2015 07:28:30 GMT", 30),
        ("Wed, 21 Oct 2015 09:28:30 +0200", 30),
        ("Wed, 21 Oct 2015 07:28:30 -0000", 30),
        ("Wed, 21 Oct 2015 07:28:30", 30),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("Tue, 20 Oct 2015 07:28:00 GMT", 0),
        ("Wed, 21 Oct 2147483648 07:28:00 GMT", None),
    ],
)
def test_the_seconds_to_wait(value: str, seconds: int | None) -> None:
    assert seconds_of(value, at=AT) == seconds
