"""The table's stream, as Lambda delivers it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relay.adapters.dynamodb.items import is_task, task_of
from relay.ports import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.domain.task import Task


def records_of(event: Mapping[str, Any]) -> list[Record]:
    """The records of a batch, in order; `after` is None if the item was deleted or is not a task."""
    return [
        Record(record["dynamodb"]["SequenceNumber"], _image(record, "OldImage"), _image(record, "NewImage"))
        for record in event["Records"]
    ]


def _image(record: Mapping[str, Any], name: str) -> Task | None:
    image = record["dynamodb"].get(name)
    return task_of(image) if image and is_task(image) else None
