"""What every command begins with: the options that say where the relay is and how to answer, made into a Session."""

from collections.abc import Callable, Mapping
from functools import cached_property
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Annotated, Any, Concatenate, get_type_hints

import typer

from relay_cli.aws_errors import translated
from relay_cli.failures import Failure, NotFound
from relay_cli.output import Output
from relay_cli.target import Target

if TYPE_CHECKING:
    from relay_cli.api import RelayApi
    from relay_cli.operator.stack import Stack

_PANEL = "Which relay, and how to answer"
_URL = typer.Option(help="The relay's base URL. [RELAY_URL]", rich_help_panel=_PANEL)
_KEY = typer.Option(help="The tenant's key; RELAY_KEY keeps it out of the shell's history.", rich_help_panel=_PANEL)
_STACK = typer.Option(help="The CloudFormation stack. [RELAY_STACK]", rich_help_panel=_PANEL)
_PROFILE = typer.Option(help="AWS profile. [AWS_PROFILE]", rich_help_panel=_PANEL)
_REGION = typer.Option(help="AWS region. [AWS_REGION]", rich_help_panel=_PANEL)
_JSON = typer.Option("--json", help="Answer in JSON, one document a line.", rich_help_panel=_PANEL)

_OF_A_STACK: dict[str, Any] = {
    "stack": Annotated[str | None, _STACK],
    "profile": Annotated[str | None, _PROFILE],
    "region": Annotated[str | None, _REGION],
    "as_json": Annotated[bool, _JSON],
}
OPERATOR = _OF_A_STACK
"""Commands that work on AWS."""
CLIENT: dict[str, Any] = {"url": Annotated[str | None, _URL], "key": Annotated[str | None, _KEY], **_OF_A_STACK}
"""Commands that work on the HTTP API; a stack tells its URL."""


class Session:
    """One run of a command."""

    def __init__(self, output: Output, target: Target) -> None:
        self.output = output
        self.target = target

    @cached_property
    def api(self) -> "RelayApi":
        """The HTTP API, for the tenant of the key."""
        from relay_cli.api import RelayApi

        return RelayApi(self.target.api_url, self.target.api_key, say=self.output.story)

    @property
    def stack(self) -> "Stack":
        """The relay on AWS."""
        return self.target.aws

    @cached_property
    def outputs(self) -> Mapping[str, str]:
        """The stack's outputs; one that it does not have raises NotFound."""
        return _Outputs(self.stack.outputs())

    def invoke(self, logical_id: str, payload: Mapping[str, Any]) -> Any:
        """A function's answer; raises Failure when it fails."""
        try:
            return self.stack.invoke(logical_id, payload)
        except RuntimeError as error:
            raise Failure(str(error), f"`relay doctor` looks around; the function's log group is that of {logical_id}") from None


class _Outputs(dict[str, str]):
    def __missing__(self, name: str) -> str:
        raise NotFound(f"the stack has no output {name}", "is it a Comet Relay, and as new as this program? deploy again")


def command[**P](
    app: typer.Typer, name: str, options: dict[str, Any], **settings: Any
) -> Callable[[Callable[Concatenate[Session, P], None]], Callable[..., None]]:
    """A command of `app` whose first parameter, the Session, is made of the common `options`, which follow its own."""

    def register(function: Callable[Concatenate[Session, P], None]) -> Callable[..., None]:
        run = as_command(function, own_parameters(function), options)
        app.command(name, **settings)(run)
        return run

    return register


def own_parameters(function: Callable[..., None]) -> list[Parameter]:
    """The options of a command beside the common ones: those after `session`."""
    (_, *own), hints = signature(function).parameters.values(), get_type_hints(function, include_extras=True)
    return [parameter.replace(annotation=hints[parameter.name], kind=Parameter.KEYWORD_ONLY) for parameter in own]


def as_command(function: Callable[..., None], own: list[Parameter], options: dict[str, Any]) -> Callable[..., None]:
    """The function as Typer calls it: `own` options, then the common ones; a Failure ends it with its exit code."""

    def run(**given: Any) -> None:
        output = Output(as_json=given.pop("as_json"))
        session = Session(output, Target(**{name: given.pop(name) for name in options if name != "as_json"}))
        try:
            with translated():
                function(session, **given)
        except Failure as failure:
            output.failure(failure)
            raise typer.Exit(failure.exit_code) from None

    common = [
        Parameter(name, Parameter.KEYWORD_ONLY, annotation=hint, default=False if name == "as_json" else None)
        for name, hint in options.items()
    ]
    run.__name__, run.__doc__ = function.__name__, function.__doc__
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in (*own, *common)}
    run.__signature__ = Signature([*own, *common])  # type: ignore[attr-defined]
    return run
