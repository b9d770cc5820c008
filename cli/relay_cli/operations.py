"""The provider's operations as commands: made from its tables, each when it is asked for."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from inspect import Parameter
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer
from typer.core import TyperGroup
from typer.main import get_command

from relay.providers.kling.translator import Kling
from relay_cli.session import CLIENT, Session, as_command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from relay.providers.base import Operation, SynchronousOperation
    from relay_cli.fields import Field

type Table = Mapping[str, Operation | SynchronousOperation]


def short_names(table: "Table" = Kling.operations) -> dict[str, str]:
    """The shortest end of each operation's path that no other operation, as short or shorter, has (`text2video`), to the path."""
    names: dict[str, str] = {}
    for operation in table:
        parts = operation.split("/")
        ends = ["/".join(parts[start:]) for start in reversed(range(len(parts)))]
        others = [other.split("/") for other in table if other != operation]
        taken = [other for other in others if len(other) <= len(parts)]
        names[next((end for end in ends if not _ends(taken, end.split("/"))), operation)] = operation
    return names


def _ends(others: list[list[str]], end: list[str]) -> bool:
    return any(other[-len(end) :] == end for other in others)


def operation_named(name: str) -> str:
    """The path that a short name stands for; anything else as it is, for the relay to judge."""
    return short_names().get(name, name)


class _Group(TyperGroup, ABC):
    """A command for each operation; loading all models for every run of the program would make each of them wait."""

    table: ClassVar["Table"]

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """The names of the table."""
        return list(short_names(self.table))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """The command of an operation; None for a name that is none."""
        operation = short_names(self.table).get(cmd_name, cmd_name)
        known = self.table.get(operation)
        return self.made(cmd_name, operation, list(fields_of_operation(known)) if known else None)

    @abstractmethod
    def made(self, name: str, operation: str, fields: "list[Field] | None") -> Any:
        """The command of an operation with these fields; without any, the table does not have it."""


class SubmitGroup(_Group):
    """`relay submit OPERATION`; a path that the table does not have has --field and --body alone."""

    table = Kling.operations

    def made(self, name: str, operation: str, fields: "list[Field] | None") -> Any:
        """See _Group."""
        from relay_cli.commands.submit import OPTIONS, submit

        if fields is None and ("/" not in operation or operation in Kling.synchronous):
            return None
        return _command(name, operation, fields or [], submit, OPTIONS, f"Create a task of `{operation}`.")


class CallGroup(_Group):
    """`relay call OPERATION`."""

    table = Kling.synchronous

    def made(self, name: str, operation: str, fields: "list[Field] | None") -> Any:
        """See _Group."""
        from relay_cli.commands.call import OPTIONS, call

        return None if fields is None else _command(name, operation, fields, call, OPTIONS, f"Ask `{operation}`.")


def _command(name: str, operation: str, fields: "list[Field]", send: Callable[..., None], own: list[Parameter], told: str) -> Any:
    def run(session: Session, **given: Any) -> None:
        chosen = [(field, given.pop(field.option)) for field in fields]
        send(session, operation, [(field, value) for field, value in chosen if value not in (None, [])], **given)

    run.__doc__ = told
    app = typer.Typer(add_completion=False)
    app.command(name)(as_command(run, [*map(_parameter, fields), *own], CLIENT))
    return get_command(app)


def fields_of_operation(operation: "Operation | SynchronousOperation") -> "Iterator[Field]":
    """The options of one operation; none where it has no model."""
    if operation.model:
        from relay.providers.kling.requests.body import model_of
        from relay_cli.fields import fields_of

        yield from fields_of(model_of(operation.model))


def _parameter(field: "Field") -> Parameter:
    option = typer.Option(help=field.help, rich_help_panel="Fields of the request")
    return Parameter(field.option, Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[field.annotation | None, option])
