"""A request model becomes options: one for each of its fields that a command line can carry."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from relay.providers.kling.requests.media import Media

_SCALARS = (str, bool, int, float)


@dataclass(frozen=True, slots=True)
class Field:
    """One option. `path`: where its value goes in the body; `item`: the field of each list item that takes it."""

    option: str
    path: tuple[str, ...]
    annotation: Any
    help: str
    takes_file: bool = False
    takes_base64: bool = False
    """A small file may travel inside of the request."""
    item: str | None = None
    one_or_many: bool = False
    """A single value stands by itself, several in a list."""

    def placed(self, value: Any) -> Any:
        """The value as the body has it."""
        if self.one_or_many and len(value) == 1:
            return value[0]
        return [{self.item: each} for each in value] if self.item else value


def fields_of(model: type[BaseModel]) -> Iterator[Field]:
    """The options of a model, in its order; of two with one name, the one in a required object (effects' `model_name`).

    A required object lends its fields (lip-sync's `input`). A list of objects with one required field is an option that may be
    repeated (`image_list`). Everything else that is not a text, a number, a flag or a choice is left to --field and --body.
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
    """The option of a list whose items have one required field, a text or a number."""
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return
    required = [each for each, info in kind.model_fields.items() if info.is_required()]
    if len(required) != 1:
        return
    hint = get_type_hints(kind, include_extras=True)[required[0]]
    if _base(hint) in _SCALARS:
        found = _field(name, path, hint, list[_base(hint)], f"{required[0]} of each; may be repeated")  # type: ignore[misc]
        yield replace(found, item=required[0])


def _field(name: str, path: tuple[str, ...], hint: Any, kind: Any, told: str | None) -> Field:
    media = next((mark for part in _parts(hint) for mark in getattr(part, "__metadata__", ()) if isinstance(mark, Media)), None)
    if media is None:
        return Field(name, path, kind, told or "")
    taken = "a file or a URL" if media.url else "a file"
    text = "; ".join(each for each in (told, taken) if each)
    return Field(name, path, kind, text, takes_file=True, takes_base64=media.base64)


def _parts(hint: Any) -> list[Any]:
    """A hint and, when it is a union, its members."""
    return [hint, *get_args(hint)] if get_origin(hint) in {Union, UnionType} else [hint]


def _unmarked(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def _base(hint: Any) -> Any:
    """What is left of a hint without `| None` and without Annotated."""
    while True:
        if get_origin(hint) is Annotated:
            hint = get_args(hint)[0]
        elif get_origin(hint) in {Union, UnionType}:
            hint = next(each for each in get_args(hint) if each is not NoneType)
        else:
            return hint
