"""Views of tasks that are followed: progress bars in a terminal, otherwise one line or JSON document per change."""

import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, TaskID, TextColumn
from rich.progress import Task as Row
from rich.text import Text

from relay_cli.following import is_finished, phase, progress, typical_seconds
from relay_cli.tables import files_of

if TYPE_CHECKING:
    from relay_cli.output import Output

type Task = dict[str, Any]


class Lines:
    """Prints one line per change of phase, with the seconds between the creation and the last change of the task."""

    def __init__(self, output: "Output") -> None:
        self._output = output
        self._phases: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing: there is no display to close."""

    def show(self, task: Task) -> None:
        """Print the task if its phase has changed. With --json, print nothing."""
        if self._phases.get(task["task_id"]) == phase(task):
            return
        self._phases[task["task_id"]] = phase(task)
        seconds = (task["updated_at"] - task["created_at"]) / 1000
        self._output.print_message(f"{seconds:7.1f} s  {task['task_id']}  {phase(task):10}  {files_of(task)}".rstrip())


class Documents(Lines):
    """For --json: prints the whole task whenever its version changes."""

    def show(self, task: Task) -> None:
        """Print the task if its version has changed."""
        if self._phases.get(task["task_id"]) != str(task["version"]):
            self._phases[task["task_id"]] = str(task["version"])
            self._output.print_document(task)


class _Age(ProgressColumn):
    """The age of a task in seconds. It keeps counting between two polls."""

    def render(self, task: Row) -> Text:
        """Return the age, up to the end of a finished task."""
        end = task.fields["ended"] or _now()
        return Text(f"{max(end - task.fields['created'], 0) / 1000:.0f} s", justify="right")


class Bars:
    """One progress bar per task, estimated from its status and from the duration of `past` tasks of the same operation."""

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
        """Update the task's row; add it if it is new."""
        fields = {
            "id": task["task_id"],
            "operation": task["operation"],
            "phase": f"{phase(task)}  {files_of(task)}".rstrip(),
            "created": task["created_at"],
            "ended": task["updated_at"] if is_finished(task) else None,
        }
        if task["task_id"] not in self._rows:
            self._rows[task["task_id"]] = self._progress.add_task("", total=1.0, **fields)
        done = progress(task, now_ms=_now(), typical=typical_seconds(self._past, task["operation"]))
        self._progress.update(self._rows[task["task_id"]], completed=done, **fields)


def _now() -> int:
    return time.time_ns() // 1_000_000
