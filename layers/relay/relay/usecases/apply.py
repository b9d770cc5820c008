"""Apply a snapshot to a task: callbacks and polls share this one transition."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from relay.domain.errors import TaskConflictError
from relay.domain.task import Change, Snapshot, Status

if TYPE_CHECKING:
    from relay.ports import Relay


class Outcome(StrEnum):
    """What the relay did with a snapshot."""

    APPLIED = "applied"
    STALE = "stale"
    """Repeated, out of order, or after a final status: nothing changed."""
    QUARANTINED = "quarantined"
    UNCONFIRMED = "unconfirmed"
    """A final status that a query must confirm."""


def apply(task_id: str, snapshot: Snapshot, raw: bytes, relay: Relay) -> Outcome:
    """Store the document of a success, then change the task; raises TaskNotFoundError. `raw`: the document as received."""
    at = relay.clock()
    late_at = None
    if snapshot.status is Status.SUCCEED:
        relay.documents.put_callback(task_id, raw)
        late_at = at + relay.settings.results_delayed_after * 1000
    try:
        relay.tasks.change(task_id, Change.reported(snapshot, due_at=late_at), at=at)
    except TaskConflictError:
        return Outcome.STALE
    return Outcome.APPLIED
