"""Cancel a task: certain while no attempt may have been accepted, else only for the client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.domain.errors import RelayError
from relay.domain.task import Acceptance, Change, Status, Task
from relay.usecases.apply import apply
from relay.usecases.ask import read_queried
from relay.usecases.query import find
from relay.usecases.send import close

if TYPE_CHECKING:
    from relay.ports import Relay


def cancel(tenant: str, reference: str, relay: Relay, *, provider: str | None = None) -> Task:
    """The task in its state afterwards: a task that had ended is unchanged. Raises TaskNotFoundError.

    No attempt begins after this. If one may have been accepted, the task ends for its client alone, and only a callback can
    still bring its result. A provider that can cancel is asked to first: if the task has succeeded there, it succeeds.
    """
    task = find(tenant, reference, provider=provider, operation=None, tasks=relay.tasks)
    if not task.is_over and _has_ended(task, relay):
        task = relay.tasks.get(task.task_id) or task
    if not task.is_over:
        task = close(task, Change.cancelled(task.acceptance), relay)
    if not task.is_over:  # an attempt began after the task was read
        task = close(task, Change.cancelled(Acceptance.UNKNOWN), relay)
    return task


def _has_ended(task: Task, relay: Relay) -> bool:
    """Ask the provider to cancel the task. True if its response says that the task has succeeded, which is applied.

    Whatever else comes, the task is cancelled for its client: most providers cannot cancel, or do so only for a while.
    """
    provider = relay.providers[task.provider]
    operation = provider.operation(task.operation)
    request = provider.cancel_request(operation, task.provider_task_id) if task.provider_task_id else None
    if request is None:
        return False
    try:
        snapshot, document = read_queried(task, request, relay)
    except RelayError:
        return False
    if snapshot.status is not Status.SUCCEED:
        return False
    apply(task.task_id, snapshot, document, relay)
    return True
