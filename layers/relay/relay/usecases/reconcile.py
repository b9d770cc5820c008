"""Reconcile: poll the provider for the tasks that are due, and apply the answers like callbacks. Announce late files."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING

from relay.domain.errors import Meaning, NoResultsError, ProviderError, ProviderTaskMissingError, UnreadableSnapshotError
from relay.domain.task import RANKS, Acceptance, Change, FailureCode, Rank, Reason, Snapshot, Task
from relay.providers.base import OurId
from relay.usecases.apply import Outcome, apply
from relay.usecases.ask import ask_provider, reason_of
from relay.usecases.follow import Following, rhythm_of
from relay.usecases.send import (
    NOT_ACCEPTED,
    backoff,
    close,
    close_as_taken,
    expire,
    may_repeat,
    queue_attempt,
    record_acceptance,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from relay.ports import Relay

_BATCH = 100
_CONCURRENCY = 32
_LONGEST_WAIT = 3600
"""Seconds between two polls of a task."""
_GRACE_MS = 86_400_000
"""How long after its deadline a task waits for the provider to answer one query."""
_AGAIN_MS = 60_000
_EMPTY_MS = 300_000
"""How long queries must find no file of a success before it is believed: files may appear late, and a query may be behind."""
_NO_RESULTS = "the provider reported a success, and no result file for five minutes"
_FAILED = "the relay could not poll the provider, and tries again: the log of the reconciler says why"
_UNKNOWN = "the provider may have accepted the task, and no query can tell: it was not resent"
_NO_STATUS = "the provider reported no final status before the task's deadline"
_NO_ANSWER = "the provider answered no query, neither before the task's deadline nor for a day after it"


class Reconciled(StrEnum):
    """The outcome of one poll."""

    MOVED = "moved"
    UNCHANGED = "unchanged"
    EXPIRED = "expired"
    RESUBMITTED = "resubmitted"
    REFUSED = "refused"
    DELAYED = "delayed"
    OVER = "over"


_STILL_RUNNING = frozenset({Reconciled.MOVED, Reconciled.UNCHANGED})


def reconcile(relay: Relay, time_left: Callable[[], int], *, pause: Callable[[float], None] | None = None) -> dict[str, int]:
    """Poll the due tasks, 32 at a time, while `time_left()` is above 0 ms; returns counts by outcome.

    Each poll moves the task's `due_at`, so an invocation beside this one finds other tasks, and the tasks that were polled come
    last in the next one. An exception stops no other poll: all of them are raised together at the end.

    `pause` waits for so many seconds. With it, tasks whose operation has a rhythm of polls are followed for almost a minute.
    """
    counts: Counter[str] = Counter()
    errors: list[BaseException] = []
    following = Following(relay, pause) if pause else None
    with ThreadPoolExecutor(_CONCURRENCY) as pool:
        while True:
            for batch in _batches(relay, time_left):
                for poll in [pool.submit(_poll_in_time, task_id, relay, time_left, following) for task_id in batch]:
                    if error := poll.exception():
                        errors.append(error)
                    elif outcome := poll.result():
                        counts[outcome.value] += 1
            if following and time_left() > 0:
                counts[Reconciled.MOVED.value] += following.poll(pool)
            if not following or time_left() <= 0:
                break
    counts += Counter()  # without zeros
    errors += following.errors if following is not None else []
    if errors:
        raise BaseExceptionGroup(f"{len(errors)} due tasks could not be polled, others could: {dict(counts)}", errors)
    return dict(counts)


def _poll_in_time(task_id: str, relay: Relay, time_left: Callable[[], int], following: Following | None) -> Reconciled | None:
    """Slow responses can outlast the invocation: the rest of the batch is left for the next one."""
    if time_left() <= 0:
        return None
    try:
        outcome = reconcile_one(task_id, relay)
        if following is not None and outcome in _STILL_RUNNING:
            following.consider(task_id)
    except Exception:
        with suppress(Exception):  # a task that always fails must not stay the first in the index
            now = relay.clock()
            reason = Reason(meaning=Meaning.RELAY, message=_FAILED, at=now)
            relay.notices.waits(task_id, reason)
            relay.tasks.postpone(task_id, due_at=now + relay.settings.first_poll_after * 1000, reason=reason)
        raise
    return outcome


def _batches(relay: Relay, time_left: Callable[[], int]) -> Iterable[list[str]]:
    seen: set[str] = set()
    while time_left() > 0:
        batch = relay.tasks.due(now=relay.clock(), limit=_BATCH, seen=seen)
        if not batch:
            return
        seen.update(batch)
        yield batch


def reconcile_one(task_id: str, relay: Relay) -> Reconciled:
    """Poll one task and apply the answer; a task without a final status expires after the deadline.

    An unsent task needs no query: it is sent again. The others expire only once the provider has answered a query, or a day
    after the deadline, since the provider may have finished the task.
    """
    task = relay.tasks.get(task_id)
    if task is None or task.is_over:
        return _look_again(task, relay) if task and task.rank is Rank.GIVEN_UP else _announce_delay(task, relay)
    is_late = relay.clock() >= task.deadline_at
    if task.acceptance is Acceptance.UNSENT:
        return _expire(task, NOT_ACCEPTED, relay) if is_late else _resubmit(task, relay)
    operation = relay.providers[task.provider].operation(task.operation)
    repeatable = may_repeat(operation, relay.settings)
    if task.provider_task_id is None and not (relay.settings.external_ids_honoured and operation.our_id is not OurId.NEVER):
        # There is no id to query with.
        return _wait_or_expire(task, relay, repeatable=repeatable, answered=True, reason=task.reason)
    try:
        snapshot, document = ask_provider(task, relay)
    except ProviderTaskMissingError as error:
        if task.acceptance is Acceptance.UNKNOWN and repeatable:
            return _settle_missing(task, relay)
        # That the provider does not find a task that it has accepted says nothing of its status.
        answered = task.acceptance is Acceptance.UNKNOWN and not task.unresolved_after_missing(at=relay.clock())
        reason = reason_of(task, error, relay)
        return _wait_or_expire(task, relay, repeatable=repeatable, answered=answered, reason=reason)
    except NoResultsError as error:
        return _settle_empty(task, error, relay)
    except (ProviderError, UnreadableSnapshotError) as error:
        reason = reason_of(task, error, relay)
        return _wait_or_expire(task, relay, repeatable=repeatable, answered=False, reason=reason)
    if task.provider_task_id is None and not task.is_ours(snapshot):
        close_as_taken(task, relay)
        return Reconciled.REFUSED
    apply(task_id, snapshot, document, relay)
    if RANKS[snapshot.status] is Rank.FINAL:
        return Reconciled.MOVED
    return _wait_or_expire(task, relay, snapshot, repeatable=repeatable, answered=True)


def _announce_delay(task: Task | None, relay: Relay) -> Reconciled:
    """The files of a success are not stored in time: its client hears of the success now, and of the stored files later."""
    now = relay.clock()
    if task is None or task.due_at is None or task.due_at > now:  # the index may be behind
        return Reconciled.OVER
    return Reconciled.DELAYED if relay.tasks.record_delay(task.task_id, at=now) else Reconciled.OVER


def _look_again(task: Task, relay: Relay) -> Reconciled:
    """A callback says that a task which the relay had given up has ended at the provider: a query must confirm it."""
    now = relay.clock()
    if task.due_at is None or task.due_at > now:
        return Reconciled.OVER
    try:
        snapshot, document = ask_provider(task, relay)
    except (ProviderError, UnreadableSnapshotError):
        if now < task.deadline_at + _GRACE_MS:
            relay.tasks.request_poll(task.task_id, None, due_at=now + _seconds_between(task, relay, at=now) * 1000)
            return Reconciled.UNCHANGED
    else:
        if RANKS[snapshot.status] is Rank.FINAL and apply(task.task_id, snapshot, document, relay) is Outcome.APPLIED:
            return Reconciled.MOVED
    return _announce_delay(task, relay)  # there is nothing to announce: the task is not due any more


def _settle_empty(task: Task, error: NoResultsError, relay: Relay) -> Reconciled:
    """The provider reports a success without files: the end of the task if it has done so for a while, else another query."""
    now = relay.clock()
    since = task.reason if task.reason and task.reason.meaning is Meaning.NO_RESULTS else reason_of(task, error, relay)
    if now < since.at + _EMPTY_MS:
        relay.tasks.postpone(task.task_id, due_at=now + _AGAIN_MS, reason=since)
        return Reconciled.UNCHANGED
    relay.documents.put_callback(task.task_id, error.document)
    close(task, Change.without_results(_NO_RESULTS), relay)
    return Reconciled.MOVED


def _settle_missing(task: Task, relay: Relay) -> Reconciled:
    """The provider does not know the task: send it again, unless an attempt was refused finally."""
    now = relay.clock()
    proven = not task.unresolved_after_missing(at=now)
    if task.refusal and proven:
        closed = close(task, Change.refused(task.refusal, resolved_before=now), relay)
        return Reconciled.REFUSED if closed.acceptance is Acceptance.REFUSED else Reconciled.OVER
    if now >= task.deadline_at or task.refusal:
        return _wait_or_expire(task, relay, repeatable=True, answered=proven, reason=task.reason)
    return _resubmit(task, relay)


def _resubmit(task: Task, relay: Relay) -> Reconciled:
    queue_attempt(task, relay)
    return Reconciled.RESUBMITTED


def _wait_or_expire(
    task: Task,
    relay: Relay,
    snapshot: Snapshot | None = None,
    *,
    repeatable: bool,
    answered: bool,
    reason: Reason | None = None,
) -> Reconciled:
    """No final status yet: schedule the next poll, or expire the task after its deadline, or later if nothing was answered."""
    now = relay.clock()
    reason = task.reason if task.refusal else reason  # a refusal on hold is the better reason
    ends_at = task.deadline_at if answered else task.deadline_at + _GRACE_MS
    if now >= ends_at:
        may_be_paid = task.provider_task_id is None and not repeatable
        task = replace(task, reason=reason)
        return _expire(task, _UNKNOWN if may_be_paid else _NO_STATUS if answered else _NO_ANSWER, relay, is_unknown=may_be_paid)
    wait = _seconds_between(task, relay, at=now)
    due_at = min(now + wait * 1000, task.deadline_at if now < task.deadline_at else ends_at)
    if snapshot is not None and task.provider_task_id is None:
        record_acceptance(task, snapshot, relay.tasks, due_at=due_at)
    else:
        relay.tasks.postpone(task.task_id, due_at=due_at, reason=reason)
    return Reconciled.MOVED if snapshot is not None and RANKS[snapshot.status] > task.rank else Reconciled.UNCHANGED


def _seconds_between(task: Task, relay: Relay, *, at: int) -> int:
    """Until the next poll: the task's rhythm, or doubling where callbacks tell."""
    if rhythm := rhythm_of(task, relay, at=at):
        return min(rhythm, _LONGEST_WAIT)
    return backoff(task.polls, first=relay.settings.first_poll_after, longest=_LONGEST_WAIT, seed=task.task_id)


def _expire(task: Task, message: str, relay: Relay, *, is_unknown: bool = False) -> Reconciled:
    code = FailureCode.UNKNOWN if is_unknown else FailureCode.EXPIRED
    return Reconciled.EXPIRED if expire(task, message, relay, code=code) else Reconciled.OVER
