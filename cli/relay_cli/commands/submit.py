"""`relay submit OPERATION`: create a task, and optionally wait for it and download its files."""

import json
import uuid
from pathlib import Path
from typing import Annotated, Any

import typer

from relay.domain.task import Snapshot
from relay.providers.base import Operation, Provider
from relay_cli.bodies import build_body
from relay_cli.failures import Unavailable
from relay_cli.fields import Field
from relay_cli.session import Session, own_parameters
from relay_cli.uploading import uploader

_PANEL = "Request"
_AFTERWARDS = "After submitting"
_FIELD_HELP = "Set any field: name=text, name:=JSON or name@file; outer.inner for a nested field."
Fields = Annotated[list[str] | None, typer.Option(metavar="NAME=TEXT", help=_FIELD_HELP, rich_help_panel=_PANEL)]
BodyFile = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="JSON file with the request body; - for standard input.", rich_help_panel=_PANEL),
]


def submit(
    session: Session,
    entry: tuple[Provider, Operation],
    values: list[tuple[Field, Any]],
    *,
    field: Fields = None,
    body: BodyFile = None,
    idempotency_key: Annotated[
        str | None,
        typer.Option(help="Makes retries safe: the same key and body never create a second task.", rich_help_panel=_PANEL),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until the files are stored.", rich_help_panel=_AFTERWARDS)] = False,
    download: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Wait, then download the files to this folder.", rich_help_panel=_AFTERWARDS),
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(min=0, help="Maximum number of seconds to wait.", rich_help_panel=_AFTERWARDS)
    ] = None,
) -> None:
    """Create a task and print its id; with --wait or --download, wait for its result."""
    document = build_body(body, values, field or [], upload=uploader(session))
    key = idempotency_key or f"cli-{uuid.uuid4().hex}"
    session.output.print_message(
        f"Idempotency-Key {key}  (to retry without paying twice, pass it as --idempotency-key)", style="dim"
    )
    try:
        created, warnings = session.api.submit(*entry, document, idempotency_key=key)
    except Unavailable as failure:
        failure.advice = f"the task may exist: add --idempotency-key {key} to the same command, so that no second task is created"
        if "relay://" in str(document):
            failure.advice += "; replace the path of each uploaded file by its relay:// reference"
        failure.details["idempotency_key"] = key
        raise
    for warning in warnings:
        session.output.print_message(f"warning: {warning}", style="yellow")
    if not isinstance(created, Snapshot):  # the relay does not know the operation, and the provider answered synchronously
        session.output.print_result(created, json.dumps(created, indent=2, ensure_ascii=False))
        return
    task_id = created.provider_task_id or ""
    answer: dict[str, Any] = {
        "task_id": task_id,
        "operation": entry[1].name,
        "status": created.status.value,
        "idempotency_key": key,
    }
    answer["warnings"] = warnings
    if not (wait or download):
        session.output.print_result(answer, task_id)
        return
    from relay_cli.commands.watch import await_and_download

    await_and_download(session, task_id, answer, timeout=timeout, folder=download)


OPTIONS = own_parameters(submit)[2:]
"""The options that the command of every operation has."""
