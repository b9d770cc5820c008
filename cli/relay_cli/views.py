"""How tasks look while they are followed: a live table of bars for a terminal, a line for each change elsewhere."""

import json
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, TaskID, TextColumn
from rich.progress import Task as Row
from rich.text import Text

from relay_cli.following import is_over, phase, progress, typical_seconds
from relay_cli.tables import files_of

if TYPE_CHECKING:
    from relay_cli.output import Output

type Task = dict[str, Any]


class Lines:
    """One line for each change of phase, with the seconds since the task was made; with --json the whole task instead."""

    def __init__(self, output: "Output") -> None:
        self._output = output
        self._phases: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to clear away."""

    def show(self, task: Task) -> None:
        """The task as it stands now."""
        if self._phases.get(task["task_id"]) == phase(task):
            return
        self._phases[task["task_id"]] = phase(task)
        seconds = (task["updated_at"] - task["created_at"]) / 1000
        self._output.story(f"{seconds:7.1f} s  {task['task_id']}  {phase(task):10}  {files_of(task)}".rstrip())


class Documents(Lines):
    """For --json: the whole task at each change of its version."""

    def show(self, task: Task) -> None:
        """The task as it stands now."""
        if self._phases.get(task["task_id"]) != str(task["version"]):
            self._phases[task["task_id"]] = str(task["version"])
            self._output.out.out(json.dumps(task, ensure_ascii=False))


class _Age(ProgressColumn):
    """Seconds since the task was made, going on between two looks at it."""

    def render(self, task: Row) -> Text:
        end = task.fields["ended"] or _now()
        return Text(f"{max(end - task.fields['created'], 0) / 1000:.0f} s", justify="right")


class Bars:
    """A row for each task, whose bar goes by the status and by the time that such tasks took before."""

    def __init__(self, output: "Output", past: list[Task]) -> None:
        self._past = past
        self._rows: dict[str, TaskID] = {}
        texts = [TextColumn(f"{{task.fields[{name}]}}", markup=False) for name in ("id", "operation", "phase")]
        self._progress = Progress(SpinnerColumn(), *texts[:2], BarColumn(), texts[2], _Age(), console=output.err)

    def __enter__(self) -> Self:
        self._progress.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._progress.__exit__(kind, error, trace)

    def show(self, task: Task) -> None:
        """The task as it stands now."""
        fields = {
            "id": task["task_id"],
            "operation": task["operation"],
            "phase": f"{phase(task)}  {files_of(task)}".rstrip(),
            "created": task["created_at"],
            "ended": task["updated_at"] if is_over(task) else None,
        }
        if task["task_id"] not in self._rows:
            self._rows[task["task_id"]] = self._progress.add_task("", total=1.0, **fields)
        done = progress(task, now_ms=_now(), typical=typical_seconds(self._past, task["operation"]))
        self._progress.update(self._rows[task["task_id"]], completed=done, **fields)


def _now() -> int:
    return time.time_ns() // 1_000_000
