"""Kling's ids of files, voices, elements and sessions: in requests, and in what Kling returns."""

from collections.abc import Iterator
from typing import Any

_OURS = frozenset({"external_task_id", "task_id", "request_id", "face_id"})
"""Fields that name no result: a task is named in the path, and a face is a number within its session."""
_DIGITS = 8
"""Kling's serial numbers have at least as many. The names of its voices, which all tenants share, have fewer."""
_LONGEST = 256
_SHOWN = 64
"""Characters of each name in a path: names may be as long as the body."""


def named_in(body: Any) -> Iterator[tuple[str, str]]:
    """The ids in a request, each with the path of its field: `video_id`, `element_list/0/element_id`."""
    for path, field, value in _texts(body):
        if field.endswith(("_id", "_ids")) and field not in _OURS and is_serial(value):
            yield "/".join(str(step)[:_SHOWN] for step in path), value


def given_in(document: Any) -> set[str]:
    """The ids in a response or a task's document: `id` and every field that ends with `_id`."""
    found = (value for _, field, value in _texts(document) if (field == "id" or field.endswith("_id")) and field not in _OURS)
    return {value for value in found if is_serial(value)}


def is_serial(value: str) -> bool:
    """Whether Kling made the id for one account."""
    return len(value) <= _LONGEST and sum(map(str.isdigit, value)) >= _DIGITS


def _texts(value: Any, path: tuple[str | int, ...] = (), field: str = "") -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    """Every text and whole number: its path, the name of the nearest field, and itself as a text."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _texts(each, (*path, name), name)
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _texts(each, (*path, number), field)
    elif isinstance(value, str | int) and not isinstance(value, bool):
        yield path, field, str(value)
