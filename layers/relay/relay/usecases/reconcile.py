"""Reconcile: ask the provider about the tasks that are due, through the same transition as a callback."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from relay.domain.errors import ProviderError, ProviderTaskMissingError, TaskConflictError, UnreadableSnapshotError
from relay.domain.task import DUE_SHARDS, RANKS, Change, FailureCode, Rank, Snapshot, Task
from relay.usecases.apply import apply
from relay.usecases.send import accept, backoff, may_repeat, queue_attempt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from relay.config import Settings
    from relay.ports import Clock, DocumentStore, ProviderApi, Resubmissions, TaskStore
    from relay.providers.base import Provider

_BATCH = 100
_CONCURRENCY = 32
_QUERY_TIMEOUT = 15
_LONGEST_WAIT = 3600


class Reconciled(StrEnum):
    """What a look at one task came to."""

    MOVED = "moved"
    UNCHANGED = "unchanged"
    EXPIRED = "expired"
    RESUBMITTED = "resubmitted"
    OVER = "over"


def reconcile(
    one: Callable[[str], Reconciled], *, tasks: TaskStore, clock: Clock, time_left: Callable[[], int]
) -> dict[str, int]:
    """Work off the due tasks with `one`, many at a time, while `time_left()` says more than 0 ms; counts by result.

    Each look moves the task's `due_at`, so that a second invocation beside this one finds others; a task that could not be
    moved is left for the next. One that fails stops no other: the errors are raised together, at the end.
    """
    counts: dict[str, int] = {}
    errors: list[BaseException] = []
    with ThreadPoolExecutor(_CONCURRENCY) as pool:
        for batch in _batches(tasks, clock, time_left):
            for look in [pool.submit(_in_time, one, task_id, time_left) for task_id in batch]:
                error = look.exception()
                if error:
                    errors.append(error)
                elif outcome := look.result():
                    counts[outcome.value] = counts.get(outcome.value, 0) + 1
    if errors:
        raise BaseExceptionGroup(f"{len(errors)} due tasks could not be looked at, others could: {counts}", errors)
    return counts


def _in_time(one: Callable[[str], Reconciled], task_id: str, time_left: Callable[[], int]) -> Reconciled | None:
    """A batch of slow answers outlasts the invocation: what it does not come to is left for the next."""
    return one(task_id) if time_left() > 0 else None


def _batches(tasks: TaskStore, clock: Clock, time_left: Callable[[], int]) -> Iterable[list[str]]:
    seen: set[str] = set()
    for shard in range(DUE_SHARDS):
        while time_left() > 0:
            found = tasks.due(shard, now=clock(), limit=_BATCH)
            batch = [task_id for task_id in found if task_id not in seen]
            if not batch:
                break
            seen.update(batch)
            yield batch


def reconcile_one(
    task_id: str,
    *,
    providers: Mapping[str, Provider],
    settings: Settings,
    tasks: TaskStore,
    documents: DocumentStore,
    api: ProviderApi,
    resubmissions: Resubmissions,
    clock: Clock,
) -> Reconciled:
    """Ask for one task and apply the answer; past the deadline a task without a verdict is failed, code `expired`."""
    task = tasks.get(task_id)
    if task is None or task.is_over:
        return Reconciled.OVER
    provider = providers[task.provider]
    operation = provider.operation(task.operation)
    wait = partial(_waiting, task, repeated=may_repeat(operation, settings), settings=settings, tasks=tasks, clock=clock)
    if task.provider_task_id is None and not settings.external_ids_honoured:
        return wait(None)  # there is no id to ask by
    snapshot: Snapshot | None = None
    try:
        request = provider.query_request(operation, task.provider_task_id or task.task_id)
        response = api.send(request, timeout=_QUERY_TIMEOUT)
        snapshot = provider.read_queried(response)
    except ProviderTaskMissingError:
        if task.provider_task_id is None and may_repeat(operation, settings) and clock() < task.deadline_at:
            queue_attempt(task, settings=settings, tasks=tasks, resubmissions=resubmissions, clock=clock)
            return Reconciled.RESUBMITTED
    except (ProviderError, UnreadableSnapshotError):
        pass
    else:
        apply(task_id, snapshot, response.body, tasks=tasks, documents=documents, at=clock())
        if RANKS[snapshot.status] is Rank.VERDICT:
            return Reconciled.MOVED
    return wait(snapshot)


def _waiting(
    task: Task, snapshot: Snapshot | None, *, repeated: bool, settings: Settings, tasks: TaskStore, clock: Clock
) -> Reconciled:
    """No verdict yet: expire the task, or look again later."""
    now = clock()
    if now >= task.deadline_at:
        return _expired(task, tasks, now, repeated=repeated)
    wait = backoff(task.polls, first=settings.first_poll_after, longest=_LONGEST_WAIT, seed=task.task_id)
    due_at = min(now + wait * 1000, task.deadline_at)
    if snapshot is not None and task.provider_task_id is None:
        accept(task, snapshot, due_at=due_at, tasks=tasks)
    else:
        tasks.postponed(task.task_id, due_at=due_at)
    return Reconciled.MOVED if snapshot is not None and RANKS[snapshot.status] > task.rank else Reconciled.UNCHANGED


def _expired(task: Task, tasks: TaskStore, now: int, *, repeated: bool) -> Reconciled:
    code, message = FailureCode.EXPIRED, "no verdict from the provider before the task's deadline"
    if task.provider_task_id is None and not repeated:
        code, message = FailureCode.UNKNOWN, "nobody can tell whether the provider took the task: it was not sent again"
    try:
        tasks.change(task.task_id, Change.given_up(code, message), at=now)
    except TaskConflictError:  # the verdict came this very moment
        return Reconciled.OVER
    return Reconciled.EXPIRED
