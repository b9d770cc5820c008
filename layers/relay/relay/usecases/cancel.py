"""Cancel a task: certain while no attempt may have been accepted, else only for the client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.domain.task import Acceptance, Change, Task
from relay.usecases.query import find
from relay.usecases.send import close

if TYPE_CHECKING:
    from relay.ports import Relay


def cancel(tenant: str, reference: str, relay: Relay) -> Task:
    """The task in its state afterwards: a task that had ended is unchanged. Raises TaskNotFoundError.

    No attempt begins after this. If one may have been accepted, the task ends for its client alone, and only a callback can
    still bring its result.
    """
    task = find(tenant, reference, operation=None, tasks=relay.tasks)
    if not task.is_over:
        task = close(task, Change.cancelled(task.acceptance), relay)
    if not task.is_over:  # an attempt began after the task was read
        task = close(task, Change.cancelled(Acceptance.UNKNOWN), relay)
    return task
