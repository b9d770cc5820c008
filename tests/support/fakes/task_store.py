"""FakeTaskStore: the pure transitions of `Task` over a dictionary, and the stream of what changed."""

import re
from collections.abc import Collection
from dataclasses import replace
from itertools import zip_longest

from relay.domain.errors import InvalidRequestError, TaskConflictError, TaskNotFoundError
from relay.domain.task import (
    DUE_SHARDS,
    Acceptance,
    Archive,
    Change,
    Failure,
    Rank,
    Reason,
    Result,
    Status,
    Task,
    derived_task_id,
    due_shard_of,
)
from relay.ports import Page, Record

_LOOKS = 20


class FakeTaskStore:
    """TaskStore. `records` is the table's stream: one for each item that a write has changed."""

    def __init__(self) -> None:
        self.tasks: dict[str, Task] = {}
        self.claims: dict[str, str] = {}
        self.records: list[Record] = []

    def create(self, task: Task) -> None:
        """Once for each id."""
        if task.task_id in self.tasks or task.task_id in self.claims:
            raise TaskConflictError("there is such a task")
        self._write(None, task)

    def claim_key(self, tenant: str, key: str, fingerprint: str, expires_at: int) -> bool:  # noqa: ARG002 - forgets nothing
        """In the place of the task that the key alone would determine; the same claim may be made again."""
        claim = derived_task_id(tenant, "idempotency_key", key)
        if claim in self.tasks:
            return False
        if claim not in self.claims:
            self._record(None, None)
        return self.claims.setdefault(claim, fingerprint) == fingerprint

    def get(self, task_id: str) -> Task | None:
        """A claim is no task."""
        return self.tasks.get(task_id)

    def change(self, task_id: str, change: Change, *, at: int) -> None:
        """`Task.moved_to`."""
        task = self._existing(task_id)
        self._write(task, task.moved_to(change, at=at))

    def record_acceptance(self, task_id: str, provider_task_id: str | None, *, due_at: int | None) -> None:
        """Keeps the id that a callback brought."""
        task = self._existing(task_id)
        if not task.is_over:
            known = task.provider_task_id or provider_task_id
            due_at = task.due_at if due_at is None else due_at
            self._write(
                task,
                replace(
                    task,
                    acceptance=Acceptance.ACCEPTED,
                    provider_task_id=known,
                    due_at=due_at,
                    request=None,
                    unresolved_at=0,
                    refusal=None,
                    reason=None,
                ),
            )

    def begin_attempt(self, task_id: str, attempt: int, *, due_at: int, unresolved_at: int = 0) -> Task:
        """Only the attempt that is next, and only while the provider is not known to have the task."""
        task = self._existing(task_id)
        if task.attempts != attempt - 1 or not _can_be_sent(task):
            raise TaskConflictError(f"attempt {attempt} is not the next")
        return self._write(
            task,
            replace(task, attempts=attempt, acceptance=Acceptance.UNKNOWN, due_at=due_at, unresolved_at=unresolved_at),
        )

    def schedule_attempt(self, task: Task, *, due_at: int, acceptance: Acceptance, reason: Reason | None = None) -> bool:
        """Once for each `due_at`."""
        stored = self._existing(task.task_id)
        if stored.due_at != task.due_at or not _can_be_sent(stored):
            return False
        after = replace(stored, due_at=due_at, polls=stored.polls + 1, acceptance=acceptance, reason=reason)
        self._write(stored, after)
        return True

    def hold_refusal(self, task_id: str, refusal: Failure, *, due_at: int, reason: Reason) -> None:
        """Until the next poll."""
        task = self._existing(task_id)
        if _can_be_sent(task):
            self._write(task, replace(task, refusal=refusal, due_at=due_at, reason=reason))

    def postpone(self, task_id: str, *, due_at: int, reason: Reason | None = None) -> None:
        """Counts the look."""
        task = self._existing(task_id)
        if not task.is_over:
            self._write(task, replace(task, due_at=due_at, polls=task.polls + 1, reason=reason))

    def record_partial_results(self, task_id: str, results: tuple[Result, ...]) -> None:
        """Until archiving is settled."""
        task = self._existing(task_id)
        if task.status is Status.SUCCEED and task.archive in {None, Archive.PENDING}:
            self._write(task, replace(task, results=results))

    def record_archive(self, task_id: str, results: tuple[Result, ...], *, at: int, failure: Failure | None = None) -> Task:
        """`Task.archived`."""
        task = self._existing(task_id)
        return self._write(task, task.archived(results, at=at, failure=failure))

    def record_delay(self, task_id: str, *, at: int) -> bool:
        """`Task.delayed`."""
        task = self._existing(task_id)
        try:
            self._write(task, task.delayed(at=at))
        except TaskConflictError:
            if task.is_over:
                self._write(task, replace(task, due_at=None))
            return False
        return True

    def request_poll(self, task_id: str, provider_task_id: str | None, *, due_at: int) -> None:
        """Also of a task that was given up."""
        task = self._existing(task_id)
        if task.rank < Rank.FINAL:
            self._write(
                task,
                replace(
                    task,
                    acceptance=Acceptance.ACCEPTED,
                    provider_task_id=task.provider_task_id or provider_task_id,
                    due_at=due_at,
                    request=None,
                    unresolved_at=0,
                    refusal=None,
                    reason=None,
                ),
            )

    def of_tenant(
        self,
        tenant: str,
        *,
        provider: str | None = None,
        operation: str | None,
        status: Status | None,
        limit: int,
        cursor: str | None,
    ) -> Page:
        """Looks at a bounded number of tasks, as the table does: a filtered page may be short though more follow."""
        if cursor is not None and not re.fullmatch(r"[0-9]{13}#[\w.-]{1,64}", cursor):
            raise InvalidRequestError("cursor: expected the cursor of an earlier answer")
        keys = {f"{task.created_at:013d}#{task.task_id}": task for task in self.tasks.values() if task.tenant == tenant}
        found: list[Task] = []
        for looks, key in enumerate(sorted((key for key in keys if cursor is None or key < cursor), reverse=True), 1):
            task = keys[key]
            if operation in {None, task.operation} and status in {None, task.status} and provider in {None, task.provider}:
                found.append(task)
            if len(found) == limit or looks == _LOOKS * limit:
                return Page(found, key)
        return Page(found, None)

    def due(self, *, now: int, limit: int, seen: Collection[str] = ()) -> list[str]:
        """By `due_at`, the partitions in turn."""
        waiting = sorted((task.due_at, task.task_id) for task in self.tasks.values() if task.due_at is not None)
        found = [task_id for due_at, task_id in waiting if due_at <= now and task_id not in seen]
        pages = [[task_id for task_id in found if due_shard_of(task_id) == shard][:limit] for shard in range(DUE_SHARDS)]
        return [task_id for each in zip_longest(*pages) for task_id in each if task_id is not None]

    def _existing(self, task_id: str) -> Task:
        if task_id not in self.tasks:
            raise TaskNotFoundError("there is no such task")
        return self.tasks[task_id]

    def _write(self, before: Task | None, after: Task) -> Task:
        if before != after:
            self.tasks[after.task_id] = after
            self._record(before, after)
        return after

    def _record(self, before: Task | None, after: Task | None) -> None:
        self.records.append(Record(f"{len(self.records) + 1:021d}", before, after))


def _can_be_sent(task: Task) -> bool:
    return task.rank < Rank.PROCESSING and task.provider_task_id is None and task.acceptance is not Acceptance.ACCEPTED
