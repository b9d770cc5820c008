"""The commands of `relay`, and what ends the program."""

import os
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from relay_cli.commands import dlq, doctor, keys, replay, tail, tasks, watch, webhooks
from relay_cli.failures import ExitCode
from relay_cli.operations import CallGroup, SubmitGroup
from relay_cli.session import CLIENT, OPERATOR, command

_CODES = "\n\n".join(f"{code.value}: {code.meaning}" for code in ExitCode)

app = typer.Typer(
    name="relay",
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
)
app.add_typer(
    typer.Typer(
        cls=CallGroup,
        no_args_is_help=True,
        help="Ask what the provider answers at once: `relay call tts --text …`.",
        subcommand_metavar="OPERATION [OPTIONS]",
    ),
    name="call",
)
command(app, "get", CLIENT)(tasks.get)
command(app, "list", CLIENT)(tasks.list_tasks)
command(app, "watch", CLIENT)(watch.watch)
command(app, "download", CLIENT)(tasks.download)
command(app, "tail", OPERATOR)(tail.tail)
app.add_typer(keys.app, name="keys")
app.add_typer(webhooks.app, name="webhooks")
app.add_typer(dlq.app, name="dlq")
command(app, "replay", OPERATOR)(replay.replay)
command(app, "doctor", OPERATOR)(doctor.doctor)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(version("comet-relay"))
        raise typer.Exit


@app.callback()
def relay(
    *,
    _version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    """Comet Relay: tasks of a relay, and the tools of its operator.

    The relay is that of --url and --key (RELAY_URL, RELAY_KEY), of --stack (RELAY_STACK), or the one that `make up` started.
    """


def run() -> None:
    """The program; a fault of its own is one line, and a traceback only when RELAY_TRACEBACK asks for it."""
    try:
        app()
    except Exception as error:
        if os.environ.get("RELAY_TRACEBACK"):
            raise
        told = f"relay: {type(error).__name__}: {error}\n  a fault of this program: RELAY_TRACEBACK=1 shows where"
        typer.secho(told, err=True, fg="red")
        sys.exit(ExitCode.INTERNAL)
