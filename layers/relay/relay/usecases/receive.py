"""Receive a callback: authenticate it, understand it or quarantine it, apply it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.domain.errors import TaskNotFoundError, UnavailableError, UnreadableSnapshotError
from relay.usecases.apply import Outcome, apply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.ports import CallbackTokens, Clock, DocumentStore, EventPublisher, TaskStore
    from relay.providers.base import Provider

CALLBACK_LIMIT = 262_144
"""Bytes: no task object comes near it, and a larger one would not fit into an event."""


def receive(
    task_id: str,
    token: str,
    body: bytes,
    *,
    providers: Mapping[str, Provider],
    tokens: CallbackTokens,
    tasks: TaskStore,
    documents: DocumentStore,
    events: EventPublisher,
    clock: Clock,
) -> Outcome:
    """Take one callback; raises CallbackNotAuthenticError before anything is read or parsed."""
    provider = providers[tokens.provider_of(task_id, token)]
    at = clock()
    reason = f"{len(body)} bytes, more than {CALLBACK_LIMIT}"
    try:
        if len(body) <= CALLBACK_LIMIT:
            return apply(task_id, provider.read_callback(body), body, tasks=tasks, documents=documents, at=at)
    except UnreadableSnapshotError as error:
        reason = str(error)
    except TaskNotFoundError:
        reason = "the task is no longer stored"
    from relay.domain.events import quarantine_event

    bucket, key = documents.quarantine(task_id, body, reason=reason, at=at)
    if events.publish([quarantine_event(task_id, key, bucket, reason, at)]):
        raise UnavailableError(f"the callback is kept at {key}, but its event was not taken")
    return Outcome.QUARANTINED
