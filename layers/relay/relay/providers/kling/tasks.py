"""Kling's task object: read from queries and callbacks, and shown with our ids and URLs."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from relay.domain.errors import NoResultsError, UnreadableSnapshotError
from relay.domain.task import Result, Snapshot, Status, Task
from relay.providers.documents import parsed
from relay.providers.statuses import status_of

# Lists of results in a task object, and the kind of file in each; where none of them is there, any list may hold files.
_RESULT_LISTS = {"images": "image", "series_images": "image", "videos": "video", "audios": "audio"}
_ANY_KIND = "file"
_ANY_LIST = "files"
_NAME_LIMIT = 64
"""Characters in the name of a list or of a field with a URL: each result's path has both."""
_UNSAFE = r"[^\w.-]"  # compiled on first use, since every cold start would pay for it
_INDEX_LIMIT = 2**31
_RESULT_LIMIT = 64
_URL_LIMIT = 4096
_DOCUMENT_LIMIT = 65_536
_SECONDS_BELOW = 10**11
"""A smaller number is a time in seconds: in ms it would be before 1974."""
_YEAR_2001 = 10**12
"""In ms."""
_TASK_FIELDS = frozenset({"task_id", "task_status", "task_status_msg", "created_at", "updated_at"})


def snapshot_of(task: dict[str, Any], *, has_files: bool = True) -> Snapshot:
    """What a task object says; raises UnreadableSnapshotError. `has_files`: a success needs one."""
    status = status_of(task["task_status"])
    if status is None:
        raise UnreadableSnapshotError(f"task_status means none of {', '.join(Status)}: {task['task_status']!r}"[:200])
    task_id = task.get("task_id")
    is_id = isinstance(task_id, str | int) and not isinstance(task_id, bool) and 0 < len(str(task_id)) <= 256
    if "task_id" in task and not is_id:
        raise UnreadableSnapshotError("task_id is not an id")
    info = task.get("task_info")
    external = info.get("external_task_id") if isinstance(info, dict) else None
    document = _document(task)
    results = tuple(_results(document)) if status is Status.SUCCEED else ()
    provider_task_id = None if task_id is None else str(task_id)
    if status is Status.SUCCEED and has_files and not results:
        raise NoResultsError("a succeeded task without a result file", provider_task_id)
    message = task.get("task_status_msg")
    return Snapshot(
        status=status,
        provider_task_id=provider_task_id,
        external_task_id=external if isinstance(external, str) else None,
        message=message if isinstance(message, str) else "",
        created_at=_created_at(task.get("created_at")),
        updated_at=_milliseconds(task.get("updated_at")),
        results=results,
        document=_bounded(document) if status is Status.SUCCEED else None,
    )


def view_of(task: Task, urls: Mapping[str, str]) -> dict[str, Any]:
    """The task object of a query, with our ids and times; `urls` by `Result.path`."""
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
        "task_status_msg": task.status_message,
        "task_info": info,
        **{name: value for name, value in document.items() if name != "task_info"},
        "created_at": task.created_at,
        "updated_at": task.updated_at,
    }


def _document(task: dict[str, Any]) -> dict[str, Any]:
    """What `view_of` shows of a task object and the task does not hold itself: its item is paid by the kilobyte."""
    document = {name: value for name, value in task.items() if name not in _TASK_FIELDS}
    if isinstance(document.get("task_info"), dict):
        document["task_info"] = {name: value for name, value in document["task_info"].items() if name != "external_task_id"}
    return {name: value for name, value in document.items() if value not in (None, {}, [])}


def _milliseconds(value: Any) -> int | None:
    """A time in ms; numbers may come as strings."""
    if isinstance(value, str) and value.isdecimal() and len(value) < 16:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**15 else None


def _created_at(value: Any) -> int | None:
    """A time in ms that may have come in seconds; None when it is no time of this century."""
    at = _milliseconds(value) or 0
    at = at * 1000 if at < _SECONDS_BELOW else at
    return at if _YEAR_2001 < at < _SECONDS_BELOW * 1000 else None


def _results(document: dict[str, Any]) -> Iterator[Result]:
    """Every file of `task_result`; its URL is blanked in `document`, which keeps the rest."""
    result = document["task_result"] = _listed(document.get("task_result"))
    lists = {name: kind for name, kind in _RESULT_LISTS.items() if result.get(name)}
    found = 0
    for name, kind in (lists or dict.fromkeys(result, _ANY_KIND)).items():
        entries = result[name]
        for number, entry in enumerate(entries if isinstance(entries, list) else ()):
            if not isinstance(entry, dict):
                continue
            for field in [field for field in entry if _is_file(field, entry[field])]:
                found += 1
                if found > _RESULT_LIMIT:
                    raise UnreadableSnapshotError(f"more than {_RESULT_LIMIT} result files")
                yield _result(kind, f"task_result/{name}/{number}/{field}", entry, field)
                entry[field] = ""


def _listed(value: Any) -> dict[str, Any]:
    """A copy of `task_result` as Kling documents it, lists of objects by name, whatever shape it came in."""
    if isinstance(value, str) and not _is_url(value):
        try:
            value = parsed(value)
        except (ValueError, RecursionError):
            return {}
    if not isinstance(value, dict):
        value = {_ANY_LIST: value}
    elif any(_is_file(field, given) for field, given in value.items()):
        lists = {name: given for name, given in value.items() if isinstance(given, list)}
        value = {**lists, _ANY_LIST: {name: given for name, given in value.items() if name not in lists}}
    listed: dict[str, Any] = {}
    for name, given in json.loads(json.dumps(value)).items():
        # A slash would end the name in `Result.path`, and the name is in every path.
        short = re.sub(_UNSAFE, "_", name)[:_NAME_LIMIT]
        listed[short if short not in listed else f"{short}_{len(listed)}"] = _entries(name, given)
    return listed


def _entries(name: str, given: Any) -> Any:
    if isinstance(given, dict):
        return [given]
    if _is_url(given) and name in {*_RESULT_LISTS, _ANY_LIST}:
        return [{"url": given}]
    return [{"url": each} if _is_url(each) else each for each in given] if isinstance(given, list) else given


def _is_url(value: Any) -> bool:
    return isinstance(value, str) and value.lstrip().lower().startswith(("https://", "http://"))


def _is_file(field: str, value: Any) -> bool:
    named = field == "url" or field.endswith("_url") or field.startswith("url_")
    if not (named and isinstance(value, str) and value):
        return False
    if len(field) > _NAME_LIMIT:
        raise UnreadableSnapshotError(f"the name of a field with a URL is longer than {_NAME_LIMIT} characters")
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
        index=index if isinstance(index, int) and not isinstance(index, bool) and 0 <= index < _INDEX_LIMIT else None,
        id=str(identity)[:256] if isinstance(identity, str | int) else None,
        duration=str(duration)[:32] if isinstance(duration, str | int | float) else None,
    )


def _bounded(document: dict[str, Any]) -> dict[str, Any]:
    """The document, or only its results when the rest is larger than an item should carry."""
    if len(json.dumps(document)) <= _DOCUMENT_LIMIT:
        return document
    return {"task_result": {}}


def _put(document: dict[str, Any], path: str, url: str) -> None:
    """Set the URL at `path` back in. Where the document was cut, or version 0.2.0 stored a slash, there is no place for it."""
    *parents, last = path.split("/", 3)
    place: Any = document
    try:
        for part in parents:
            place = place[int(part)] if isinstance(place, list) else place[part]
        place[last] = url
    except (LookupError, ValueError, TypeError):
        return
