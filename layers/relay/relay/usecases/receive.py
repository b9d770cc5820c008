"""Receive a callback: check its token, read it or quarantine it, apply it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from relay.domain.errors import Meaning, NoResultsError, TaskNotFoundError, UnavailableError, UnreadableSnapshotError
from relay.domain.task import RANKS, Rank, Reason
from relay.providers.reply import Reply
from relay.usecases.apply import Outcome, apply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.domain.task import Snapshot
    from relay.ports import Relay
    from relay.providers.base import Provider

CALLBACK_LIMIT = 262_144
"""Bytes: no task object comes near it, and a larger one would not fit into an event."""


def receive(task_id: str, token: str, body: bytes, headers: Mapping[str, str], relay: Relay) -> Outcome | Reply:
    """Process one callback; raises CallbackNotAuthenticError before anything is read or parsed.

    `headers` by their names in lower case. Returns a Reply if the provider expects one, and then nothing else happens.
    """
    provider = relay.providers[relay.tokens.provider_of(task_id, token)]
    reason = f"{len(body)} bytes, more than {CALLBACK_LIMIT}"
    try:
        if len(body) <= CALLBACK_LIMIT:
            read = provider.read_callback(body, headers)
            return read if isinstance(read, Reply) else _apply(task_id, read, body, provider, relay)
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


def _apply(task_id: str, snapshot: Snapshot, body: bytes, provider: Provider, relay: Relay) -> Outcome:
    """Apply it, or let a query confirm it if it is final and anyone could have sent it."""
    outcome = Outcome.UNCONFIRMED
    if provider.confirms_callbacks and RANKS[snapshot.status] is Rank.FINAL:
        relay.tasks.request_poll(task_id, snapshot.provider_task_id, due_at=relay.clock())
    else:
        outcome = apply(task_id, snapshot, body, relay)
    if not provider.external_id_field:
        _compare_ids(task_id, snapshot, relay)
    return outcome


def _compare_ids(task_id: str, snapshot: Snapshot, relay: Relay) -> None:
    """Only a callback can bring the id of a second task that the provider made of one create, when it knows no id of ours.

    The callback is stored by now: whatever fails here loses nothing.
    """
    task = relay.tasks.get(task_id)
    first, second = task and task.provider_task_id, snapshot.provider_task_id
    if first and second and first != second:
        relay.notices.paid_twice(task_id, first, second)


def _quarantine(task_id: str, body: bytes, reason: str, relay: Relay) -> Outcome:
    from relay.domain.events import quarantine_event  # few callbacks need it, and every cold start would pay for it

    at = relay.clock()
    bucket, key = relay.documents.quarantine(task_id, body, reason=reason, at=at)
    if relay.events.publish([quarantine_event(task_id, key, bucket, reason, at)]):
        raise UnavailableError(f"the callback is stored at {key}, but the bus did not accept its event")
    return Outcome.QUARANTINED
