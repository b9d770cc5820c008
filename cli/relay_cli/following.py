"""Follows tasks until they are finished: polling, the phases of a task, and an estimate of its progress."""

import time
from collections.abc import Iterable, Iterator
from statistics import median
from typing import TYPE_CHECKING, Any

from relay_cli.failures import TaskFailed, TimedOut

if TYPE_CHECKING:
    from relay_cli.api import RelayApi

type Task = dict[str, Any]
"""A task as `GET /tasks/{id}` returns it. Times are Unix times in milliseconds."""

_FIRST_POLL = 0.5  # seconds
_SLOWER = 1.2
_SLOWEST_POLL = 5.0
_TYPICAL_SECONDS = 120.0
_ADVICE = {
    "provider": "change the prompt or the files, then submit again",
    "rejected": "change the request, then submit again",
    "expired": "submit again; if the provider still reports success, this task succeeds, too",
    "cancelled": "submit again with a new external_task_id and Idempotency-Key",
    "unknown": "the provider may have accepted the request: check the provider's task list before you submit again",
}


def is_finished(task: Task) -> bool:
    """Return whether the task failed, or succeeded and its files are stored or could not be stored."""
    return bool(task["status"] == "failed" or task["archive"] in {"stored", "failed"})


def phase(task: Task) -> str:
    """Return the status; for a task that succeeded, the state of its files: `storing`, `delayed`, `stored` or `not stored`.

    `delayed`: the relay has announced the success with the provider's URLs, and still tries to store the files.
    """
    if task["status"] == "succeed":
        return {None: "storing", "pending": "delayed", "stored": "stored", "failed": "not stored"}[task["archive"]]
    return str(task["status"])


def follow(api: "RelayApi", task_ids: Iterable[str], *, timeout: float | None) -> Iterator[Task]:
    """Poll tasks and yield each of them in every round; a finished task is yielded for the last time.

    The pause between two rounds grows from 0.5 s to 5 s. Raises TimedOut after `timeout` seconds; None means no limit.
    """
    deadline, pause = time.monotonic() + (float("inf") if timeout is None else timeout), _FIRST_POLL
    pending = list(dict.fromkeys(task_ids))
    while True:
        tasks = [api.task(task_id) for task_id in pending]
        yield from tasks
        pending = [task["task_id"] for task in tasks if not is_finished(task)]
        if not pending:
            return
        if time.monotonic() + pause > deadline:
            message = f"not finished after {timeout:g} s: {', '.join(pending)}"
            raise TimedOut(message, f"the relay continues; to wait for the result: relay watch {' '.join(pending)}")
        time.sleep(pause)
        pause = min(pause * _SLOWER, _SLOWEST_POLL)


def failure_of(task: Task) -> TaskFailed | None:
    """Return the failure of a finished task, with its reason and the next step; None if the task succeeded."""
    failure = task["failure"] or {}
    if task["status"] == "failed":
        code = failure.get("code", "provider")
        reason = task["status_message"] or failure.get("message") or "the provider gave no reason"
        return TaskFailed(f"{task['task_id']} failed: {reason} ({code})", _ADVICE.get(code, ""), task=task)
    if task["archive"] == "failed":
        advice = (
            f"the provider's URLs may still work: relay download {task['task_id']}; "
            "an operator can store the files again: relay dlq redrive archives"
        )
        return TaskFailed(f"{task['task_id']}: the files could not be stored: {failure.get('message', '')}", advice, task=task)
    return None


def typical_seconds(tasks: Iterable[Task], operation: str) -> float:
    """Return the median duration of the stored tasks of an operation in seconds; 120 if there are none."""
    durations: list[float] = [_seconds(task) for task in tasks if task["operation"] == operation and task["archive"] == "stored"]
    return float(median(durations)) if durations else _TYPICAL_SECONDS


def progress(task: Task, *, now_ms: int, typical: float) -> float:
    """Estimate the progress of a task, from 0 to 1.

    The provider's protocol has no percentage. The estimate is the elapsed time divided by `typical`, the usual duration in
    seconds. It stays at or below 0.9 until the task succeeds, is 0.95 while files are stored, and 1 for a finished task.
    """
    if is_finished(task):
        return 1.0
    if task["status"] == "succeed":
        return 0.95
    elapsed: float = max(now_ms - task["created_at"], 0) / 1000
    least = 0.05 if task["status"] == "submitted" else 0.1
    return min(max(elapsed / max(typical, 1.0), least), 0.9)


def _seconds(task: Task) -> float:
    return float(max(task["updated_at"] - task["created_at"], 0)) / 1000
