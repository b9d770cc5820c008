"""Resubmit a task that the provider could not take: ask for it first, and send it again only when it is not there."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from relay.domain.errors import ProviderError, ProviderTaskMissingError, TaskConflictError, UnreadableSnapshotError
from relay.domain.task import Change, FailureCode, Task
from relay.usecases.apply import apply
from relay.usecases.send import Order, accept, queue_attempt, send

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.config import Settings
    from relay.ports import CallbackTokens, Clock, DocumentStore, ProviderApi, Resubmissions, TaskStore, UploadStore
    from relay.providers.base import Provider

_QUERY_TIMEOUT = 15


class Resubmitted(StrEnum):
    """What an attempt came to."""

    FOUND = "found"
    SENT = "sent"
    QUEUED = "queued"
    EXPIRED = "expired"
    OVER = "over"
    """Nothing to do: accepted, finished, or in the hands of a later attempt."""


def resubmit(
    task_id: str,
    attempt: int,
    *,
    providers: Mapping[str, Provider],
    settings: Settings,
    tasks: TaskStore,
    documents: DocumentStore,
    api: ProviderApi,
    tokens: CallbackTokens,
    resubmissions: Resubmissions,
    uploads: UploadStore,
    clock: Clock,
) -> Resubmitted:
    """Make attempt number `attempt` + 1. A repeated message finds the attempt begun and does nothing.

    Past the deadline the provider is asked a last time: what it took, and nobody was told of, may be finished there.
    """
    task = tasks.get(task_id)
    if task is None or task.is_over or task.provider_task_id or task.attempts != attempt or task.request is None:
        return Resubmitted.OVER
    provider = providers[task.provider]
    too_late = clock() >= task.deadline_at
    if settings.external_ids_honoured:  # where not, only what was certainly not accepted gets here
        try:
            request = provider.query_request(provider.operation(task.operation), task_id)
            response = api.send(request, timeout=_QUERY_TIMEOUT)
            snapshot = provider.read_queried(response)
        except ProviderTaskMissingError:
            pass
        except (ProviderError, UnreadableSnapshotError):
            if too_late:
                return _expired(task, tasks, clock)
            queue_attempt(task, settings=settings, tasks=tasks, resubmissions=resubmissions, clock=clock)
            return Resubmitted.QUEUED
        else:
            accept(task, snapshot, due_at=clock() + settings.first_poll_after * 1000, tasks=tasks)
            apply(task_id, snapshot, response.body, tasks=tasks, documents=documents, at=clock())
            return Resubmitted.FOUND
    if too_late:
        return _expired(task, tasks, clock)
    order = _order(task.request, documents)
    try:
        begun = tasks.begin_attempt(task_id, attempt + 1, due_at=clock() + settings.first_poll_after * 1000)
    except TaskConflictError:
        return Resubmitted.OVER
    sent = send(begun, order, provider=provider, settings=settings, tasks=tasks, api=api, tokens=tokens,
                resubmissions=resubmissions, uploads=uploads, clock=clock)  # fmt: skip
    return Resubmitted.SENT if sent.provider_task_id or sent.is_over else Resubmitted.QUEUED


def _order(request: str, documents: DocumentStore) -> Order:
    return Order.from_json(documents.get_request(request.removeprefix("s3:")) if request.startswith("s3:") else request)


def _expired(task: Task, tasks: TaskStore, clock: Clock) -> Resubmitted:
    change = Change.given_up(FailureCode.EXPIRED, "the provider could not take the task before its deadline")
    try:
        tasks.change(task.task_id, change, at=clock())
    except TaskConflictError:
        return Resubmitted.OVER
    return Resubmitted.EXPIRED
