"""Tasks followed until they are over: when that is, how far they seem to be, and how long that took before."""

import time
from collections.abc import Iterable, Iterator
from statistics import median
from typing import TYPE_CHECKING, Any

from relay_cli.failures import TaskFailed, TimedOut

if TYPE_CHECKING:
    from relay_cli.api import RelayApi

type Task = dict[str, Any]

_FIRST_POLL = 0.5
_SLOWER = 1.2
_SLOWEST_POLL = 5.0
_TYPICAL_SECONDS = 120.0
_ADVICE = {
    "provider": "change the prompt or the files and submit again",
    "rejected": "change the request and submit again",
    "expired": "submit again; it still succeeds when the provider says so later",
    "unknown": "nobody can tell whether the provider took it: look at the provider's own list before submitting again",
}


def is_over(task: Task) -> bool:
    """Failed, or succeeded and its files stored or given up on."""
    return bool(task["status"] == "failed" or task["archive"])


def phase(task: Task) -> str:
    """The status, and what happens to the files after it."""
    if task["status"] == "succeed":
        return {None: "storing", "stored": "stored", "failed": "not stored"}[task["archive"]]
    return str(task["status"])


def followed(api: "RelayApi", task_ids: Iterable[str], *, timeout: float | None) -> Iterator[Task]:
    """Each task as it stands, round after round, the last time when it is over; raises TimedOut after `timeout` seconds."""
    deadline, pause = time.monotonic() + (float("inf") if timeout is None else timeout), _FIRST_POLL
    going = list(dict.fromkeys(task_ids))
    while True:
        tasks = [api.task(task_id) for task_id in going]
        yield from tasks
        going = [task["task_id"] for task in tasks if not is_over(task)]
        if not going:
            return
        if time.monotonic() + pause > deadline:
            raise TimedOut(f"not over after {timeout:g} s: {', '.join(going)}", f"they go on: relay watch {' '.join(going)}")
        time.sleep(pause)
        pause = min(pause * _SLOWER, _SLOWEST_POLL)


def verdict(task: Task) -> TaskFailed | None:
    """Why a task that is over is no success, and what to do; None when it is one."""
    failure = task["failure"] or {}
    if task["status"] == "failed":
        code = failure.get("code", "provider")
        reason = task["status_message"] or failure.get("message") or "no reason given"
        return TaskFailed(f"{task['task_id']} failed: {reason} ({code})", _ADVICE.get(code, ""), task=task)
    if task["archive"] == "failed":
        advice = "the provider's own URLs may still work: relay download; the operator: relay dlq redrive archives"
        return TaskFailed(f"{task['task_id']}: results not stored: {failure.get('message', '')}", advice, task=task)
    return None


def typical_seconds(tasks: Iterable[Task], operation: str) -> float:
    """How long tasks of an operation took that succeeded; two minutes when there are none."""
    took: list[float] = [_seconds(task) for task in tasks if task["operation"] == operation and task["archive"] == "stored"]
    return float(median(took)) if took else _TYPICAL_SECONDS


def progress(task: Task, *, now_ms: int, typical: float) -> float:
    """How far a task seems to be, 0 to 1: the protocol has no percentage, so that time stands in for it below 0.95."""
    if is_over(task):
        return 1.0
    if task["status"] == "succeed":
        return 0.95
    elapsed: float = max(now_ms - task["created_at"], 0) / 1000
    floor = 0.05 if task["status"] == "submitted" else 0.1
    return min(max(elapsed / max(typical, 1.0), floor), 0.9)


def _seconds(task: Task) -> float:
    return float(max(task["updated_at"] - task["created_at"], 0)) / 1000
