"""`relay replay`: callbacks that were kept, received once more."""

from collections.abc import Iterator
from itertools import islice
from typing import Annotated, Any

import typer
from rich.table import Table

from relay_cli.failures import Failure, NotFound
from relay_cli.session import Session
from relay_cli.tables import moment

_PREFIX = "quarantine/"


def replay(
    session: Session,
    key: Annotated[
        str | None, typer.Argument(help="The object's key: quarantine/{task_id}/… or results/{task_id}/callback.json.")
    ] = None,
    *,
    list_kept: Annotated[bool, typer.Option("--list", help="List what is in quarantine instead.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="With --list: at most so many.")] = 100,
) -> None:
    """Receive a kept callback once more, after a fix; --list shows those that were not understood."""
    if list_kept:
        _list(session, limit)
        return
    if key is None:
        raise typer.BadParameter("name a key, or --list", param_hint="KEY")
    outcome = _replayed(session, key)
    session.output.result({"key": key, "outcome": outcome}, f"{key}: {outcome}")
    if outcome == "quarantined":
        raise Failure(f"{key} is still not understood", "the relay's log says why: ReceiveCallback")


def _replayed(session: Session, key: str) -> str:
    from relay_cli.operator.replay import NotReplayableError, replay

    try:
        return replay(key, session.outputs, session.invoke)
    except NotReplayableError as error:
        raise NotFound(str(error), "`relay replay --list` shows the keys") from None
    except RuntimeError as error:
        raise Failure(str(error), "the log of ReceiveCallback says why") from None


def _list(session: Session, limit: int) -> None:
    table, documents = Table("key", "bytes", "received", box=None, pad_edge=False), []
    for entry in islice(kept(session.outputs["ResultsBucket"]), limit):
        received = int(entry["LastModified"].timestamp() * 1000)
        table.add_row(entry["Key"], str(entry["Size"]), moment(received))
        documents.append({"key": entry["Key"], "bytes": entry["Size"], "received_at": received})
    session.output.result(documents, *([table] if documents else []))
    if not documents:
        session.output.story("nothing is in quarantine")


def kept(bucket: str) -> Iterator[dict[str, Any]]:
    """The callbacks in quarantine, as S3 lists them."""
    from relay.adapters.aws import client

    for page in client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=_PREFIX):
        yield from page.get("Contents", ())
