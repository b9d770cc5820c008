"""The commands `relay submit OPERATION` and `relay call OPERATION`. Each is built from the provider's table when it is needed."""

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
    """Return the path of each operation by its short name, for example `text2video`.

    The short name is the shortest end of the path that no other operation shares, unless that operation has a longer path.
    """
    names: dict[str, str] = {}
    for operation in table:
        parts = operation.split("/")
        ends = ["/".join(parts[start:]) for start in reversed(range(len(parts)))]
        others = [other.split("/") for other in table if other != operation]
        rivals = [other for other in others if len(other) <= len(parts)]
        names[next((end for end in ends if not _any_ends_with(rivals, end.split("/"))), operation)] = operation
    return names


def _any_ends_with(paths: list[list[str]], end: list[str]) -> bool:
    return any(path[-len(end) :] == end for path in paths)


def operation_named(name: str) -> str:
    """Return the path for a short name. Any other text is returned unchanged; the relay decides whether it is valid."""
    return short_names().get(name, name)


class _Group(TyperGroup, ABC):
    """A group with one command per operation. Commands are built on demand: loading every model would slow down each run."""

    table: ClassVar["Table"]

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """Return the short names of the table's operations."""
        return list(short_names(self.table))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """Return the command of an operation, or None if there is no such operation."""
        operation = short_names(self.table).get(cmd_name, cmd_name)
        known = self.table.get(operation)
        return self.build_command(cmd_name, operation, list(fields_of_operation(known)) if known else None)

    @abstractmethod
    def build_command(self, name: str, operation: str, fields: "list[Field] | None") -> Any:
        """Build the command of an operation. `fields` is None if the table does not have the operation."""


class SubmitGroup(_Group):
    """`relay submit OPERATION`. A path that is not in the table becomes a command with --field and --body only."""

    table = Kling.operations

    def build_command(self, name: str, operation: str, fields: "list[Field] | None") -> Any:
        """See _Group."""
        from relay_cli.commands.submit import OPTIONS, submit

        if fields is None and ("/" not in operation or operation in Kling.synchronous):
            return None
        return _command(name, operation, fields or [], submit, OPTIONS, f"Create a task of `{operation}`.")


class CallGroup(_Group):
    """`relay call OPERATION`."""

    table = Kling.synchronous

    def build_command(self, name: str, operation: str, fields: "list[Field] | None") -> Any:
        """See _Group."""
        from relay_cli.commands.call import OPTIONS, call

        return None if fields is None else _command(name, operation, fields, call, OPTIONS, f"Call `{operation}`.")


def _command(
    name: str, operation: str, fields: "list[Field]", send: Callable[..., None], own: list[Parameter], description: str
) -> Any:
    def run(session: Session, **given: Any) -> None:
        values = [(field, given.pop(field.option)) for field in fields]
        send(session, operation, [(field, value) for field, value in values if value not in (None, [])], **given)

    run.__doc__ = description
    app = typer.Typer(add_completion=False)
    app.command(name)(as_command(run, [*map(_parameter, fields), *own], CLIENT))
    return get_command(app)


def fields_of_operation(operation: "Operation | SynchronousOperation") -> "Iterator[Field]":
    """Yield the options of one operation; none if it has no model."""
    if operation.model:
        from relay.providers.kling.requests.body import model_of
        from relay_cli.fields import fields_of

        yield from fields_of(model_of(operation.model))


def _parameter(field: "Field") -> Parameter:
    option = typer.Option(help=field.help, rich_help_panel="Fields of the request")
    return Parameter(field.option, Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[field.annotation | None, option])
