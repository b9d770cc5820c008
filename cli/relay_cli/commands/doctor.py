"""`relay doctor`: is a deployed relay well, and if not, what to do."""

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import typer
from rich.table import Table
from rich.text import Text

from relay_cli.aws_errors import translated
from relay_cli.failures import ExitCode, Failure
from relay_cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from relay_cli.doctor.deployment import Deployment
    from relay_cli.doctor.findings import Finding

type Check = Callable[[Deployment], Iterator[Finding]]

_STYLES = ("green", "cyan", "yellow", "red")
_AT_ONCE = 6


def doctor(session: Session) -> None:
    """Look at a deployed stack and say what to do: exit 0 when it is well, 8 with warnings, 1 when something is broken."""
    from relay.adapters.aws import client
    from relay_cli.doctor.deployment import Deployment
    from relay_cli.doctor.findings import Severity

    deployment = Deployment.described(session.stack.name, client)
    with ThreadPoolExecutor(_AT_ONCE) as looking:
        findings = [finding for found in looking.map(lambda check: _looked(check, deployment), _checks()) for finding in found]
    worst = max(finding.severity for finding in findings)
    session.output.result([finding.document() for finding in findings], _report(findings))
    if worst >= Severity.WARNING:
        raise typer.Exit(ExitCode.FAILED if worst is Severity.BROKEN else ExitCode.WARNED)


def _checks() -> "list[Check]":
    from relay_cli.doctor import alarms, flow, gateway, provider

    inside = [flow.tables, flow.mappings, flow.rules, flow.dead_letters, flow.quarantine, alarms.alarms, flow.leftovers]
    return [flow.stack, gateway.health, gateway.callbacks, provider.secrets, provider.provider_key, *inside]


def _looked(check: "Check", deployment: "Deployment") -> "list[Finding]":
    """A check that cannot be made is a warning, and does not keep the others from being made."""
    from relay_cli.doctor.findings import warning

    name = check.__name__.replace("_", " ")
    try:
        with translated():
            return list(check(deployment))
    except Failure as failure:
        return [warning(name, f"not checked: {failure.message}", failure.advice)]
    except KeyError as error:
        return [warning(name, f"not checked: the stack has no {error}", "deploy the version that this program belongs to")]


def _report(findings: "list[Finding]") -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    for name in ("severity", "check"):
        table.add_column(name, no_wrap=True)
    table.add_column("found", overflow="fold")
    for finding in findings:
        severity = Text(finding.severity.name.lower(), style=_STYLES[finding.severity])
        table.add_row(severity, finding.check, Text(finding.found))
        if finding.advice:
            table.add_row("", "", Text(f"→ {finding.advice}", style="bold"))
    return table
