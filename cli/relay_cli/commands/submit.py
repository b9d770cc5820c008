"""`relay submit OPERATION`: create a task, and if wanted wait for it and download what it made."""

import json
import uuid
from pathlib import Path
from typing import Annotated, Any

import typer

from relay_cli.bodies import body_of
from relay_cli.failures import Unavailable
from relay_cli.fields import Field
from relay_cli.session import Session, own_parameters
from relay_cli.uploading import uploader

_PANEL = "The request"
_AFTERWARDS = "Afterwards"
_FIELD_HELP = "Any field: name=text, name:=JSON, name@file; outer.inner=…"
Fields = Annotated[list[str] | None, typer.Option(metavar="NAME=TEXT", help=_FIELD_HELP, rich_help_panel=_PANEL)]
BodyFile = Annotated[
    str | None, typer.Option(metavar="FILE", help="The whole body as JSON; - is standard input.", rich_help_panel=_PANEL)
]


def submit(
    session: Session,
    operation: str,
    values: list[tuple[Field, Any]],
    *,
    field: Fields = None,
    body: BodyFile = None,
    idempotency_key: Annotated[
        str | None,
        typer.Option(help="Repeats that request: the same key and body are the same task.", rich_help_panel=_PANEL),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Until its files are stored.", rich_help_panel=_AFTERWARDS)] = False,
    download: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Wait, then download the files.", rich_help_panel=_AFTERWARDS)
    ] = None,
    timeout: Annotated[float | None, typer.Option(min=0, help="Seconds to wait at most.", rich_help_panel=_AFTERWARDS)] = None,
) -> None:
    """Create a task."""
    document = body_of(body, values, field or [], upload=uploader(session))
    key = idempotency_key or f"cli-{uuid.uuid4().hex}"
    session.output.story(f"Idempotency-Key {key}  (--idempotency-key repeats this request, and pays once)", style="dim")
    try:
        created, warnings = session.api.submit(operation, document, idempotency_key=key)
    except Unavailable as failure:
        failure.advice = f"the task may exist: the same command with --idempotency-key {key} makes no second one"
        failure.advice += " (a file that was uploaded is named by its relay:// reference then)" * ("relay://" in str(document))
        failure.details["idempotency_key"] = key
        raise
    for warning in warnings:
        session.output.story(f"warning: {warning}", style="yellow")
    if "task_id" not in created:  # an operation that nobody knows yet, and that is answered at once
        session.output.result(created, json.dumps(created, indent=2, ensure_ascii=False))
        return
    task_id = created["task_id"]
    answer = {"task_id": task_id, "operation": operation, "status": created["task_status"], "idempotency_key": key}
    answer["warnings"] = warnings
    if not (wait or download):
        session.output.result(answer, task_id)
        return
    from relay_cli.commands.watch import await_task

    await_task(session, task_id, answer, timeout=timeout, folder=download)


OPTIONS = own_parameters(submit)[2:]
"""Those that every operation's command has."""
