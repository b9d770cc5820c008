"""Building blocks for the checks of request bodies. A rule raises ProviderError if a body is wrong.

Code 1200: a field is missing or has the wrong type. Code 1201: a value is not allowed.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any

from local.simulator.common.errors import ProviderError

type Body = Mapping[str, Any]
type Rule = Callable[[Body], None]

_LARGEST_IMAGE = 10 * 1024 * 1024


def given(body: Body, name: str) -> bool:
    """True if the field exists and is not empty."""
    return body.get(name) not in (None, "", [], {})


def invalid(message: str) -> ProviderError:
    """The error with code 1201 and this message."""
    return ProviderError(1201, message)


def needed(*names: str) -> Rule:
    """All of these fields are required."""

    def rule(body: Body) -> None:
        for name in names:
            if not given(body, name):
                raise ProviderError(1200, f"{name} is required")

    return rule


def when(test: Callable[[Body], bool], *rules: Rule) -> Rule:
    """Apply these rules if the test is true."""

    def rule(body: Body) -> None:
        if test(body):
            for each in rules:
                each(body)

    return rule


def has(name: str) -> Callable[[Body], bool]:
    """A test: the field is given."""
    return lambda body: given(body, name)


def equals(name: str, *values: object) -> Callable[[Body], bool]:
    """A test: the field has one of these values (booleans may be strings)."""
    return lambda body: body.get(name) in values or (True in values and body.get(name) == "true")


def refuse(message: str) -> Rule:
    """Always raise 1201. For use in when()."""

    def rule(body: Body) -> None:  # noqa: ARG001 - every rule takes the body
        raise invalid(message)

    return rule


def exactly_one(*names: str) -> Rule:
    """Exactly one of these fields is required."""

    def rule(body: Body) -> None:
        count = sum(given(body, name) for name in names)
        if count == 0:
            raise ProviderError(1200, f"one of {', '.join(names)} is required")
        if count > 1:
            raise invalid(f"{', '.join(names)} exclude each other")

    return rule


def at_most_one(*groups: tuple[str, ...]) -> Rule:
    """Fields of at most one of these groups are allowed."""

    def rule(body: Body) -> None:
        if sum(any(given(body, name) for name in group) for group in groups) > 1:
            raise invalid(f"{', '.join(name for group in groups for name in group)} exclude each other")

    return rule


def text(*names: str, limit: int = 2500) -> Rule:
    """Strings of at most `limit` characters."""

    def check(name: str, value: object) -> None:
        if not isinstance(value, str):
            raise ProviderError(1200, f"{name} must be a string")
        if len(value) > limit:
            raise invalid(f"{name} must not be longer than {limit} characters")

    return _each(names, check)


def url(*names: str) -> Rule:
    """http or https URLs."""

    def check(name: str, value: object) -> None:
        if not isinstance(value, str) or not value.startswith(("http://", "https://")):
            raise invalid(f"{name} is not a valid URL")

    return _each(names, check)


def choice(name: str, *values: str) -> Rule:
    """One of these strings. Where the string is a number, such as a duration, an int is accepted too."""

    def check(name: str, value: object) -> None:
        if isinstance(value, bool) or str(value) not in values:
            raise invalid(f"{name} value '{value}' is invalid, allowed: {', '.join(values)}")

    return _each((name,), check)


def flag(*names: str) -> Rule:
    """Booleans. The strings true and false are accepted too."""

    def check(name: str, value: object) -> None:
        if value not in (True, False, "true", "false"):
            raise ProviderError(1200, f"{name} must be a boolean")

    return _each(names, check)


def number(name: str, low: float, high: float, *, whole: bool = False) -> Rule:
    """A number in [low, high]."""

    def check(name: str, value: object) -> None:
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            raise ProviderError(1200, f"{name} must be {'an integer' if whole else 'a number'}")
        if not low <= value <= high:
            raise invalid(f"{name} must be between {low} and {high}")

    return _each((name,), check)


def image(*names: str) -> Rule:
    """Images: a public URL, or raw base64 without a data: prefix, at most 10 MB."""

    def check(name: str, value: object) -> None:
        if not isinstance(value, str):
            raise ProviderError(1200, f"{name} must be a string")
        if not value.startswith(("http://", "https://")):
            _check_base64(name, value, _LARGEST_IMAGE)

    return _each(names, check)


def audio(name: str) -> Rule:
    """Base64 sound of at most 5 MB."""
    return _each((name,), lambda name, value: _check_base64(name, value, 5 * 1024 * 1024))


def items(name: str, low: int, high: int, *rules: Rule) -> Rule:
    """A list of `low` to `high` objects that each satisfy these rules."""

    def check(name: str, value: object) -> None:
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise ProviderError(1200, f"{name} must be a list of objects")
        if not low <= len(value) <= high:
            raise invalid(f"{name} must have {low} to {high} entries")
        for item in value:
            for rule in rules:
                rule(item)

    return _each((name,), check)


def nested(name: str, *rules: Rule) -> Rule:
    """An object that satisfies these rules."""

    def check(name: str, value: object) -> None:
        if not isinstance(value, dict):
            raise ProviderError(1200, f"{name} must be an object")
        for rule in rules:
            rule(value)

    return _each((name,), check)


def _each(names: tuple[str, ...], check: Callable[[str, object], None]) -> Rule:
    """Apply the check to each of these fields that is given."""

    def rule(body: Body) -> None:
        for name in names:
            if given(body, name):
                check(name, body[name])

    return rule


def _check_base64(name: str, value: object, largest: int) -> None:
    if not isinstance(value, str):
        raise ProviderError(1200, f"{name} must be a string")
    try:
        content = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise invalid(f"{name} is neither a URL nor valid base64") from None
    if len(content) > largest:
        raise invalid(f"{name} is larger than {largest} bytes")
