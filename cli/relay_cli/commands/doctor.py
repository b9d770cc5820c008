"""`relay doctor`: check a deployed relay and say what to do about each fault."""

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import typer
from rich.table import Table
from rich.text import Text

from relay_cli.aws_errors import translate_aws_errors
from relay_cli.failures import ExitCode, Failure
from relay_cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from relay_cli.doctor.deployment import Deployment
    from relay_cli.doctor.findings import Finding

type Check = Callable[[Deployment], Iterator[Finding]]

_STYLES = ("green", "cyan", "yellow", "red")
_PARALLEL_CHECKS = 6


def doctor(session: Session) -> None:
    """Is the stack healthy? Check it and say what to do.

    Exit code: 0 if it is healthy, 8 if there are warnings, 1 if something is broken.
    """
    from relay.adapters.aws import client
    from relay_cli.doctor.deployment import Deployment
    from relay_cli.doctor.findings import Severity

    deployment = Deployment.describe(session.stack.name, client)
    with ThreadPoolExecutor(_PARALLEL_CHECKS) as pool:
        findings = [finding for each in pool.map(lambda check: _run_check(check, deployment), _checks()) for finding in each]
    worst = max(finding.severity for finding in findings)
    session.output.print_result([finding.document() for finding in findings], _table(findings))
    if worst >= Severity.WARNING:
        raise typer.Exit(ExitCode.FAILED if worst is Severity.BROKEN else ExitCode.WARNED)


def _checks() -> "list[Check]":
    from relay_cli.doctor import alarms, flow, gateway, provider

    internal = [
        flow.first_poll,
        flow.tables,
        flow.mappings,
        flow.rules,
        flow.dead_letters,
        flow.waiting,
        flow.quarantine,
        alarms.alarms,
        flow.leftovers,
    ]
    return [flow.stack, gateway.health, gateway.callbacks, provider.secrets, provider.provider_key, *internal]


def _run_check(check: "Check", deployment: "Deployment") -> "list[Finding]":
    """Run one check. If it cannot run, return a warning, so that the other checks still run."""
    from relay_cli.doctor.findings import warning

    name = check.__name__.replace("_", " ")
    try:
        with translate_aws_errors():
            return list(check(deployment))
    except Failure as failure:
        return [warning(name, f"not checked: {failure.message}", failure.advice)]
    except KeyError as error:
        return [
            warning(
                name, f"not checked: the stack has no {error}", "deploy the version of the stack that belongs to this program"
            )
        ]


def _table(findings: "list[Finding]") -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    for name in ("severity", "check"):
        table.add_column(name, no_wrap=True)
    table.add_column("message", overflow="fold")
    for finding in findings:
        severity = Text(finding.severity.name.lower(), style=_STYLES[finding.severity])
        table.add_row(severity, finding.check, Text(finding.message))
        if finding.advice:
            table.add_row("", "", Text(f"→ {finding.advice}", style="bold"))
    return table
