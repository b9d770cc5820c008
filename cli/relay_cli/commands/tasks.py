"""`relay get`, `relay list`, `relay cancel` and `relay download`: show and cancel tasks, and download their files."""

import tempfile
from pathlib import Path
from typing import Annotated, Literal

import typer

from relay_cli.following import failure_of
from relay_cli.session import Session
from relay_cli.tables import task_details, task_table

_TaskId = Annotated[str, typer.Argument(metavar="TASK", help="The relay's task id or your external_task_id.")]


def get(session: Session, task: _TaskId) -> None:
    """Show one task, including its images if the terminal supports it."""
    from relay_cli.pictures import protocol

    document = session.api.task(task)
    session.output.print_result(document, task_details(document))
    if not session.output.as_json and protocol():
        from relay_cli.saving import print_files, save_files

        with tempfile.TemporaryDirectory() as folder:
            images = {**document, "results": [result for result in document["results"] if result["kind"] == "image"]}
            print_files(session.output, save_files(session.output, images, Path(folder)), paths=False)


def list_tasks(
    session: Session,
    *,
    status: Annotated[
        Literal["submitted", "processing", "succeed", "failed"] | None, typer.Option(help="Only tasks with this status.")
    ] = None,
    operation: Annotated[
        str | None, typer.Option(help="Only tasks of this operation, such as text2video or videos/text2video.")
    ] = None,
    provider: Annotated[str | None, typer.Option(help="Only tasks of this provider.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Maximum number of tasks.")] = 30,
) -> None:
    """List tasks, newest first."""
    from relay_cli.operations import operation_named

    path = operation_named(operation) if operation else None
    tasks = list(session.api.tasks(status=status, provider=provider, operation=path, limit=limit))
    session.output.print_result(tasks, task_table(tasks))


def cancel(session: Session, task: _TaskId) -> None:
    """Cancel one task. A task that the provider may have accepted can still finish and cost money."""
    from relay_cli.failures import Refused

    document = session.api.cancel(task)
    if (document["failure"] or {}).get("code") != "cancelled":
        raise Refused(f"{task} had ended before: its status is {document['status']}", f"show it: relay get {task}")
    session.output.print_result(document, task_details(document))


def download(
    session: Session,
    tasks: Annotated[list[str], typer.Argument(help="Task ids, the relay's or your own.")],
    *,
    folder: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="Folder for the files.")] = Path(),
) -> None:
    """Download the files of tasks and check their SHA-256. Files that are already there are skipped."""
    from relay_cli.failures import NotFound
    from relay_cli.saving import print_files, save_files

    files = []
    for reference in tasks:
        task = session.api.task(reference)
        if not task["results"]:
            raise failure_of(task) or NotFound(
                f"{reference} has no files yet: its status is {task['status']}", f"wait for it: relay watch {reference}"
            )
        files += save_files(session.output, task, folder)
    session.output.print_result([file.document() for file in files])
    if not session.output.as_json:
        print_files(session.output, files)
