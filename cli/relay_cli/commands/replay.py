"""`relay replay`: process a stored callback again."""

from collections.abc import Iterator
from itertools import islice
from typing import Annotated, Any

import typer
from rich.table import Table

from relay_cli.failures import Failure, NotFound
from relay_cli.session import Session
from relay_cli.tables import utc_time

_PREFIX = "quarantine/"


def replay(
    session: Session,
    key: Annotated[
        str | None, typer.Argument(help="Key in the bucket: quarantine/{task_id}/… or results/{task_id}/callback.json.")
    ] = None,
    *,
    list_quarantine: Annotated[bool, typer.Option("--list", help="List the callbacks in quarantine instead.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="With --list: maximum number of callbacks.")] = 100,
) -> None:
    """Process a stored callback again, after you have deployed a fix. --list shows the callbacks that could not be read."""
    if list_quarantine:
        _print_quarantine(session, limit)
        return
    if key is None:
        raise typer.BadParameter("give a key, or --list to see the keys", param_hint="KEY")
    outcome = _replay(session, key)
    session.output.print_result({"key": key, "outcome": outcome}, f"{key}: {outcome}")
    if outcome == "quarantined":
        raise Failure(f"{key} still cannot be read: it is in quarantine again", "the log of ReceiveCallback shows the reason")


def _replay(session: Session, key: str) -> str:
    from relay_cli.operator.replay import NotReplayableError, replay

    try:
        return replay(key, session.outputs, session.invoke)
    except NotReplayableError as error:
        raise NotFound(str(error), "list the keys: relay replay --list") from None
    except RuntimeError as error:
        raise Failure(str(error), "the log of ReceiveCallback shows the reason") from None


def _print_quarantine(session: Session, limit: int) -> None:
    table, documents = Table("key", "bytes", "received", box=None, pad_edge=False), []
    for entry in islice(iter_quarantine(session.outputs["ResultsBucket"]), limit):
        received = int(entry["LastModified"].timestamp() * 1000)
        table.add_row(entry["Key"], str(entry["Size"]), utc_time(received))
        documents.append({"key": entry["Key"], "bytes": entry["Size"], "received_at": received})
    session.output.print_result(documents, *([table] if documents else []))
    if not documents:
        session.output.print_message("the quarantine is empty")


def iter_quarantine(bucket: str) -> Iterator[dict[str, Any]]:
    """Yield the callbacks in quarantine as S3 lists them: `Key`, `Size` in bytes and `LastModified`."""
    from relay.adapters.aws import client

    for page in client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=_PREFIX):
        yield from page.get("Contents", ())
