"""`relay watch`: tasks until they are over."""

from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import typer

from relay_cli.following import followed, is_over, verdict
from relay_cli.session import Session
from relay_cli.views import Bars, Documents, Lines

_PAST = 50
_OPEN = 500


def watch(
    session: Session,
    tasks: Annotated[list[str] | None, typer.Argument(help="Ids, the relay's or your own; all open tasks without.")] = None,
    *,
    download: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Download the files of each.")] = None,
    timeout: Annotated[float | None, typer.Option(min=0, help="Seconds to wait at most.")] = None,
) -> None:
    """Follow tasks until they are over: a live table in a terminal, a line for each change elsewhere."""
    task_ids = tasks or [task["task_id"] for task in session.api.tasks(limit=_OPEN) if not is_over(task)]
    if not task_ids:
        session.output.story("no task is open")
        return
    ended = awaited(session, task_ids, timeout=timeout, every_change=True)
    if download:
        from relay_cli.saving import saved, shown

        shown(session.output, list(chain.from_iterable(saved(session.output, task, download) for task in ended)))
    failures = [failure for failure in map(verdict, ended) if failure]
    for failure in failures[:-1]:
        session.output.failure(failure)
    if failures:
        raise failures[-1]


def awaited(session: Session, task_ids: list[str], *, timeout: float | None, every_change: bool = False) -> list[dict[str, Any]]:
    """Every task once it is over, in the order of their ends; what happens until then is shown."""
    view: Bars | Lines
    if session.output.is_live:
        view = Bars(session.output, list(session.api.tasks(limit=_PAST)))
    else:
        view = Documents(session.output) if every_change and session.output.as_json else Lines(session.output)
    ended = []
    try:
        with view:
            for task in followed(session.api, task_ids, timeout=timeout):
                view.show(task)
                if is_over(task):
                    ended.append(task)
    except KeyboardInterrupt:
        over = {task["task_id"] for task in ended}
        going = [task_id for task_id in task_ids if task_id not in over]
        session.output.story(f"the relay goes on: relay watch {' '.join(going)}")
        raise
    return ended


def await_task(session: Session, task_id: str, answer: dict[str, Any], *, timeout: float | None, folder: Path | None) -> None:
    """Wait for one task and download its files; `answer` is what --json shows, with the task and the files."""
    (task,) = awaited(session, [task_id], timeout=timeout)
    failure = verdict(task)
    if failure and not task["results"]:
        raise failure
    answer |= {"status": task["status"], "task": task}
    if folder is None:
        session.output.result(answer, task_id)
    else:
        from relay_cli.saving import saved, shown

        files = saved(session.output, task, folder)
        if session.output.as_json:
            session.output.result({**answer, "files": [file.document() for file in files]})
        else:
            shown(session.output, files)
    if failure:
        raise failure
