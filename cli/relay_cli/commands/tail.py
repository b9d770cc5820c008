"""`relay tail`: print events as they are published."""

import time
from typing import Annotated, Any

import typer

from relay.domain.events import SOURCE
from relay_cli.session import Session
from relay_cli.subscription import subscribe

_STYLES = {"succeed": "green", "failed": "red"}


def tail(
    session: Session,
    *,
    tenant: Annotated[list[str] | None, typer.Option(help="Only events of this tenant; may be repeated.")] = None,
    task: Annotated[list[str] | None, typer.Option(help="Only events of this task; may be repeated.")] = None,
    status: Annotated[list[str] | None, typer.Option(help="Only events with this status; may be repeated.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Stop after this number of events.")] = None,
    timeout: Annotated[float | None, typer.Option(min=0, help="Stop after this number of seconds.")] = None,
) -> None:
    """Which events are being published? Print them until Ctrl-C.

    The command creates a temporary queue and a rule on the bus, and removes both when it ends.
    """
    from relay.adapters.aws import client

    pattern: dict[str, Any] = {"source": [SOURCE]}
    detail = {"tenant": tenant, "task_id": task, "status": status}
    if filters := {name: values for name, values in detail.items() if values}:
        pattern["detail"] = filters
    deadline, printed = time.monotonic() + (float("inf") if timeout is None else timeout), 0
    with subscribe(session.outputs["EventBus"], pattern, client) as subscription:
        session.output.print_message("listening; press Ctrl-C to stop", style="dim")
        while time.monotonic() < deadline and (limit is None or printed < limit):
            for event in subscription.receive()[: None if limit is None else limit - printed]:
                printed += 1
                _print_event(session, event)


def _print_event(session: Session, event: dict[str, Any]) -> None:
    detail = event["detail"]
    if session.output.as_json:
        session.output.print_document(event)
        return
    version = f"{detail['task_id']}:{detail['version']}" if "version" in detail else detail["task_id"]
    parts = [event["time"], event["detail-type"], version, detail.get("status", ""), detail.get("status_message") or ""]
    parts.append(detail.get("reason", ""))
    session.output.out.print(
        "  ".join(part for part in parts if part), markup=False, style=_STYLES.get(detail.get("status", ""), "")
    )
