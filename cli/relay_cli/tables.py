"""Tasks as text for people: a table of tasks, the details of one task, and one line per file."""

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
    "delayed": "yellow",
    "stored": "green",
    "failed": "red",
    "not stored": "yellow",
}
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def styled_phase(text: str) -> Text:
    """Return a phase in its colour."""
    return Text(text, style=_STYLES.get(text, ""))


def task_table(tasks: Iterable[Task]) -> Table:
    """Return a table with one row per task, in the given order."""
    table = Table(box=None, pad_edge=False)
    for name in ("task", "operation", "phase", "age"):
        table.add_column(name, no_wrap=True)
    for name in ("own id", "files or reason"):
        table.add_column(name, overflow="fold")
    for task in tasks:
        age = short_time((time.time_ns() // 1_000_000 - task["created_at"]) / 1000)
        last = files_of(task) if task["results"] else task["status_message"]
        own = task["external_task_id"] or ""
        table.add_row(task["task_id"], task["operation"], styled_phase(phase(task)), age, own, last)
    return table


def task_details(task: Task) -> RenderableType:
    """Return the fields of one task, followed by one line per file."""
    table = Table("", "", box=None, pad_edge=False, show_header=False)
    table.add_row("task", task["task_id"])
    table.add_row("phase", styled_phase(phase(task)))
    names = ("operation", "external_task_id", "provider_task_id", "status_message", "version", "attempts")
    for name in names:
        if task.get(name) not in {None, ""}:
            table.add_row(name.replace("_", " "), str(task[name]))
    if task["failure"]:
        table.add_row("failure", f"{task['failure']['code']}: {task['failure']['message']}")
    if reason := task.get("reason"):
        table.add_row("reason", f"{reason['meaning']}, {utc_time(reason['at'])}: {reason['message']}")
    if webhook := task.get("webhook"):
        table.add_row("webhook", _webhook(webhook))
    for name in ("created_at", "updated_at"):
        table.add_row(name.removesuffix("_at"), utc_time(task[name]))
    return Group(table, *(Text(line) for line in file_lines(task)))


def _webhook(webhook: dict[str, Any]) -> str:
    """Return the state of the webhook and its last response: `delivered: 2 attempts, last response: HTTP 204`."""
    attempts = webhook["attempts"]
    if not attempts:
        return "not sent yet"
    last = attempts[-1]
    response = last["error"] or f"HTTP {last['http_status']}"
    return f"{webhook['state'] or 'pending'}: {len(attempts)} attempt{'s' * (len(attempts) > 1)}, last response: {response}"


def file_lines(task: Task) -> list[str]:
    """Return one line per result: its kind, size, media type, and its URL or the reason why it has none."""
    return [f"{result['kind']}  {size_of(result)}{result.get('error') or result['url']}" for result in task["results"]]


def files_of(task: Task) -> str:
    """Return the number, kind and total size of the files: `1 video, 1.0 MB`. Empty if there are none."""
    results = task["results"]
    if not results:
        return ""
    known = [result["bytes"] for result in results if "bytes" in result]
    total = f", {megabytes(sum(known))}" if known else ""
    return f"{len(results)} {results[0]['kind']}{'s' if len(results) > 1 else ''}{total}"


def size_of(result: dict[str, Any]) -> str:
    """Return the size and media type, such as `1.0 MB  video/mp4  `; empty if the relay does not know them."""
    return f"{megabytes(result['bytes'])}  {result['media_type']}  " if "bytes" in result else ""


def megabytes(count: int) -> str:
    """Return a number of bytes as text, in units of 1,000,000 bytes from 100,000 bytes on: `1.0 MB`."""
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count:,} bytes"


def utc_time(milliseconds: int) -> str:
    """Return a Unix time in milliseconds as UTC text: `2026-01-31 12:00:00 UTC`."""
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def short_time(seconds: float) -> str:
    """Return a duration in its largest unit: `5 s`, `3 min`, `2 h` or `4 d`."""
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return "0 s"
