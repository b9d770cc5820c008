"""Receive a callback: check its token, read it or quarantine it, apply it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from relay.domain.errors import Meaning, NoResultsError, TaskNotFoundError, UnavailableError, UnreadableSnapshotError
from relay.domain.task import Reason
from relay.usecases.apply import Outcome, apply

if TYPE_CHECKING:
    from relay.ports import Relay

CALLBACK_LIMIT = 262_144
"""Bytes: no task object comes near it, and a larger one would not fit into an event."""


def receive(task_id: str, token: str, body: bytes, relay: Relay) -> Outcome:
    """Process one callback; raises CallbackNotAuthenticError before anything is read or parsed."""
    provider = relay.providers[relay.tokens.provider_of(task_id, token)]
    reason = f"{len(body)} bytes, more than {CALLBACK_LIMIT}"
    try:
        if len(body) <= CALLBACK_LIMIT:
            return apply(task_id, provider.read_callback(body), body, relay)
    except NoResultsError as error:
        reason, now = str(error), relay.clock()
        asks = Reason(meaning=Meaning.NO_RESULTS, message=f"{reason}: the relay queries the task", at=now)
        with suppress(TaskNotFoundError):
            relay.tasks.record_acceptance(task_id, error.provider_task_id, due_at=None)
            relay.tasks.postpone(task_id, due_at=now, reason=asks)
    except UnreadableSnapshotError as error:
        reason = str(error)
    except TaskNotFoundError:
        reason = "the task is no longer stored"
    return _quarantine(task_id, body, reason, relay)


def _quarantine(task_id: str, body: bytes, reason: str, relay: Relay) -> Outcome:
    from relay.domain.events import quarantine_event  # few callbacks need it, and every cold start would pay for it

    at = relay.clock()
    bucket, key = relay.documents.quarantine(task_id, body, reason=reason, at=at)
    if relay.events.publish([quarantine_event(task_id, key, bucket, reason, at)]):
        raise UnavailableError(f"the callback is stored at {key}, but the bus did not accept its event")
    return Outcome.QUARANTINED
