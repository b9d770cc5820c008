"""The provider's operations as commands of `relay submit`: made from its table, each when it is asked for."""

from inspect import Parameter
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from relay.providers.kling import Kling
from relay_cli.session import CLIENT, Session, as_command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from relay_cli.fields import Field

OPERATIONS = Kling.operations


def short_names() -> dict[str, str]:
    """The shortest end of each operation's path that no other operation has (`text2video`), to the path."""
    names: dict[str, str] = {}
    for operation in OPERATIONS:
        parts = operation.split("/")
        ends = ["/".join(parts[start:]) for start in reversed(range(len(parts)))]
        taken = [other.split("/") for other in OPERATIONS if other != operation]
        names[next((end for end in ends if not _ends(taken, end.split("/"))), operation)] = operation
    return names


def _ends(others: list[list[str]], end: list[str]) -> bool:
    return any(other[-len(end) :] == end for other in others)


def operation_named(name: str) -> str:
    """The path that a short name stands for; anything else as it is, for the relay to judge."""
    return short_names().get(name, name)


class SubmitGroup(TyperGroup):
    """`relay submit OPERATION`: loading all models for every command would make each of them wait."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """The names of the table."""
        return list(short_names())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """The command of an operation; of one that the table does not have, with --field and --body alone, if it is a path."""
        operation = operation_named(cmd_name)
        known = operation in OPERATIONS
        if not known and "/" not in operation:
            return None
        return _command(cmd_name, operation, known=known)


def _command(name: str, operation: str, *, known: bool) -> Any:
    from relay_cli.commands.submit import common_parameters, submit

    fields = {field.option: field for field in _fields(operation)} if known else {}

    def run(session: Session, **given: Any) -> None:
        chosen = [(field, given.pop(option)) for option, field in fields.items()]
        submit(session, operation, [(field, value) for field, value in chosen if value not in (None, [])], **given)

    run.__doc__ = f"Create a task of `{operation}`."
    app = typer.Typer(add_completion=False)
    app.command(name)(as_command(run, [*map(_parameter, fields.values()), *common_parameters()], CLIENT))
    return get_command(app)


def _fields(operation: str) -> "Iterator[Field]":
    from relay.providers import kling_requests
    from relay_cli.fields import fields_of

    return fields_of(getattr(kling_requests, OPERATIONS[operation].model))


def _parameter(field: "Field") -> Parameter:
    option = typer.Option(help=field.help, rich_help_panel="Fields of the request")
    return Parameter(field.option, Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[field.annotation | None, option])
