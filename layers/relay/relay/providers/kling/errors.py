"""Kling's error responses, and those of CometAPI in front of it: what each means for a payment.

Source: the table of error codes in the Kling API reference.
"""

from __future__ import annotations

from typing import Any

from relay.domain.errors import AlreadyAcceptedError, ProviderError
from relay.providers.meanings import ACCESS, BALANCE, BUSY, FINAL, KEY, UNKNOWN, ErrorResponse, Rule, error_for

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
_TEXTS = ("message", "msg", "detail", "error_description", "fail_reason")
_HTTP_ERRORS = range(400, 600)


def error_in(status: int, document: Any) -> ProviderError:
    """The error that a response other than a success means; `document` None: the body was not JSON."""
    response = _read(status, document)
    if response.code == 1201 and "already exists" in response.message.lower():
        return AlreadyAcceptedError(response.message, status=status, code=1201)
    return error_for(response, CODES)


def _read(status: int, document: Any) -> ErrorResponse:
    if not isinstance(document, dict):
        return ErrorResponse(status, is_readable=False)
    error = document.get("error") or document
    error = error if isinstance(error, dict) else {"message": error}
    given = error.get("code")
    code = _number(given)
    word = " ".join(value for value in (given if code == 0 else None, error.get("type")) if isinstance(value, str) and value)
    if 0 < code < 1000:  # an HTTP status, as gateways put it there
        status, word = (code if code in _HTTP_ERRORS and not 400 <= status < 500 else status), f"{code} {word}".strip()
        code = code if error is document else 0
    message = next((text for name in _TEXTS if isinstance(text := error.get(name), str) and text), "")
    return ErrorResponse(status, code=code, word=word, message=message)


def _number(value: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
