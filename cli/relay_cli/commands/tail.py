"""`relay tail`: events as they come."""

import json
import time
from typing import Annotated, Any

import typer

from relay.domain.events import SOURCE
from relay_cli.session import Session
from relay_cli.subscription import subscribed

_STYLES = {"succeed": "green", "failed": "red"}


def tail(
    session: Session,
    *,
    tenant: Annotated[list[str] | None, typer.Option(help="Only of this tenant; may be repeated.")] = None,
    task: Annotated[list[str] | None, typer.Option(help="Only of this task; may be repeated.")] = None,
    status: Annotated[list[str] | None, typer.Option(help="Only with this status; may be repeated.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="End after so many events.")] = None,
    timeout: Annotated[float | None, typer.Option(min=0, help="End after so many seconds.")] = None,
) -> None:
    """Show events as they come, until Ctrl-C: through a queue and a rule on the bus that are removed at the end."""
    from relay.adapters.aws import client

    pattern: dict[str, Any] = {"source": [SOURCE]}
    detail = {"tenant": tenant, "task_id": task, "status": status}
    if wanted := {name: values for name, values in detail.items() if values}:
        pattern["detail"] = wanted
    until, seen = time.monotonic() + (float("inf") if timeout is None else timeout), 0
    with subscribed(session.outputs["EventBus"], pattern, client) as subscription:
        session.output.story("listening; Ctrl-C ends it", style="dim")
        while time.monotonic() < until and (limit is None or seen < limit):
            for event in subscription.events()[: None if limit is None else limit - seen]:
                seen += 1
                _show(session, event)


def _show(session: Session, event: dict[str, Any]) -> None:
    detail = event["detail"]
    if session.output.as_json:
        session.output.out.out(json.dumps(event, ensure_ascii=False))
        return
    version = f"{detail['task_id']}:{detail['version']}" if "version" in detail else detail["task_id"]
    told = [event["time"], event["detail-type"], version, detail.get("status", ""), detail.get("status_message") or ""]
    told.append(detail.get("reason", ""))
    session.output.out.print(
        "  ".join(part for part in told if part), markup=False, style=_STYLES.get(detail.get("status", ""), "")
    )
