"""How tasks look to people: a row in a list, the whole of one, a line for each file."""

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from relay_cli.following import phase

type Task = dict[str, Any]

_STYLES = {
    "submitted": "cyan",
    "processing": "blue",
    "storing": "blue",
    "stored": "green",
    "failed": "red",
    "not stored": "yellow",
}
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def styled(text: str) -> Text:
    """A phase in its colour."""
    return Text(text, style=_STYLES.get(text, ""))


def listing(tasks: Iterable[Task]) -> Table:
    """Many tasks, the newest first."""
    table = Table(box=None, pad_edge=False)
    for name in ("task", "operation", "phase", "age"):
        table.add_column(name, no_wrap=True)
    for name in ("own id", "files or reason"):
        table.add_column(name, overflow="fold")
    for task in tasks:
        age = short_time((time.time_ns() // 1_000_000 - task["created_at"]) / 1000)
        last = task["status_message"] if task["status"] == "failed" else files_of(task)
        own = task["external_task_id"] or ""
        table.add_row(task["task_id"], task["operation"], styled(phase(task)), age, own, last)
    return table


def whole(task: Task) -> RenderableType:
    """One task: what is known of it, then its files."""
    table = Table("", "", box=None, pad_edge=False, show_header=False)
    table.add_row("task", task["task_id"])
    table.add_row("phase", styled(phase(task)))
    names = ("operation", "external_task_id", "provider_task_id", "status_message", "version", "attempts")
    for name in names:
        if task.get(name) not in {None, ""}:
            table.add_row(name.replace("_", " "), str(task[name]))
    if task["failure"]:
        table.add_row("failure", f"{task['failure']['code']}: {task['failure']['message']}")
    if webhook := task.get("webhook"):
        table.add_row("webhook", _webhook(webhook))
    for name in ("created_at", "updated_at"):
        table.add_row(name.removesuffix("_at"), moment(task[name]))
    return Group(table, *(Text(line) for line in file_lines(task)))


def _webhook(webhook: dict[str, Any]) -> str:
    """What became of the calls to the client: `delivered: 2 attempts, the last HTTP 204`."""
    attempts = webhook["attempts"]
    if not attempts:
        return "not called yet"
    last = attempts[-1]
    told = last["error"] or f"HTTP {last['http_status']}"
    return f"{webhook['state'] or 'going on'}: {len(attempts)} attempt{'s' * (len(attempts) > 1)}, the last {told}"


def file_lines(task: Task) -> list[str]:
    """One line for each result: what it is, and where."""
    return [f"{result['kind']}  {size_of(result)}{result.get('error') or result['url']}" for result in task["results"]]


def files_of(task: Task) -> str:
    """`1 video, 1.0 MB`."""
    results = task["results"]
    if not results:
        return ""
    known = [result["bytes"] for result in results if "bytes" in result]
    total = f", {megabytes(sum(known))}" if known else ""
    return f"{len(results)} {results[0]['kind']}{'s' if len(results) > 1 else ''}{total}"


def size_of(result: dict[str, Any]) -> str:
    """`1.0 MB  video/mp4  `, as far as it is known."""
    return f"{megabytes(result['bytes'])}  {result['media_type']}  " if "bytes" in result else ""


def megabytes(count: int) -> str:
    """Decimal, as disks are sold."""
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count:,} bytes"


def moment(milliseconds: int) -> str:
    """In UTC, as logs have it."""
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def short_time(seconds: float) -> str:
    """`5 s`, `3 min`, `2 h`, `4 d`."""
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return "0 s"
