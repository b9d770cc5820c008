"""`relay watch`: follow tasks until they are finished."""

from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import typer

from relay_cli.following import failure_of, follow, is_finished
from relay_cli.session import Session
from relay_cli.views import Bars, Documents, Lines

_PAST = 50  # tasks that the estimate of the progress is based on
_NEWEST = 500  # tasks that are searched for unfinished ones


def watch(
    session: Session,
    tasks: Annotated[
        list[str] | None, typer.Argument(help="Task ids, the relay's or your own. Default: all unfinished tasks.")
    ] = None,
    *,
    download: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Download the files of each task to this folder.")
    ] = None,
    timeout: Annotated[float | None, typer.Option(min=0, help="Maximum number of seconds to wait.")] = None,
) -> None:
    """Follow tasks until they are finished. Shows progress bars in a terminal, otherwise one line per change."""
    task_ids = tasks or [task["task_id"] for task in session.api.tasks(limit=_NEWEST) if not is_finished(task)]
    if not task_ids:
        session.output.print_message("no unfinished tasks")
        return
    finished = await_tasks(session, task_ids, timeout=timeout, every_change=True)
    if download:
        from relay_cli.saving import print_files, save_files

        print_files(session.output, list(chain.from_iterable(save_files(session.output, task, download) for task in finished)))
    failures = [failure for failure in map(failure_of, finished) if failure]
    for failure in failures[:-1]:
        session.output.print_failure(failure)
    if failures:
        raise failures[-1]


def await_tasks(
    session: Session, task_ids: list[str], *, timeout: float | None, every_change: bool = False
) -> list[dict[str, Any]]:
    """Wait for tasks and show their progress. Return the finished tasks in the order in which they finished.

    `timeout` is in seconds; raises TimedOut. With `every_change` and --json, print the task after each change.
    """
    view: Bars | Lines
    if session.output.is_live:
        view = Bars(session.output, list(session.api.tasks(limit=_PAST)))
    else:
        view = Documents(session.output) if every_change and session.output.as_json else Lines(session.output)
    finished = []
    try:
        with view:
            for task in follow(session.api, task_ids, timeout=timeout):
                view.show(task)
                if is_finished(task):
                    finished.append(task)
    except KeyboardInterrupt:
        done = {task["task_id"] for task in finished}
        pending = [task_id for task_id in task_ids if task_id not in done]
        session.output.print_message(f"the relay continues; to follow again: relay watch {' '.join(pending)}")
        raise
    return finished


def await_and_download(
    session: Session, task_id: str, answer: dict[str, Any], *, timeout: float | None, folder: Path | None
) -> None:
    """Wait for one task, then download its files if there is a `folder`.

    `answer` is the JSON document of the command; the task and the files are added to it. Raises TaskFailed or TimedOut.
    """
    (task,) = await_tasks(session, [task_id], timeout=timeout)
    failure = failure_of(task)
    if failure and not task["results"]:
        raise failure
    answer |= {"status": task["status"], "task": task}
    if folder is None:
        session.output.print_result(answer, task_id)
    else:
        from relay_cli.saving import print_files, save_files

        files = save_files(session.output, task, folder)
        if session.output.as_json:
            session.output.print_result({**answer, "files": [file.document() for file in files]})
        else:
            print_files(session.output, files)
    if failure:
        raise failure
