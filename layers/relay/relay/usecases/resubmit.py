"""Resubmit a task whose create was refused for now or lost: query for it first, and send it again only if it is missing."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from relay.domain.errors import ProviderError, ProviderTaskMissingError, TaskConflictError, UnreadableSnapshotError
from relay.domain.task import Change, FailureCode, Task
from relay.usecases.apply import apply
from relay.usecases.ask import ask_provider
from relay.usecases.send import StoredRequest, queue_attempt, record_acceptance, send

if TYPE_CHECKING:
    from relay.ports import DocumentStore, Relay


class Resubmitted(StrEnum):
    """The outcome of an attempt."""

    FOUND = "found"
    SENT = "sent"
    QUEUED = "queued"
    EXPIRED = "expired"
    OVER = "over"
    """Nothing to do: accepted, finished, or claimed by a later attempt."""


def resubmit(task_id: str, attempt: int, relay: Relay) -> Resubmitted:
    """Make attempt number `attempt` + 1. If SQS delivers the message twice, the second delivery does nothing.

    After the deadline the provider is queried one last time: it may have finished the task although no response arrived.
    """
    settings, tasks = relay.settings, relay.tasks
    task = tasks.get(task_id)
    if task is None or task.is_over or task.provider_task_id or task.attempts != attempt or task.request is None:
        return Resubmitted.OVER
    too_late = relay.clock() >= task.deadline_at
    if settings.external_ids_honoured:  # otherwise only tasks that were certainly not accepted get here
        try:
            snapshot, document = ask_provider(task, relay)
        except ProviderTaskMissingError:
            pass
        except (ProviderError, UnreadableSnapshotError):
            if too_late:
                return _expire(task, relay)
            queue_attempt(task, relay)
            return Resubmitted.QUEUED
        else:
            record_acceptance(task, snapshot, tasks, due_at=relay.clock() + settings.first_poll_after * 1000)
            apply(task_id, snapshot, document, relay)
            return Resubmitted.FOUND
    if too_late:
        return _expire(task, relay)
    request = _stored_request(task.request, relay.documents)
    try:
        begun = tasks.begin_attempt(task_id, attempt + 1, due_at=relay.clock() + settings.first_poll_after * 1000)
    except TaskConflictError:
        return Resubmitted.OVER
    sent = send(begun, request, relay)
    return Resubmitted.SENT if sent.provider_task_id or sent.is_over else Resubmitted.QUEUED


def _stored_request(text: str, documents: DocumentStore) -> StoredRequest:
    return StoredRequest.from_json(documents.get_request(text.removeprefix("s3:")) if text.startswith("s3:") else text)


def _expire(task: Task, relay: Relay) -> Resubmitted:
    change = Change.given_up(FailureCode.EXPIRED, "the provider could not accept the task before its deadline")
    try:
        relay.tasks.change(task.task_id, change, at=relay.clock())
    except TaskConflictError:
        return Resubmitted.OVER
    return Resubmitted.EXPIRED
