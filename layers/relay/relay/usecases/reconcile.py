"""Reconcile: poll the provider for the tasks that are due, and apply the answers like callbacks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from typing import TYPE_CHECKING

from relay.domain.errors import ProviderError, ProviderTaskMissingError, TaskConflictError, UnreadableSnapshotError
from relay.domain.task import RANKS, Change, FailureCode, Rank, Snapshot, Task
from relay.usecases.apply import apply
from relay.usecases.ask import ask_provider
from relay.usecases.send import backoff, may_repeat, queue_attempt, record_acceptance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from relay.ports import Relay

_BATCH = 100
_CONCURRENCY = 32
_LONGEST_WAIT = 3600
"""Seconds between two polls of a task."""


class Reconciled(StrEnum):
    """The outcome of one poll."""

    MOVED = "moved"
    UNCHANGED = "unchanged"
    EXPIRED = "expired"
    RESUBMITTED = "resubmitted"
    OVER = "over"


def reconcile(relay: Relay, time_left: Callable[[], int]) -> dict[str, int]:
    """Poll the due tasks, 32 at a time, while `time_left()` is above 0 ms; returns counts by outcome.

    Each poll moves the task's `due_at`, so an invocation beside this one finds other tasks. A task that could not be moved is
    left for the next invocation. An exception stops no other poll: all of them are raised together at the end.
    """
    counts: dict[str, int] = {}
    errors: list[BaseException] = []
    with ThreadPoolExecutor(_CONCURRENCY) as pool:
        for batch in _batches(relay, time_left):
            for poll in [pool.submit(_poll_in_time, task_id, relay, time_left) for task_id in batch]:
                error = poll.exception()
                if error:
                    errors.append(error)
                elif outcome := poll.result():
                    counts[outcome.value] = counts.get(outcome.value, 0) + 1
    if errors:
        raise BaseExceptionGroup(f"{len(errors)} due tasks could not be polled, others could: {counts}", errors)
    return counts


def _poll_in_time(task_id: str, relay: Relay, time_left: Callable[[], int]) -> Reconciled | None:
    """Slow responses can outlast the invocation: the rest of the batch is left for the next one."""
    return reconcile_one(task_id, relay) if time_left() > 0 else None


def _batches(relay: Relay, time_left: Callable[[], int]) -> Iterable[list[str]]:
    seen: set[str] = set()
    while time_left() > 0:
        batch = [task_id for task_id in relay.tasks.due(now=relay.clock(), limit=_BATCH) if task_id not in seen]
        if not batch:
            return
        seen.update(batch)
        yield batch


def reconcile_one(task_id: str, relay: Relay) -> Reconciled:
    """Poll one task and apply the answer; after the deadline a task without a final status fails with code `expired`."""
    settings = relay.settings
    task = relay.tasks.get(task_id)
    if task is None or task.is_over:
        return Reconciled.OVER
    repeatable = may_repeat(relay.providers[task.provider].operation(task.operation), settings)
    if task.provider_task_id is None and not settings.external_ids_honoured:
        return _wait_or_expire(task, None, relay, repeatable=repeatable)  # there is no id to query with
    snapshot: Snapshot | None = None
    try:
        snapshot, document = ask_provider(task, relay)
    except ProviderTaskMissingError:
        if task.provider_task_id is None and repeatable and relay.clock() < task.deadline_at:
            queue_attempt(task, relay)
            return Reconciled.RESUBMITTED
    except (ProviderError, UnreadableSnapshotError):
        pass
    else:
        apply(task_id, snapshot, document, relay)
        if RANKS[snapshot.status] is Rank.FINAL:
            return Reconciled.MOVED
    return _wait_or_expire(task, snapshot, relay, repeatable=repeatable)


def _wait_or_expire(task: Task, snapshot: Snapshot | None, relay: Relay, *, repeatable: bool) -> Reconciled:
    """No final status yet: schedule the next poll, or expire the task when its deadline has passed."""
    now = relay.clock()
    if now >= task.deadline_at:
        return _expire(task, relay, now, repeatable=repeatable)
    wait = backoff(task.polls, first=relay.settings.first_poll_after, longest=_LONGEST_WAIT, seed=task.task_id)
    due_at = min(now + wait * 1000, task.deadline_at)
    if snapshot is not None and task.provider_task_id is None:
        record_acceptance(task, snapshot, relay.tasks, due_at=due_at)
    else:
        relay.tasks.postpone(task.task_id, due_at=due_at)
    return Reconciled.MOVED if snapshot is not None and RANKS[snapshot.status] > task.rank else Reconciled.UNCHANGED


def _expire(task: Task, relay: Relay, now: int, *, repeatable: bool) -> Reconciled:
    code, message = FailureCode.EXPIRED, "the provider reported no final status before the task's deadline"
    if task.provider_task_id is None and not repeatable:
        code, message = FailureCode.UNKNOWN, "the provider may have accepted the task, and no query can tell: it was not resent"
    try:
        relay.tasks.change(task.task_id, Change.given_up(code, message), at=now)
    except TaskConflictError:  # the final status arrived at this moment
        return Reconciled.OVER
    return Reconciled.EXPIRED
