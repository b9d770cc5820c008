"""Kling, spoken through CometAPI: paths, the envelope, the callback protocol and what its errors mean."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from relay.domain.errors import (
    AlreadyAcceptedError,
    OutcomeUnknownError,
    ProviderBusyError,
    ProviderError,
    ProviderRefusedError,
    ProviderTaskMissingError,
    UnreadableSnapshotError,
)
from relay.domain.task import Failure, Result, Snapshot, Status, Task
from relay.providers.base import Checked, Operation, PromptLimits, ProviderRequest, ProviderResponse

PREFIX = "/kling/v1/"

# One line per asynchronous create endpoint: its path and its model in kling_requests.py.
_OPERATIONS = (
    Operation("images/generations", "ImageGeneration"),
    Operation("videos/text2video", "TextToVideo"),
    Operation("videos/image2video", "ImageToVideo"),
    Operation("videos/video-extend", "VideoExtension"),
    Operation("images/kolors-virtual-try-on", "VirtualTryOn"),
    Operation("videos/lip-sync", "LipSync"),
)

# Refusals that pass with time; every other code from 1000 to 1399 is final, those that come with HTTP 429 (1100-1102, 1304) too.
_BUSY_CODES = frozenset({1003, 1004, 1302, 1303, 5001})
_BUSY_HTTP = frozenset({425, 429})
_FINAL_CODES = range(1000, 1400)
_CREDENTIAL_CODES = frozenset({1000, 1001, 1002})

# Lists of results in a task object, and the kind of file in each.
_RESULT_LISTS = {"images": "image", "series_images": "image", "videos": "video", "audios": "audio"}
_RESULT_LIMIT = 64
_URL_LIMIT = 4096
_DOCUMENT_LIMIT = 65_536
_WRAPPING_LIMIT = 3
_TASK_FIELDS = frozenset({"task_id", "task_status", "task_status_msg", "created_at", "updated_at"})


class Kling:
    """The Kling translator. Facts: the Kling API reference and CometAPI's pages on it."""

    name = "kling"
    operations: Mapping[str, Operation] = {operation.name: operation for operation in _OPERATIONS}

    def checked(self, operation: Operation, body: Mapping[str, Any], limits: PromptLimits) -> Checked:
        """Check a body against the operation's model. The models load pydantic, which only submitting needs."""
        from relay.providers import kling_requests

        model = getattr(kling_requests, operation.model)
        result = kling_requests.checked(model, body, prompt_limit=limits.prompt, negative_prompt_limit=limits.negative_prompt)
        return Checked(result.body, result.warnings)

    def create_request(
        self, operation: Operation, body: Mapping[str, Any], *, task_id: str, callback_url: str
    ) -> ProviderRequest:
        """`POST /kling/v1/{operation}` with our id as `external_task_id` and our `callback_url`."""
        return ProviderRequest(
            "POST", PREFIX + operation.name, {**body, "external_task_id": task_id, "callback_url": callback_url}
        )

    def read_created(self, response: ProviderResponse) -> Snapshot:
        """The task object of a create envelope."""
        document = _json(response.body)
        error = _error(response.status, document)
        if error:
            raise error
        try:
            return _snapshot(_unwrapped(document))
        except UnreadableSnapshotError as unreadable:
            raise OutcomeUnknownError(f"the create answer has no task: {unreadable}", status=response.status) from None

    def query_request(self, operation: Operation, reference: str) -> ProviderRequest:
        """`GET /kling/v1/{operation}/{task_id or external_task_id}`."""
        return ProviderRequest("GET", f"{PREFIX}{operation.name}/{quote(reference, safe='')}")

    def read_queried(self, response: ProviderResponse) -> Snapshot:
        """The task object of a query envelope, native or in CometAPI's older wrapping."""
        document = _json(response.body)
        error = _error(response.status, document)
        if error is None:
            return _snapshot(_unwrapped(document))
        if _says_missing(error):
            raise ProviderTaskMissingError(error.message, status=error.status, code=error.code)
        raise error

    def read_callback(self, body: bytes) -> Snapshot:
        """The callback protocol's task object; an envelope around it is tolerated."""
        return _snapshot(_unwrapped(_json(body)))

    def view(self, task: Task, urls: Mapping[str, str]) -> dict[str, Any]:
        """The task object of a query, with our ids and times."""
        document = json.loads(json.dumps(task.document or {}))
        for result in task.results:
            _put(document, result.path, urls[result.path])
        info = document.get("task_info")
        info = {**info} if isinstance(info, dict) else {}
        info.pop("external_task_id", None)
        if task.external_task_id is not None:
            info["external_task_id"] = task.external_task_id
        return {
            "task_id": task.task_id,
            "task_status": task.status.value,
            "task_status_msg": task.message,
            "task_info": info,
            **{name: value for name, value in document.items() if name != "task_info"},
            "created_at": task.created_at,
            "updated_at": task.updated_at,
        }

    def refusal(self, failure: Failure) -> tuple[int, int, str]:
        """The envelope that the provider refused with; a refusal of the relay's own key is not the client's 401."""
        code = max(failure.provider_code, 0)
        if code in _CREDENTIAL_CODES or failure.http_status == 401:
            return (
                502,
                5000,
                f"the provider refused the relay's own key ({failure.message}): its operator must renew the secret",
            )
        status = failure.http_status if 400 <= failure.http_status < 600 else 400
        return status, code or 1200, failure.message


def _json(body: bytes) -> Any:
    """The document, certain to be encodable again (half an emoji at the end of a cut message is not); None if unreadable."""
    try:
        document = json.loads(body, parse_constant=_refuse_constant)
        text = json.dumps(document, ensure_ascii=False, allow_nan=False)  # 1e999 was read as infinity
        return document if text.isascii() else json.loads(text.encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _error(status: int, document: Any) -> ProviderError | None:
    """What a response means when it is no success; None for HTTP 2xx with code 0, or in the older wrapping."""
    code, message = _code_and_message(document)
    if 200 <= status < 300 and code == 0 and isinstance(document, dict):
        return None
    message = message or f"HTTP {status} without a readable error"
    kind = _meaning(status, code, message)
    return kind(message[:500], status=status, code=max(code, 0))


def _says_missing(error: ProviderError) -> bool:
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


def _unwrapped(document: Any) -> dict[str, Any]:
    """The innermost task object of an envelope, or of CometAPI's wrapping around it (at most three levels)."""
    for _ in range(_WRAPPING_LIMIT + 1):
        if not isinstance(document, dict):
            break
        if "task_id" in document and "task_status" in document:
            return document
        document = document.get("data")
    raise UnreadableSnapshotError("no object with task_id and task_status in it")


def _snapshot(task: dict[str, Any]) -> Snapshot:
    try:
        status = Status(task["task_status"])
    except ValueError:
        raise UnreadableSnapshotError(f"task_status is none of {', '.join(Status)}") from None
    task_id = task["task_id"]
    if isinstance(task_id, bool) or not isinstance(task_id, str | int) or not str(task_id) or len(str(task_id)) > 256:
        raise UnreadableSnapshotError("task_id is not an id")
    document = {name: value for name, value in task.items() if name not in _TASK_FIELDS and value not in (None, {}, [])}
    results = tuple(_results(document)) if status is Status.SUCCEED else ()
    if status is Status.SUCCEED and not results:
        raise UnreadableSnapshotError("a succeeded task without a result")
    info = task.get("task_info")
    external = info.get("external_task_id") if isinstance(info, dict) else None
    message = task.get("task_status_msg")
    return Snapshot(
        status=status,
        provider_task_id=str(task_id),
        external_task_id=external if isinstance(external, str) else None,
        message=message if isinstance(message, str) else "",
        updated_at=_milliseconds(task.get("updated_at")),
        results=results,
        document=_bounded(document) if status is Status.SUCCEED else None,
    )


def _milliseconds(value: Any) -> int | None:
    """A time in ms; numbers may come as strings."""
    if isinstance(value, str) and value.isdecimal() and len(value) < 16:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**15 else None


def _results(document: dict[str, Any]) -> Iterator[Result]:
    """Every file of `task_result`; its URL is blanked in `document`, which keeps the rest."""
    found = 0
    result = document["task_result"] = _copied(document.get("task_result"))
    for name, kind in _RESULT_LISTS.items():
        entries = result.get(name) if isinstance(result, dict) else None
        for number, entry in enumerate(entries if isinstance(entries, list) else ()):
            if not isinstance(entry, dict):
                continue
            for field in [field for field in entry if _is_file(field, entry[field])]:
                found += 1
                if found > _RESULT_LIMIT:
                    raise UnreadableSnapshotError(f"more than {_RESULT_LIMIT} result files")
                yield _result(kind, f"task_result/{name}/{number}/{field}", entry, field)
                entry[field] = ""


def _copied(value: Any) -> Any:
    return json.loads(json.dumps(value)) if isinstance(value, dict) else {}


def _is_file(field: str, value: Any) -> bool:
    named = field == "url" or field.endswith("_url") or field.startswith("url_")
    if not (named and isinstance(value, str) and value):
        return False
    if len(value) > _URL_LIMIT:
        raise UnreadableSnapshotError(f"{field} is longer than {_URL_LIMIT} characters")
    return True


def _result(kind: str, path: str, entry: dict[str, Any], field: str) -> Result:
    index, identity = entry.get("index"), entry.get("id")
    duration = entry.get("duration", entry.get(field.replace("url", "duration")))
    return Result(
        path=path,
        kind=kind,
        url=entry[field],
        index=index if isinstance(index, int) and not isinstance(index, bool) else None,
        id=str(identity)[:256] if isinstance(identity, str | int) else None,
        duration=str(duration)[:32] if isinstance(duration, str | int | float) else None,
    )


def _bounded(document: dict[str, Any]) -> dict[str, Any]:
    """The document, or only its results when the rest is larger than an item should carry."""
    if len(json.dumps(document)) <= _DOCUMENT_LIMIT:
        return document
    return {"task_result": {}}


def _put(document: dict[str, Any], path: str, url: str) -> None:
    """Set the URL at `path` back in; where the document was cut, there is no place for it."""
    *parents, last = path.split("/", 3)
    place: Any = document
    for part in parents:
        place = place[int(part)] if isinstance(place, list) else place.get(part)
        if place is None:
            return
    place[last] = url
