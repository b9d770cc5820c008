"""The commands `relay submit OPERATION` and `relay call OPERATION`. Each is built from a provider's table when it is needed.

The operations of the first provider are named by their paths, those of the others by `{provider}/{path}`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from inspect import Parameter
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer
from typer.core import TyperGroup
from typer.main import get_command

from relay.providers.registry import PROVIDERS
from relay_cli.session import CLIENT, Session, as_command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from relay.providers.base import Operation, Provider, SynchronousOperation
    from relay_cli.fields import Field

type Entry = tuple[Provider, Operation | SynchronousOperation]
type Table = Mapping[str, Entry]

_FIRST = next(iter(PROVIDERS))


def _table(tables: "Callable[[Provider], Mapping[str, Operation | SynchronousOperation]]") -> "Table":
    return {
        path if provider.name == _FIRST else f"{provider.name}/{path}": (provider, operation)
        for provider in PROVIDERS.values()
        for path, operation in tables(provider).items()
    }


OPERATIONS = _table(lambda provider: provider.operations)
SYNCHRONOUS = _table(lambda provider: provider.synchronous)


def short_names(table: "Table" = OPERATIONS) -> dict[str, str]:
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
        return self.build_command(cmd_name, operation, self.table.get(operation))

    @abstractmethod
    def build_command(self, name: str, operation: str, entry: "Entry | None") -> Any:
        """Build the command of an operation. `entry` is None if the table does not have the operation."""


class SubmitGroup(_Group):
    """`relay submit OPERATION`. A path that is not in the table becomes a command with --field and --body only."""

    table = OPERATIONS

    def build_command(self, name: str, operation: str, entry: "Entry | None") -> Any:
        """See _Group."""
        from relay_cli.commands.submit import OPTIONS, submit

        found = entry or _unknown(operation)
        return found and _command(name, found, submit, OPTIONS, f"Create a task of `{operation}`.")


class CallGroup(_Group):
    """`relay call OPERATION`."""

    table = SYNCHRONOUS

    def build_command(self, name: str, operation: str, entry: "Entry | None") -> Any:
        """See _Group."""
        from relay_cli.commands.call import OPTIONS, call

        return entry and _command(name, entry, call, OPTIONS, f"Call `{operation}`.")


def _unknown(path: str) -> "Entry | None":
    """Return an operation that no table has, for a path; the relay decides whether it is valid. None for any other text."""
    if "/" not in path or path in SYNCHRONOUS:
        return None
    from relay.providers.base import Operation

    name, _, rest = path.partition("/")
    provider, rest = (name, rest) if name in PROVIDERS else (_FIRST, path)
    return PROVIDERS[provider], Operation(rest, is_known=False)


def _command(name: str, entry: "Entry", send: Callable[..., None], own: list[Parameter], description: str) -> Any:
    fields = list(fields_of_operation(entry))

    def run(session: Session, **given: Any) -> None:
        values = [(field, given.pop(field.option)) for field in fields]
        send(session, entry, [(field, value) for field, value in values if value not in (None, [])], **given)

    run.__doc__ = description
    app = typer.Typer(add_completion=False)
    app.command(name)(as_command(run, [*map(_parameter, fields), *own], CLIENT))
    return get_command(app)


def fields_of_operation(entry: "Entry") -> "Iterator[Field]":
    """Yield the options of one operation; none if it has no model."""
    provider, operation = entry
    if operation.model and (model := provider.request_model(operation)):
        from relay_cli.fields import fields_of

        yield from fields_of(model)


def _parameter(field: "Field") -> Parameter:
    option = typer.Option(help=field.help, rich_help_panel="Fields of the request")
    return Parameter(field.option, Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[field.annotation | None, option])
