"""Kling's ids of files, voices, elements and sessions: in requests, and in what Kling returns."""

import re
from collections.abc import Iterator
from typing import Any

_OURS = frozenset({"external_task_id", "task_id", "request_id", "face_id"})
"""Fields that name no result: a task is named in the path, and a face is a number within its session."""
_SERIAL = r"(?:\D*\d){8}"
"""Kling's serial numbers have many digits. The names of its voices, which all tenants share, have few."""


def named_in(body: Any) -> dict[str, str]:
    """The ids in a request, by the path of their field: `video_id`, `element_list/0/element_id`."""
    return {
        path: value
        for path, field, value in _texts(body, "")
        if field.endswith(("_id", "_ids")) and field not in _OURS and is_serial(value)
    }


def given_in(document: Any) -> set[str]:
    """The ids in a response or a task's document: `id` and every field that ends with `_id`."""
    found = (value for _, field, value in _texts(document, "") if (field == "id" or field.endswith("_id")) and field not in _OURS)
    return {value for value in found if is_serial(value)}


def is_serial(value: str) -> bool:
    """Whether Kling made the id for one account."""
    return bool(re.match(_SERIAL, value))


def _texts(value: Any, path: str, field: str = "") -> Iterator[tuple[str, str, str]]:
    """Every text and whole number: its path, the name of the nearest field, and itself as a text."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _texts(each, f"{path}/{name}" if path else name, name)
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _texts(each, f"{path}/{number}", field)
    elif isinstance(value, str | int) and not isinstance(value, bool) and value != "":
        yield path, field, str(value)
