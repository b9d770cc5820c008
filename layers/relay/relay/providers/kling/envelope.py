"""Kling's envelope, and CometAPI's around it: what an answer says, and what an error means for a payment."""

import json
from typing import Any

from relay.domain.errors import (
    AlreadyAcceptedError,
    OutcomeUnknownError,
    ProviderBusyError,
    ProviderError,
    ProviderRefusedError,
    UnreadableSnapshotError,
)

# Refusals that pass with time; every other code from 1000 to 1399 is final, those that come with HTTP 429 (1100-1102, 1304) too.
_BUSY_CODES = frozenset({1003, 1004, 1302, 1303, 5001})
_BUSY_HTTP = frozenset({425, 429})
_FINAL_CODES = range(1000, 1400)
_CREDENTIAL_CODES = frozenset({1000, 1001, 1002})
_WRAPPING_LIMIT = 3


def refuses_our_key(status: int, code: int) -> bool:
    """Whether a refusal is about the key of the relay, which the client neither has nor can mend."""
    return code in _CREDENTIAL_CODES or status == 401


def names_a_task(document: Any) -> bool:
    """Whether there is an id of a task in it, though no task that we understand."""
    for _ in range(_WRAPPING_LIMIT + 1):
        if not isinstance(document, dict):
            break
        if "task_id" in document:
            return True
        document = document.get("data")
    return False


def document_of(body: bytes) -> Any:
    """The document, certain to be encodable again (half an emoji at the end of a cut message is not); None if unreadable."""
    try:
        document = json.loads(body, parse_constant=_refuse_constant)
        text = json.dumps(document, ensure_ascii=False, allow_nan=False)  # 1e999 was read as infinity
        return document if text.isascii() else json.loads(text.encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def error_of(status: int, document: Any) -> ProviderError | None:
    """What a response means when it is no success; None for HTTP 2xx with code 0, or in the older wrapping."""
    code, message = _code_and_message(document)
    if 200 <= status < 300 and code == 0 and isinstance(document, dict):
        return None
    message = message or f"HTTP {status} without a readable error"
    kind = _meaning(status, code, message)
    return kind(message[:500], status=status, code=max(code, 0))


def says_missing(error: ProviderError) -> bool:
    """Whether the provider itself says that there is no such task; a gateway's 404 says nothing about it."""
    told = error.message.lower()
    return (
        error.code in {1201, 1203}
        or (error.status == 404 and error.code > 0)
        or "not_exist" in told
        or (error.code != 0 and "not found" in told)
    )


def _code_and_message(document: Any) -> tuple[int, str]:
    if not isinstance(document, dict):
        return 0, ""
    error = document.get("error")
    if isinstance(error, dict):  # CometAPI's own errors are in OpenAI's style
        return (-1, f"{error.get('code') or error.get('type') or 'error'}: {error.get('message') or ''}")
    code = document.get("code", 0)
    message = document.get("message")
    message = message if isinstance(message, str) else ""
    if isinstance(code, str) and code.lower() == "success":
        return 0, message
    if isinstance(code, str) and not (code.isdecimal() and len(code) < 10):
        return -1, f"{code}: {message}"  # CometAPI's, such as task_not_exist
    if isinstance(code, str):
        code = int(code)
    return (code if isinstance(code, int) else -1), message


def _meaning(status: int, code: int, message: str) -> type[ProviderError]:
    if code == 1201 and "already exists" in message.lower():
        return AlreadyAcceptedError
    if code in _BUSY_CODES:
        return ProviderBusyError
    if code in _FINAL_CODES or message.startswith("invalid_request"):
        return ProviderRefusedError
    if status in _BUSY_HTTP:
        return ProviderBusyError
    if 300 <= status < 500 and status != 408:
        return ProviderRefusedError
    return OutcomeUnknownError  # 5xx, 5000, 5002, or nothing that we understand: the task may exist


def task_in(document: Any) -> dict[str, Any]:
    """The innermost task object of an envelope, or of CometAPI's wrapping around it (at most three levels)."""
    for _ in range(_WRAPPING_LIMIT + 1):
        if not isinstance(document, dict):
            break
        if "task_id" in document and "task_status" in document:
            return document
        document = document.get("data")
    raise UnreadableSnapshotError("no object with task_id and task_status in it")
