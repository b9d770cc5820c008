"""`make cli-docs`: generates the last part of docs/cli.md from the program's help texts."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "cli.md"
_WIDTH = "80"
_EXAMPLES = frozenset({"text2video", "tts"})
_MARK = "<!-- from here on: make cli-docs -->\n"


def main() -> int:
    """Write docs/cli.md."""
    DOCUMENT.write_text(render(DOCUMENT.read_text()))
    return 0


def render(document: str) -> str:
    """The document with a new generated part. Sets environment variables and loads the program, so that it prints plain text."""
    os.environ |= {"TYPER_USE_RICH": "0", "COLUMNS": _WIDTH}
    from relay_cli.failures import ExitCode

    head, mark, _ = document.partition(_MARK)
    codes = "".join(f"| {code.value} | {code.meaning} |\n" for code in ExitCode)
    return f"{head}{mark}\n## Exit codes\n\n| code | meaning |\n|---|---|\n{codes}\n## Commands\n{''.join(_sections())}"


def _sections() -> Iterator[str]:
    from typer.main import get_command
    from typer.testing import CliRunner

    from relay_cli.app import app

    for path in paths(get_command(app)):
        text = CliRunner().invoke(app, [*path, "--help"], prog_name="relay").stdout
        yield f"\n### relay {' '.join(path)}\n\n```\n{text.strip()}\n```\n"
    yield from _fields()


def paths(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path of every command. Of the operations, one of each table is enough: they differ only in their fields."""
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        if hasattr(command, "list_commands"):
            yield from paths(command, (*path, name))
        elif path not in {("submit",), ("call",)} or name in _EXAMPLES:
            yield (*path, name)


def _fields() -> Iterator[str]:
    """A table with the options of each operation."""
    from relay_cli.operations import OPERATIONS, SYNCHRONOUS, fields_of_operation, short_names

    yield "\n### The fields of each operation\n\nBeside them, `relay submit` and `relay call` have the options shown above.\n\n"
    yield "| command | path | options |\n|---|---|---|\n"
    for command, table in (("submit", OPERATIONS), ("call", SYNCHRONOUS)):
        for name, operation in short_names(table).items():
            fields = fields_of_operation(table[operation])
            options = " ".join(f"`--{field.option.replace('_', '-')}`" for field in fields)
            yield f"| `relay {command} {name}` | `{operation}` | {options} |\n"


if __name__ == "__main__":
    sys.exit(main())
