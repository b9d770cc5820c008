"""Replicate's prediction object: read from responses and callbacks, and shown with our ids and URLs.

Source: Replicate's HTTP reference, and CometAPI's pages on it.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from relay.domain.errors import NoResultsError, UnreadableSnapshotError
from relay.domain.task import Result, Snapshot, Status
from relay.providers.statuses import status_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from relay.domain.task import Task

_MARK = "relay:result/"
"""Stands in a stored output for the URL of a result; its number follows."""
_RESULT_LIMIT = 64
_URL_LIMIT = 4096
_ID_LIMIT = 256
_DOCUMENT_LIMIT = 131_072
"""Characters of the document of a success. A text is part of it, and no file."""
_DRAFT_LIMIT = 4096
"""Characters of the document of a task that has not succeeded: each write of the task is paid by its size."""
_WORDS = {Status.SUBMITTED: "starting", Status.PROCESSING: "processing", Status.SUCCEED: "succeeded", Status.FAILED: "failed"}
_CANCELED = frozenset({"canceled", "aborted"})
_KINDS = {
    **dict.fromkeys(("png", "jpg", "jpeg", "webp", "gif", "avif", "bmp", "tiff"), "image"),
    **dict.fromkeys(("mp4", "mov", "webm", "mkv", "avi"), "video"),
    **dict.fromkeys(("mp3", "wav", "ogg", "flac", "m4a", "aac", "opus"), "audio"),
}
_REQUEST_FIELDS = ("model", "version", "input")
_RESULT_FIELDS = (*_REQUEST_FIELDS, "output", "metrics", "started_at", "logs")
_SHORT_FIELDS = frozenset({"model", "version", "started_at"})
_LEAST_NEEDED = ("logs", "input", "metrics", "output")
"""What a document that is too large is shown without, one after the other."""


def snapshot_of(prediction: Any) -> Snapshot:
    """What a prediction says; raises UnreadableSnapshotError."""
    if not isinstance(prediction, dict) or "status" not in prediction:
        raise UnreadableSnapshotError("no object with a status in it")
    status, identity = status_of(prediction["status"]), prediction.get("id")
    if status is None:
        raise UnreadableSnapshotError(f"status means none of {', '.join(_WORDS.values())}: {prediction['status']!r}"[:200])
    if not (isinstance(identity, str) and 0 < len(identity) <= _ID_LIMIT):
        raise UnreadableSnapshotError("id is not an id")
    results: tuple[Result, ...] = ()
    if status is Status.SUCCEED:
        if prediction.get("output") in (None, [], {}, ""):
            removed = ": the provider has removed it" if prediction.get("data_removed") else ""
            raise NoResultsError(f"a succeeded prediction without an output{removed}", identity)
        output, results = _marked(prediction["output"])
        document = _bounded({**_only(prediction, _RESULT_FIELDS), "output": output}, _DOCUMENT_LIMIT)
    else:
        document = draft_of(prediction)
        if prediction["status"] in _CANCELED:
            document["status"] = "canceled"
    return Snapshot(
        status=status,
        provider_task_id=identity,
        message=_message(prediction) if status is Status.FAILED else "",
        created_at=_milliseconds(prediction.get("created_at")),
        updated_at=_milliseconds(prediction.get("completed_at")),
        results=results,
        document=document,
    )


def draft_of(request: Mapping[str, Any]) -> dict[str, Any]:
    """What is shown of a request, or of a prediction without an output."""
    return _bounded(_only(request, _REQUEST_FIELDS), _DRAFT_LIMIT)


def view_of(task: Task, urls: Mapping[str, str], base_url: str, prefix: str) -> dict[str, Any]:
    """The prediction with our id, times and URLs. `prefix`: that of the paths below `base_url`."""
    document = task.document or {}
    parts = task.operation.split("/")
    model = f"{parts[1]}/{parts[2]}" if parts[0] == "models" else ""
    is_canceled = task.is_cancelled or document.get("status") == "canceled"
    url = f"{base_url}{prefix}predictions/{task.task_id}"
    return {
        "id": task.task_id,
        "model": _text(document.get("model")) or model,
        "version": _text(document.get("version")) or "hidden",
        "input": document.get("input") or {},
        "logs": document.get("logs") or "",
        "output": _changed(document.get("output"), lambda text: urls.get(_path(text), text)),
        "data_removed": False,
        "error": None if task.status is not Status.FAILED or is_canceled else task.status_message or "failed",
        "source": "api",
        "status": "canceled" if is_canceled else _WORDS[task.status],
        "created_at": _iso(task.created_at),
        "started_at": document.get("started_at"),
        "completed_at": _iso(task.updated_at) if task.is_over else None,
        "metrics": document.get("metrics") or {},
        "urls": {"get": url, "cancel": f"{url}/cancel"} if base_url else {},
    }


def _only(document: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: document[name] for name in names if document.get(name) not in (None, "", [], {})}


def _bounded(document: dict[str, Any], limit: int) -> dict[str, Any]:
    document = {name: str(value)[:_ID_LIMIT] if name in _SHORT_FIELDS else value for name, value in document.items()}
    for name in _LEAST_NEEDED:
        if len(json.dumps(document)) <= limit:
            break
        document.pop(name, None)
    return document


def _path(text: str) -> str:
    """The path of the result that a mark stands for; empty if the text is none."""
    number = text.removeprefix(_MARK)
    return f"output/{number}" if number != text else ""


def _marked(output: Any) -> tuple[Any, tuple[Result, ...]]:
    """The output with a mark in place of each URL, and the results. An output is whatever the model says."""
    results: list[Result] = []

    def mark(text: str) -> str:
        if not _is_url(text):
            return text.removeprefix(_MARK)  # a text that looks like a mark
        if len(results) == _RESULT_LIMIT:
            raise UnreadableSnapshotError(f"more than {_RESULT_LIMIT} result files")
        if len(text) > _URL_LIMIT:
            raise UnreadableSnapshotError(f"a URL in the output is longer than {_URL_LIMIT} characters")
        number = len(results)
        results.append(Result(path=f"output/{number}", kind=_kind_of(text), url=text.strip(), index=number))
        return f"{_MARK}{number}"

    return _changed(output, mark), tuple(results)


def _changed(value: Any, change: Callable[[str], str]) -> Any:
    """A copy of a JSON value with every text changed, in order. JSON is read with a limit of its depth."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_changed(each, change) for each in value]
    return {name: _changed(each, change) for name, each in value.items()} if isinstance(value, dict) else value


def _is_url(text: str) -> bool:
    return text.lstrip()[:8].lower().startswith(("https://", "http://")) and not any(map(str.isspace, text.strip()))


def _kind_of(url: str) -> str:
    try:
        path = urlsplit(url.strip()).path
    except ValueError:
        return "file"
    return _KINDS.get(path.rpartition(".")[2].lower(), "file")


def _message(prediction: Mapping[str, Any]) -> str:
    error = prediction.get("error")
    if isinstance(error, dict):
        error = error.get("detail") or error.get("message") or json.dumps(error)
    return error if isinstance(error, str) and error else "canceled" if prediction["status"] in _CANCELED else "failed"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _milliseconds(value: Any) -> int | None:
    """A time in ISO 8601 as Unix time in ms."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return None if at is None or at.tzinfo is None or at.year < 2001 else round(at.timestamp() * 1000)


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
