"""How a refusal of a request reads: which field, what was expected, what came."""

from collections.abc import Mapping

from pydantic import ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

SHOWN_CHARACTERS = 40

EXPECTED = {
    "missing": "a value",
    "string_type": "a text",
    "int_type": "a whole number",
    "float_type": "a number",
    "list_type": "a list",
    "model_type": "an object",
    "too_long": "at most {max_length} items",
    "too_short": "at least {min_length} items",
}
"""Pydantic's own error types, in our words."""


def wrong(expected: str, got: object, *, at: str = "") -> PydanticCustomError:
    """The error that a validator raises; `at` is the path below the object whose validator found it."""
    return PydanticCustomError("kling", "expected {expected}; got {got}", {"expected": expected, "got": got, "at": at})


def shown(value: object) -> str:
    """What the client sent, short enough for a message: texts are cut, objects and lists only named."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case str():
            return repr(value if len(value) <= SHOWN_CHARACTERS else f"{value[:SHOWN_CHARACTERS]}…")
        case int() | float():
            return repr(value)[:SHOWN_CHARACTERS]
        case list():
            return "a list"
        case _:
            return "an object"


def told(error: ValidationError) -> str:
    """One line: the first wrong field, what was expected there, what came, and how many more are wrong."""
    first, *others = error.errors(include_url=False)
    context = first.get("ctx", {})
    path = _path((*first["loc"], *([context["at"]] if context.get("at") else [])))
    more = f" (and {len(others)} more)" if others else ""
    return f"{path}: {_complaint(first, context)}{more}"


def _complaint(error: ErrorDetails, context: Mapping[str, object]) -> str:
    kind = error["type"]
    if kind == "kling":
        return error["msg"]
    if kind == "literal_error":
        choices = str(context["expected"]).replace(" or ", ", ").replace("'", "")
        return f"expected one of {choices}; got {shown(error['input'])}"
    got = {"missing": "nothing", "too_long": context.get("actual_length"), "too_short": context.get("actual_length")}
    expected = EXPECTED.get(kind, "a valid value").format(**context)
    return f"expected {expected}; got {got[kind] if kind in got else shown(error['input'])}"


def _path(location: tuple[int | str, ...]) -> str:
    """In Kling's notation: dynamic_masks[0].trajectories[1].x."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location).removeprefix(".")
