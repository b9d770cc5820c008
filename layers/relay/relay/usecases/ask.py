"""Ask the provider for a task: the one query behind reconciling, resubmitting and archiving."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.domain.errors import Meaning, NoResultsError, ProviderError, UnreadableSnapshotError
from relay.domain.task import Reason

if TYPE_CHECKING:
    from relay.domain.task import Snapshot, Task
    from relay.ports import Relay
    from relay.providers.base import ProviderRequest

_QUERY_TIMEOUT = 15
"""Seconds."""


def reason_of(task: Task, error: ProviderError | UnreadableSnapshotError, relay: Relay) -> Reason:
    """Why the task goes on waiting after a query that brought no status; the operator is notified."""
    now = relay.clock()
    if isinstance(error, ProviderError):
        reason = Reason.of(error, at=now)
    else:
        is_empty = isinstance(error, NoResultsError)
        meaning = Meaning.NO_RESULTS if is_empty else Meaning.UNREADABLE
        reason = Reason(meaning=meaning, message=f"the provider's response is not understood: {error}", at=now)
    relay.notices.waits(task.task_id, reason)
    return reason


def ask_provider(task: Task, relay: Relay) -> tuple[Snapshot, bytes]:
    """Query by the provider's id, or by ours while that is unknown; returns the snapshot and the response body.

    Raises a ProviderError (ProviderTaskMissingError when the provider does not know the task) or UnreadableSnapshotError.
    """
    provider = relay.providers[task.provider]
    operation = provider.operation(task.operation)
    return read_queried(task, provider.query_request(operation, task.provider_task_id or task.task_id), relay)


def read_queried(task: Task, request: ProviderRequest, relay: Relay) -> tuple[Snapshot, bytes]:
    """Send a request whose response is the task. Returns and raises as `ask_provider` does."""
    provider = relay.providers[task.provider]
    response = relay.api.send(request, timeout=_QUERY_TIMEOUT)
    try:
        return provider.read_queried(provider.operation(task.operation), response), response.body
    except NoResultsError as error:
        error.document = response.body
        raise
