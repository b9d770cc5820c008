"""Kling's error responses, and those of CometAPI in front of it: what each means for a payment.

Source: the table of error codes in the Kling API reference.
"""

from __future__ import annotations

from typing import Any

from relay.domain.errors import AlreadyAcceptedError, ProviderError
from relay.providers.meanings import ACCESS, BALANCE, BUSY, FINAL, KEY, UNKNOWN, Rule, error_for, read_error

CODES: dict[int, Rule] = {
    **dict.fromkeys(range(1000, 1400), FINAL),
    **dict.fromkeys((1000, 1001, 1002), KEY),
    **dict.fromkeys((1003, 1004), BUSY),  # the token's times do not fit the provider's clock
    **dict.fromkeys((1100, 1103, 1304), ACCESS),
    **dict.fromkeys((1101, 1102), BALANCE),
    **dict.fromkeys((1302, 1303), BUSY),
    5000: UNKNOWN,
    5001: BUSY,
    5002: UNKNOWN,
}


def error_in(status: int, document: Any) -> ProviderError:
    """The error that a response other than a success means; `document` None: the body was not JSON."""
    response = read_error(status, document)
    if response.code == 1201 and "already exists" in response.message.lower():
        return AlreadyAcceptedError(response.message, status=status, code=1201)
    return error_for(response, CODES)
