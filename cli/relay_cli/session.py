"""Session: what a command needs to run. Also the options that all commands share."""

from collections.abc import Callable, Mapping
from functools import cached_property
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Annotated, Any, Concatenate, get_type_hints

import typer

from relay_cli.aws_errors import translate_aws_errors
from relay_cli.failures import Failure, NotFound
from relay_cli.output import Output
from relay_cli.target import Target

if TYPE_CHECKING:
    from relay_cli.api import RelayApi
    from relay_cli.operator.stack import Stack

_PANEL = "Connection and output"
_URL = typer.Option(help="Base URL of the relay. [RELAY_URL]", rich_help_panel=_PANEL)
_KEY = typer.Option(help="Your key. RELAY_KEY keeps it out of the shell history.", rich_help_panel=_PANEL)
_STACK = typer.Option(help="Name of the CloudFormation stack. [RELAY_STACK]", rich_help_panel=_PANEL)
_PROFILE = typer.Option(help="AWS profile. [AWS_PROFILE]", rich_help_panel=_PANEL)
_REGION = typer.Option(help="AWS region. [AWS_REGION]", rich_help_panel=_PANEL)
_JSON = typer.Option("--json", help="Print JSON, one document per line.", rich_help_panel=_PANEL)

_STACK_OPTIONS: dict[str, Any] = {
    "stack": Annotated[str | None, _STACK],
    "profile": Annotated[str | None, _PROFILE],
    "region": Annotated[str | None, _REGION],
    "as_json": Annotated[bool, _JSON],
}
OPERATOR = _STACK_OPTIONS
"""The shared options of commands that use AWS."""
CLIENT: dict[str, Any] = {"url": Annotated[str | None, _URL], "key": Annotated[str | None, _KEY], **_STACK_OPTIONS}
"""The shared options of commands that use the HTTP API. With --stack, the URL is the stack's output ApiUrl."""


class Session:
    """One run of a command: its output and its relay."""

    def __init__(self, output: Output, target: Target) -> None:
        self.output = output
        self.target = target

    @cached_property
    def api(self) -> "RelayApi":
        """The HTTP API, used with the key of one tenant."""
        from relay_cli.api import RelayApi

        return RelayApi(self.target.api_url, self.target.api_key, report=self.output.print_message)

    @property
    def stack(self) -> "Stack":
        """The CloudFormation stack of the relay."""
        return self.target.aws

    @cached_property
    def outputs(self) -> Mapping[str, str]:
        """The stack's outputs by name. Looking up a missing output raises NotFound."""
        return _Outputs(self.stack.outputs())

    def invoke(self, logical_id: str, payload: Mapping[str, Any]) -> Any:
        """Invoke a function by its logical id and return its response. Raises Failure if the function failed."""
        try:
            return self.stack.invoke(logical_id, payload)
        except RuntimeError as error:
            raise Failure(str(error), f"check the log group of {logical_id}, or run relay doctor") from None


class _Outputs(dict[str, str]):
    def __missing__(self, name: str) -> str:
        raise NotFound(
            f"the stack has no output {name}",
            "check that it is a Comet Relay stack; if it is older than this program, deploy it again",
        )


def command[**P](
    app: typer.Typer, name: str, options: dict[str, Any], **settings: Any
) -> Callable[[Callable[Concatenate[Session, P], None]], Callable[..., None]]:
    """Return a decorator that adds a function to `app` as the command `name`.

    The function's first parameter is the Session, which is built from the shared `options`. In the help, its own options come
    first. `settings` go to Typer.
    """

    def register(function: Callable[Concatenate[Session, P], None]) -> Callable[..., None]:
        run = as_command(function, own_parameters(function), options)
        app.command(name, **settings)(run)
        return run

    return register


def own_parameters(function: Callable[..., None]) -> list[Parameter]:
    """Return the parameters of a command after `session`: its own options and arguments."""
    (_, *own), hints = signature(function).parameters.values(), get_type_hints(function, include_extras=True)
    return [parameter.replace(annotation=hints[parameter.name], kind=Parameter.KEYWORD_ONLY) for parameter in own]


def as_command(function: Callable[..., None], own: list[Parameter], options: dict[str, Any]) -> Callable[..., None]:
    """Wrap a command for Typer: its `own` options come first, then the shared ones.

    A Failure is printed and sets the exit code.
    """

    def run(**given: Any) -> None:
        output = Output(as_json=given.pop("as_json"))
        session = Session(output, Target(**{name: given.pop(name) for name in options if name != "as_json"}))
        try:
            with translate_aws_errors():
                function(session, **given)
        except Failure as failure:
            output.print_failure(failure)
            raise typer.Exit(failure.exit_code) from None

    common = [
        Parameter(name, Parameter.KEYWORD_ONLY, annotation=hint, default=False if name == "as_json" else None)
        for name, hint in options.items()
    ]
    run.__name__, run.__doc__ = function.__name__, function.__doc__
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in (*own, *common)}
    run.__signature__ = Signature([*own, *common])  # type: ignore[attr-defined]
    return run
