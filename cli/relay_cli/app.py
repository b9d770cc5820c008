"""The Typer application: every command of `relay`, the clients' commands first, and the entry point `run`."""

import os
import sys
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from relay_cli.commands import dlq, doctor, keys, replay, tail, tasks, watch, webhooks
from relay_cli.failures import ExitCode
from relay_cli.operations import CallGroup, SubmitGroup
from relay_cli.session import CLIENT, OPERATOR, command

_FOR_CLIENTS = "Commands for clients (they need a key)"
_FOR_OPERATORS = "Commands for operators (they need AWS credentials)"
_ORDER = ("submit", "get", "list", "watch", "cancel", "download", "call", "doctor", "keys", "webhooks", "tail", "dlq", "replay")
_CODES = "\n\n".join(f"{code.value}: {code.meaning}" for code in ExitCode)


class _OrderedGroup(TyperGroup):
    """Lists the commands in the order of `_ORDER`; Typer itself lists the groups last."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the commands."""
        return sorted(super().list_commands(ctx), key=_ORDER.index)


app = typer.Typer(
    name="relay",
    cls=_OrderedGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=f"Exit codes:\n\n{_CODES}",
)
app.add_typer(
    typer.Typer(
        cls=SubmitGroup,
        no_args_is_help=True,
        help="Create a task: `relay submit text2video --prompt …`.",
        subcommand_metavar="OPERATION [OPTIONS]",
    ),
    name="submit",
    rich_help_panel=_FOR_CLIENTS,
)
command(app, "get", CLIENT, rich_help_panel=_FOR_CLIENTS)(tasks.get)
command(app, "list", CLIENT, rich_help_panel=_FOR_CLIENTS)(tasks.list_tasks)
command(app, "watch", CLIENT, rich_help_panel=_FOR_CLIENTS)(watch.watch)
command(app, "cancel", CLIENT, rich_help_panel=_FOR_CLIENTS)(tasks.cancel)
command(app, "download", CLIENT, rich_help_panel=_FOR_CLIENTS)(tasks.download)
app.add_typer(
    typer.Typer(
        cls=CallGroup,
        no_args_is_help=True,
        help="Call a synchronous operation and print its result: `relay call tts --text …`.",
        subcommand_metavar="OPERATION [OPTIONS]",
    ),
    name="call",
    rich_help_panel=_FOR_CLIENTS,
)
command(app, "doctor", OPERATOR, rich_help_panel=_FOR_OPERATORS)(doctor.doctor)
app.add_typer(keys.app, name="keys", rich_help_panel=_FOR_OPERATORS)
app.add_typer(webhooks.app, name="webhooks", rich_help_panel=_FOR_OPERATORS)
command(app, "tail", OPERATOR, rich_help_panel=_FOR_OPERATORS)(tail.tail)
app.add_typer(dlq.app, name="dlq", rich_help_panel=_FOR_OPERATORS)
command(app, "replay", OPERATOR, rich_help_panel=_FOR_OPERATORS)(replay.replay)


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo(version("comet-relay-stack"))
        raise typer.Exit


@app.callback()
def relay(
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Comet Relay: submit and follow tasks, and operate a deployed relay.

    Choose the relay with --url and --key, or with --stack. The default is the stack that `make up` started.
    """


def run() -> None:
    """Run the program. A bug prints one line and exits with code 70; with RELAY_TRACEBACK set, it prints a traceback."""
    if bundle := os.environ.get("REQUESTS_CA_BUNDLE"):
        os.environ.setdefault("SSL_CERT_FILE", bundle)  # the commands that use AWS read the one, those that use HTTP the other
    try:
        app()
    except Exception as error:
        if os.environ.get("RELAY_TRACEBACK"):
            raise
        message = f"relay: {type(error).__name__}: {error}\n  This is a bug in relay. Set RELAY_TRACEBACK=1 to see the traceback."
        typer.secho(message, err=True, fg="red")
        sys.exit(ExitCode.INTERNAL)
