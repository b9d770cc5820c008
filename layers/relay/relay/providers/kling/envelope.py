"""Kling's envelope, and CometAPI's around it: what a response says."""

from collections.abc import Iterator
from typing import Any

from relay.domain.errors import ProviderError, UnreadableSnapshotError

_OF_A_TASK = {"task_id", "fail_reason"}
"""Without one of them, a "status" may be that of the response, and not of a task."""
_WRAPPING_LIMIT = 3


def names_a_task(document: Any) -> bool:
    """Whether there is an id of a task in it, though no task that we understand."""
    return any("task_id" in level for level in _levels(document))


def error_of(status: int, document: Any) -> ProviderError | None:
    """What a response means when it is no success; None for HTTP 2xx with code 0, or in the older wrapping."""
    if 200 <= status < 300 and isinstance(document, dict) and _is_success(document):
        return None
    from relay.providers.kling.errors import error_in  # callbacks do not need it

    return error_in(status, document)


def _is_success(document: dict[str, Any]) -> bool:
    code = document.get("code", 0)
    is_zero = str(code).lower() in {"0", "success"} and not isinstance(code, bool)
    return is_zero and not document.get("error") and document.get("success", True) is not False


def says_missing(error: ProviderError) -> bool:
    """Whether the provider itself says that there is no such task; a gateway's 404 says nothing about it."""
    told = error.message.lower()
    return (
        error.code in {1201, 1203}
        or (error.status == 404 and error.code > 0)
        or "not_exist" in told
        or (error.code != 0 and "not found" in told)
    )


def task_in(document: Any) -> dict[str, Any]:
    """The innermost task object of an envelope, or of CometAPI's wrapping around it (at most three levels)."""
    for level in _levels(document):
        if "task_id" in level and "task_status" in level:
            return level
    raise UnreadableSnapshotError("no object with task_id and task_status in it")


def reported_in(document: Any) -> dict[str, Any]:
    """The task object; where the wrapping has none, what the wrapping itself says: its id is not that of the provider."""
    try:
        return task_in(document)
    except UnreadableSnapshotError:
        wrapping = next((level for level in _levels(document) if "status" in level and _OF_A_TASK & level.keys()), None)
        if wrapping is None:
            raise
    said = wrapping.get("fail_reason") or wrapping.get("message")
    inner = wrapping.get("data")
    return {
        "task_status": wrapping["status"],
        "task_status_msg": said,
        "task_result": wrapping.get("task_result") or (inner.get("task_result") if isinstance(inner, dict) else None),
    }


def _levels(document: Any) -> Iterator[dict[str, Any]]:
    for _ in range(_WRAPPING_LIMIT + 1):
        if not isinstance(document, dict):
            return
        yield document
        document = document.get("data")
