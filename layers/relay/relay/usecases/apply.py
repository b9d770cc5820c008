"""Apply what the provider says of a task: the one transition behind callbacks and queries alike."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from relay.domain.errors import TaskConflictError
from relay.domain.task import Change, Snapshot, Status

if TYPE_CHECKING:
    from relay.ports import DocumentStore, TaskStore


class Outcome(StrEnum):
    """What became of a snapshot."""

    APPLIED = "applied"
    STALE = "stale"
    """Repeated, out of order, or after the verdict: nothing changed."""
    QUARANTINED = "quarantined"


def apply(task_id: str, snapshot: Snapshot, raw: bytes, *, tasks: TaskStore, documents: DocumentStore, at: int) -> Outcome:
    """Keep the document of a success first, then change the task; raises TaskNotFoundError."""
    if snapshot.status is Status.SUCCEED:
        documents.put_callback(task_id, raw)
    try:
        tasks.change(task_id, Change.reported(snapshot), at=at)
    except TaskConflictError:
        return Outcome.STALE
    return Outcome.APPLIED
