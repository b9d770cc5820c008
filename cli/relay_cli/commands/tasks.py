"""`relay get`, `relay list` and `relay download`: tasks as they stand."""

import tempfile
from pathlib import Path
from typing import Annotated, Literal

import typer

from relay_cli.following import verdict
from relay_cli.session import Session
from relay_cli.tables import listing, whole

_Task = Annotated[str, typer.Argument(metavar="TASK", help="The relay's id or your own external_task_id.")]


def get(session: Session, task: _Task) -> None:
    """Show one task; its pictures too, where the terminal can."""
    from relay_cli.pictures import protocol

    found = session.api.task(task)
    session.output.result(found, whole(found))
    if not session.output.as_json and protocol():
        from relay_cli.saving import saved, shown

        with tempfile.TemporaryDirectory() as folder:
            pictures = {**found, "results": [result for result in found["results"] if result["kind"] == "image"]}
            shown(session.output, saved(session.output, pictures, Path(folder)), paths=False)


def list_tasks(
    session: Session,
    *,
    status: Annotated[
        Literal["submitted", "processing", "succeed", "failed"] | None, typer.Option(help="Only tasks with this status.")
    ] = None,
    operation: Annotated[str | None, typer.Option(help="Only this operation: text2video or videos/text2video.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 30,
) -> None:
    """List tasks, the newest first."""
    from relay_cli.operations import operation_named

    named = operation_named(operation) if operation else None
    tasks = list(session.api.tasks(status=status, operation=named, limit=limit))
    session.output.result(tasks, listing(tasks))


def download(
    session: Session,
    tasks: Annotated[list[str], typer.Argument(help="Ids, the relay's or your own.")],
    *,
    to: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="Where the files go.")] = Path(),
) -> None:
    """Download the files of tasks: checked against the stored SHA-256; a file that is there already is not fetched again."""
    from relay_cli.failures import NotFound
    from relay_cli.saving import saved, shown

    files = []
    for reference in tasks:
        task = session.api.task(reference)
        if not task["results"]:
            raise verdict(task) or NotFound(f"{reference} is {task['status']}: no files yet", f"relay watch {reference}")
        files += saved(session.output, task, to)
    session.output.result([file.document() for file in files])
    if not session.output.as_json:
        shown(session.output, files)
