"""Derives command-line options from a request model: one option for each field that fits on a command line."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from relay.providers.media import Media

_SCALARS = (str, bool, int, float)


@dataclass(frozen=True, slots=True)
class Field:
    """One option of a command.

    `path` is the place of its value in the body. With `item`, each value becomes an object whose field `item` holds it.
    """

    option: str
    path: tuple[str, ...]
    annotation: Any
    help: str
    takes_file: bool = False
    takes_base64: bool = False
    """A small file may be embedded in the body as base64."""
    item: str | None = None
    one_or_many: bool = False
    """One value is sent as it is, several as a list."""

    def placed(self, value: Any) -> Any:
        """Return the value in the form that the body needs."""
        if self.one_or_many and len(value) == 1:
            return value[0]
        return [{self.item: each} for each in value] if self.item else value


def fields_of(model: type[BaseModel]) -> Iterator[Field]:
    """Yield the options of a model, in the model's order.

    - The fields of a required object become options themselves (the object `input` of lip-sync).
    - If two fields have the same name, the field in the required object wins (`model_name` of effects).
    - A list of objects with one required field becomes an option that may be repeated (`image_list`).
    - Any other field that is not a text, a number, a flag or a choice has no option; --field and --body can set it.
    """
    yield from {field.option: field for field in _fields(model, ())}.values()


def _fields(model: type[BaseModel], path: tuple[str, ...]) -> Iterator[Field]:
    hints = get_type_hints(model, include_extras=True)
    for name, info in model.model_fields.items():
        hint = hints[name]
        kind = _base(hint)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            if info.is_required():
                yield from _fields(kind, (*path, name))
        elif get_origin(kind) is list:
            yield from _repeated(name, (*path, name), _base(get_args(kind)[0]))
        elif list[str] in _parts(_unmarked(hint)):
            yield replace(_field(name, (*path, name), hint, list[str], "may be repeated"), one_or_many=True)
        elif get_origin(kind) is Literal or kind in _SCALARS:
            yield _field(name, (*path, name), hint, kind, info.description)


def _repeated(name: str, path: tuple[str, ...], kind: Any) -> Iterator[Field]:
    """Yield the option of a list whose items have exactly one required field, a text or a number."""
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return
    required = [each for each, info in kind.model_fields.items() if info.is_required()]
    if len(required) != 1:
        return
    hint = get_type_hints(kind, include_extras=True)[required[0]]
    if _base(hint) in _SCALARS:
        field = _field(name, path, hint, list[_base(hint)], f"{required[0]} of each item; may be repeated")  # type: ignore[misc]
        yield replace(field, item=required[0])


def _field(name: str, path: tuple[str, ...], hint: Any, kind: Any, description: str | None) -> Field:
    media = next((mark for part in _parts(hint) for mark in getattr(part, "__metadata__", ()) if isinstance(mark, Media)), None)
    if media is None:
        return Field(name, path, kind, description or "")
    accepts = "a file or a URL" if media.url else "a file"
    text = "; ".join(each for each in (description, accepts) if each)
    return Field(name, path, kind, text, takes_file=True, takes_base64=media.base64)


def _parts(hint: Any) -> list[Any]:
    """Return a type hint and, if it is a union, its members."""
    return [hint, *get_args(hint)] if get_origin(hint) in {Union, UnionType} else [hint]


def _unmarked(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def _base(hint: Any) -> Any:
    """Return a type hint without `| None` and without Annotated."""
    while True:
        if get_origin(hint) is Annotated:
            hint = get_args(hint)[0]
        elif get_origin(hint) in {Union, UnionType}:
            hint = next(each for each in get_args(hint) if each is not NoneType)
        else:
            return hint
