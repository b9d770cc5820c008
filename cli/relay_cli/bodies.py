"""Builds the body of a request from --body, the options and --field. Later sources override earlier ones."""

import base64
import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import typer

from relay_cli.fields import Field

_FIELD = re.compile(r"(?P<path>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(?P<how>:=|=|@)(?P<value>.*)", re.DOTALL)
_REFERENCE = re.compile(r"(?:https?|relay)://", re.IGNORECASE)
_INLINE_LIMIT = 3_600_000
"""Bytes of all files inside one body. Base64 makes them a third larger, and the relay accepts 5 MiB."""


type Upload = Callable[[Path, str], str]
"""Uploads a file and returns its reference. The text is the name of the option, for error messages."""


def build_body(
    base: str | None, options: Iterable[tuple[Field, Any]], assignments: Iterable[str], *, upload: Upload
) -> dict[str, Any]:
    """Build the body. Files that are too large for it are uploaded. Raises typer.BadParameter for invalid input.

    `base` is a path to a JSON file, or `-` for standard input. `assignments` are the values of --field.
    """
    body, files = _read_base(base), _Files(upload)
    for field, value in options:
        _set(body, field.path, field.placed(files.resolve(field, value) if field.takes_file else value))
    for assignment in assignments:
        path, value = _parse_assignment(assignment, files)
        _set(body, path, value)
    return body


class _Files:
    """The files of one body. Small files are embedded as raw base64, without a prefix; larger ones are uploaded."""

    def __init__(self, upload: Upload) -> None:
        self._upload = upload
        self._bytes = 0

    def resolve(self, field: Field, value: Any) -> Any:
        """Return URLs unchanged, and replace the path of a file by its base64 or its reference."""
        if isinstance(value, list):
            return [self.resolve(field, each) for each in value]
        if _REFERENCE.match(value):
            return value
        return self.embed_or_upload(_option_name(field.option), value, inline=field.takes_base64)

    def embed_or_upload(self, option: str, name: str, *, inline: bool = True) -> str:
        """Return a file's base64, or its reference if it was uploaded. Raises typer.BadParameter for an unreadable file."""
        path = Path(name).expanduser()
        try:
            size = path.stat().st_size
            if not inline or self._bytes + size > _INLINE_LIMIT:
                return self._upload(path, option)
            self._bytes += size
            return base64.b64encode(path.read_bytes()).decode()
        except OSError as error:
            raise typer.BadParameter(f"{name}: {error.strerror or error}", param_hint=option) from None


def _option_name(option: str) -> str:
    return f"--{option.replace('_', '-')}"


def _read_base(name: str | None) -> dict[str, Any]:
    if name is None:
        return {}
    try:
        text = sys.stdin.read() if name == "-" else Path(name).expanduser().read_text()
        document = json.loads(text)
    except OSError as error:
        raise typer.BadParameter(f"{name}: {error.strerror or error}", param_hint="--body") from None
    except ValueError as error:
        raise typer.BadParameter(f"{name}: not JSON: {error}", param_hint="--body") from None
    if not isinstance(document, dict):
        raise typer.BadParameter(f"{name}: expected a JSON object", param_hint="--body")
    return document


def _parse_assignment(assignment: str, files: _Files) -> tuple[tuple[str, ...], Any]:
    """Return the path and the value of one --field. `name@file` reads, and may upload, the file."""
    match = _FIELD.fullmatch(assignment)
    if match is None:
        message = f"{assignment[:80]!r}: expected name=text, name:=JSON or name@file; for a nested field, outer.inner as the name"
        raise typer.BadParameter(message, param_hint="--field")
    value: Any = match["value"]
    if match["how"] == "@":
        value = files.embed_or_upload("--field", value)
    elif match["how"] == ":=":
        try:
            value = json.loads(value)
        except ValueError as error:
            raise typer.BadParameter(f"{assignment[:80]!r}: not JSON: {error}", param_hint="--field") from None
    return tuple(match["path"].split(".")), value


def _set(body: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    *outer, last = path
    for name in outer:
        inner = body.setdefault(name, {})
        if not isinstance(inner, Mapping):
            raise typer.BadParameter(f"{'.'.join(path)}: {name} is not an object", param_hint="--field")
        body = inner  # type: ignore[assignment]
    body[last] = value
