"""Resubmit a task whose create was refused for now or lost: query for it first, and send it again only if it is missing."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from relay.domain.errors import ProviderError, ProviderTaskMissingError, TaskConflictError, UnreadableSnapshotError
from relay.domain.task import Acceptance, Task
from relay.usecases.apply import apply
from relay.usecases.ask import ask_provider, reason_of
from relay.usecases.send import (
    NOT_ACCEPTED,
    StoredRequest,
    close_as_taken,
    expire,
    may_repeat,
    put_attempt,
    queue_attempt,
    record_acceptance,
    seconds_until_attempt,
    send,
)

if TYPE_CHECKING:
    from relay.domain.task import Snapshot
    from relay.ports import DocumentStore, Relay


class Resubmitted(StrEnum):
    """The outcome of an attempt."""

    FOUND = "found"
    SENT = "sent"
    QUEUED = "queued"
    EXPIRED = "expired"
    REFUSED = "refused"
    OVER = "over"
    """Nothing to do: accepted, finished, or claimed by a later attempt."""


def resubmit(task_id: str, attempt: int, relay: Relay, *, due_at: int | None = None) -> Resubmitted:
    """Make attempt number `attempt` + 1. If SQS delivers the message twice, the second delivery does nothing.

    `due_at` identifies the message: it is the newest of its task if the task is due at that time. An older one may make the
    attempt, but is not followed by another, so that messages do not multiply. None: a message of version 0.2.0.
    After the deadline a task that may have been accepted is queried once more before it expires.
    """
    task = relay.tasks.get(task_id)
    if task is None or task.request is None or not _is_waiting(task, attempt):
        return Resubmitted.OVER
    too_late = relay.clock() >= task.deadline_at
    if due_at is not None and due_at == task.due_at and not too_late and (early := seconds_until_attempt(task, relay)) > 1:
        put_attempt(task, relay, due_at=due_at, delay=early)
        return Resubmitted.QUEUED
    repeatable = may_repeat(relay.providers[task.provider].operation(task.operation), relay.settings)
    # Version 0.2.0 stored no acceptance; it queued an operation that no query can find only after a certain refusal.
    unsent = task.acceptance is Acceptance.UNSENT or (due_at is None and not repeatable)
    if not (unsent or repeatable):
        return Resubmitted.OVER
    if not unsent and (found := _query(task, due_at, relay, too_late=too_late)):
        return found
    if too_late:
        return Resubmitted.EXPIRED if expire(task, NOT_ACCEPTED, relay) else Resubmitted.OVER
    return _attempt(task, relay)


def _query(task: Task, due_at: int | None, relay: Relay, *, too_late: bool) -> Resubmitted | None:
    """Look for the task at the provider; None if it can be sent again, or given up."""
    try:
        snapshot, document = ask_provider(task, relay)
    except ProviderTaskMissingError:
        # After the deadline, the reconciler queries it until the provider would know it.
        return Resubmitted.QUEUED if too_late and task.unresolved_after_missing(at=relay.clock()) else None
    except (ProviderError, UnreadableSnapshotError) as error:
        if not too_late and due_at in {None, task.due_at}:  # else a later message or the reconciler continues
            queue_attempt(task, relay, reason=reason_of(task, error, relay))
        return Resubmitted.QUEUED
    return _adopt(task, snapshot, document, relay)


def _attempt(task: Task, relay: Relay) -> Resubmitted:
    """Claim the next attempt and make it."""
    request = _stored_request(task.request or "", relay.documents)
    now = relay.clock()
    try:
        begun = relay.tasks.begin_attempt(
            task.task_id,
            task.attempts + 1,
            due_at=task.due_after(relay.settings.first_poll_after, at=now),
            unresolved_at=task.unresolved_after_missing(at=now),
        )
    except TaskConflictError:
        return Resubmitted.OVER
    sent = send(begun, request, relay)
    return Resubmitted.SENT if sent.acceptance is Acceptance.ACCEPTED or sent.is_over else Resubmitted.QUEUED


def _is_waiting(task: Task, attempt: int) -> bool:
    """Whether the task still waits for the attempt of this message, and for no later one."""
    return task.attempts == attempt and not (task.is_over or task.acceptance is Acceptance.ACCEPTED or task.refusal)


def _adopt(task: Task, snapshot: Snapshot, document: bytes, relay: Relay) -> Resubmitted:
    """An earlier attempt was accepted, or the id belongs to an older task of the provider."""
    if not task.is_ours(snapshot):
        close_as_taken(task, relay)
        return Resubmitted.REFUSED
    record_acceptance(task, snapshot, relay.tasks, due_at=task.due_after(relay.settings.first_poll_after, at=relay.clock()))
    apply(task.task_id, snapshot, document, relay)
    return Resubmitted.FOUND


def _stored_request(text: str, documents: DocumentStore) -> StoredRequest:
    return StoredRequest.from_json(documents.get_request(text.removeprefix("s3:")) if text.startswith("s3:") else text)
