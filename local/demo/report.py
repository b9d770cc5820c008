"""The demo's output: a live table while the tasks run, and a table for each task at the end."""

from datetime import UTC, datetime
from typing import Any

from rich.console import Group
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from local.demo.check import Run

_PROGRESS = {"": 0, "submitted": 1, "processing": 2, "succeed": 3, "stored": 4, "failed": 4}
_COLOURS = {"failed": "red", "stored": "green", "succeed": "green", "processing": "yellow"}


def live(runs: list[Run], seconds: float) -> Table:
    """A table with the progress of every task."""
    table = Table(title=f"Comet Relay, {seconds:.0f} s", title_justify="left", expand=False)
    for column in ("task", "status", "", "callbacks", "events"):
        table.add_column(column)
    for run in runs:
        state = _state(run)
        colour = _COLOURS.get(state, "white")
        bar = ProgressBar(total=4, completed=_PROGRESS[state], width=14, complete_style=colour, finished_style=colour)
        counts = str(len(run.callbacks)), str(len(run.events))
        table.add_row(run.step.title, Text(state, style=colour), bar, *counts)
    return table


def _state(run: Run) -> str:
    if any(event["detail-type"] == "Task Results Stored" for event in run.events):
        return "stored"
    return str(run.events[-1]["detail"]["status"]) if run.events else ""


def final(run: Run) -> Group:
    """Everything that was observed of one task."""
    table = Table(title=f"{run.step.title} · {run.step.operation} · {run.task_id}", title_justify="left", show_header=False)
    table.add_column("what", style="bold")
    table.add_column("seen", overflow="fold")
    began = run.submitted_at
    table.add_row("statuses", "  →  ".join(_status(event, began) for event in run.events if _is_status(event)))
    table.add_row("callbacks", ", ".join(f"{call['task_status']} (HTTP {call['status']})" for call in run.callbacks))
    table.add_row("events", "\n".join(_event(event) for event in run.events))
    if run.task.get("failure"):
        table.add_row("failure", f"{run.task['failure']['code']}: {run.task['failure']['message']}")
    served = {(file["bytes"], file["sha256"]) for file in run.truth}
    for result in run.task.get("results", []):
        same = (result.get("bytes"), result.get("sha256")) in served
        table.add_row("object", _object(result))
        table.add_row("", Text("the bytes that the provider served", "green") if same else Text("other bytes!", "red"))
    return Group(table, Text())


def _is_status(event: dict[str, Any]) -> bool:
    return bool(event["detail-type"] == "Task Status Changed")


def _status(event: dict[str, Any], began: int) -> str:
    at = event["detail"]["updated_at"]
    clock = datetime.fromtimestamp(at / 1000, UTC).strftime("%H:%M:%S.%f")[:-3]
    return f"{event['detail']['status']} {clock} (+{(at - began) / 1000:.1f} s)"


def _event(event: dict[str, Any]) -> str:
    return f"version {event['detail']['version']}  {event['detail-type']}"


def _object(result: dict[str, Any]) -> str:
    size = f"{result['bytes']:,} bytes" if result.get("bytes") else "not stored"
    return f"{result.get('key')}  {size}  {result.get('media_type')}\nSHA-256 {result.get('sha256')}"
