"""The body of a request: a file of JSON, the options over it, --field over both; files of this machine travel in it."""

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
"""Bytes of files in one body: base64 makes a third more of them, and the relay takes 5 MiB."""


type Upload = Callable[[Path, str], str]
"""A file, and the option that named it, to the reference that stands for it."""


def body_of(
    base: str | None, options: Iterable[tuple[Field, Any]], assignments: Iterable[str], *, upload: Upload
) -> dict[str, Any]:
    """Put a body together; raises typer.BadParameter for what cannot be read."""
    body, files = _document(base), _Files(upload)
    for field, value in options:
        _put(body, field.path, field.placed(files.referred(field, value) if field.takes_file else value))
    for assignment in assignments:
        path, value = _assigned(assignment, files)
        _put(body, path, value)
    return body


class _Files:
    """The files of one body: the small ones go inside as raw base64, Kling's form, the others are uploaded."""

    def __init__(self, upload: Upload) -> None:
        self._upload = upload
        self._bytes = 0

    def referred(self, field: Field, value: Any) -> Any:
        """URLs as they are, files as what stands for them."""
        if isinstance(value, list):
            return [self.referred(field, each) for each in value]
        return value if _REFERENCE.match(value) else self.content(_hint(field.option), value, inline=field.takes_base64)

    def content(self, hint: str, name: str, *, inline: bool = True) -> str:
        """A file's base64, or the reference to it."""
        path = Path(name).expanduser()
        try:
            size = path.stat().st_size
            if not inline or self._bytes + size > _INLINE_LIMIT:
                return self._upload(path, hint)
            self._bytes += size
            return base64.b64encode(path.read_bytes()).decode()
        except OSError as error:
            raise typer.BadParameter(f"{name}: {error.strerror or error}", param_hint=hint) from None


def _hint(option: str) -> str:
    return f"--{option.replace('_', '-')}"


def _document(name: str | None) -> dict[str, Any]:
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
        raise typer.BadParameter(f"{name}: not a JSON object", param_hint="--body")
    return document


def _assigned(assignment: str, files: _Files) -> tuple[tuple[str, ...], Any]:
    found = _FIELD.fullmatch(assignment)
    if found is None:
        told = f"{assignment[:80]!r}: expected name=text, name:=JSON or name@file; the name of an inner field as outer.inner"
        raise typer.BadParameter(told, param_hint="--field")
    value: Any = found["value"]
    if found["how"] == "@":
        value = files.content("--field", value)
    elif found["how"] == ":=":
        try:
            value = json.loads(value)
        except ValueError as error:
            raise typer.BadParameter(f"{assignment[:80]!r}: not JSON: {error}", param_hint="--field") from None
    return tuple(found["path"].split(".")), value


def _put(body: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    *outer, last = path
    for name in outer:
        inner = body.setdefault(name, {})
        if not isinstance(inner, Mapping):
            raise typer.BadParameter(f"{'.'.join(path)}: {name} is no object", param_hint="--field")
        body = inner  # type: ignore[assignment]
    body[last] = value
