"""The value types of Kling's request fields: numbers, texts, addresses. Files are in media.py."""

from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, StrictFloat, StrictInt, ValidationInfo

from relay.providers.kling.requests.refusals import shown, wrong

PROMPT_LIMIT = 2500
MAX_CALLBACK_URL = 2048
MAX_EXTERNAL_TASK_ID = 256


def whole(value: object) -> object:
    """A number without a fraction as the integer that it is: in JSON, 5.0 is 5."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def between(low: float, high: float) -> Callable[[float], float]:
    """A validator for a number from `low` to `high`; NaN is outside."""

    def check(value: float) -> float:
        if not low <= value <= high:
            raise wrong(f"a number from {low} to {high}", shown(value))
        return value

    return check


def one_decimal(value: float) -> float:
    """Kling rounds to one decimal; so do we, to send what counts."""
    return round(value, 1)


def at_most(limit: int) -> Callable[[str], str]:
    """A validator for a text of at most `limit` characters."""

    def check(value: str) -> str:
        if len(value) > limit:
            raise wrong(f"at most {limit} characters", str(len(value)))
        return value

    return check


def limited_by(setting: str) -> Callable[[str, ValidationInfo], str]:
    """A validator for a text whose limit is `setting` in the validation context (2500 without one)."""

    def check(value: str, info: ValidationInfo) -> str:
        return at_most((info.context or {}).get(setting, PROMPT_LIMIT))(value)

    return check


def seconds(low: int, high: int) -> Callable[[object], object]:
    """Whole seconds from `low` to `high`, as text or as an integer; Kling's schema wants text."""
    allowed = {str(number) for number in range(low, high + 1)}

    def check(value: object) -> object:
        number = whole(value)
        text = str(number) if type(number) is int else value
        if not isinstance(text, str) or text not in allowed:
            raise wrong(f"whole seconds from {low} to {high}", shown(value))
        return text

    return check


def flag(value: object) -> object:
    """Kling's own examples send booleans as the texts "true" and "false"."""
    if value in ("true", "false"):
        return value == "true"
    if not isinstance(value, bool):
        raise wrong("true or false", shown(value))
    return value


def web_address(value: str) -> str:
    """An absolute http(s) URL. It is not fetched, and not changed."""
    try:
        parts = urlsplit(value)
        fits = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits or not value.isprintable() or " " in value:
        raise wrong("an http or https URL", shown(value) if "://" in value else f"{len(value)} characters")
    return value


def printable(value: str) -> str:
    """Every character has a printed form: the value travels in logs and URLs."""
    if not value.isprintable():
        raise wrong("printable characters", shown(value))
    return value


def milliseconds(value: object) -> object:
    """A time in ms from 0 on, as an integer or as text; Kling's examples have both."""
    number = int(value) if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 10 else whole(value)
    if type(number) is not int or not 0 <= number < 10**9:
        raise wrong("milliseconds, a whole number from 0 on", shown(value))
    return number


def number_or_auto(low: int, high: int) -> Callable[[object], object]:
    """A validator for a whole number from `low` to `high`, or "auto"."""

    def check(value: object) -> object:
        number = whole(value)
        if number != "auto" and (type(number) is not int or not low <= number <= high):
            raise wrong(f"a whole number from {low} to {high}, or 'auto'", shown(value))
        return number

    return check


def says(**schema: Any) -> Any:
    """What JSON Schema says of a field; checked is what the validators say."""
    return Field(json_schema_extra=schema)


def limits(low: float, high: float) -> Any:
    """What JSON Schema says of `between`; checked is what the validator says."""
    return says(minimum=low, maximum=high)


def longest(limit: int) -> Any:
    """What JSON Schema says of `at_most`."""
    return says(maxLength=limit)


Flag = Annotated[bool, BeforeValidator(flag), says(type=["boolean", "string"], enum=[True, False, "true", "false"])]
_SECONDS: dict[str, Any] = {"type": ["string", "integer"], "maximum": 15}
Duration = Annotated[str, BeforeValidator(seconds(3, 15)), says(**_SECONDS, minimum=3, pattern="^([3-9]|1[0-5])$")]
ShotDuration = Annotated[str, BeforeValidator(seconds(1, 15)), says(**_SECONDS, minimum=1, pattern="^([1-9]|1[0-5])$")]
Milliseconds = Annotated[
    int,
    BeforeValidator(milliseconds),
    says(type=["integer", "string"], minimum=0, exclusiveMaximum=10**9, pattern="^[0-9]{1,9}$"),
]
Fraction = Annotated[StrictFloat, AfterValidator(between(0, 1)), limits(0, 1)]
UpToTwo = Annotated[StrictFloat, AfterValidator(between(0, 2)), limits(0, 2)]
Movement = Annotated[StrictFloat, AfterValidator(between(-10, 10)), limits(-10, 10)]
Speed = Annotated[StrictFloat, AfterValidator(between(0.8, 2)), AfterValidator(one_decimal), limits(0.8, 2)]
SoundSeconds = Annotated[StrictFloat, AfterValidator(between(3, 10)), limits(3, 10)]
Integer = Annotated[StrictInt, BeforeValidator(whole)]
Count = Annotated[Integer, AfterValidator(between(1, 9)), limits(1, 9)]
SeriesAmount = Annotated[
    int | str,
    BeforeValidator(number_or_auto(2, 9)),
    says(anyOf=[{"type": "integer", "minimum": 2, "maximum": 9}, {"const": "auto"}]),
]
Integer64 = Annotated[Integer, AfterValidator(between(-(2**63), 2**63 - 1)), limits(-(2**63), 2**63 - 1)]

Prompt = Annotated[str, AfterValidator(limited_by("prompt_limit")), longest(PROMPT_LIMIT)]
NegativePrompt = Annotated[str, AfterValidator(limited_by("negative_prompt_limit")), longest(PROMPT_LIMIT)]
ShotPrompt = Annotated[str, AfterValidator(at_most(512)), longest(512)]
SoundPrompt = Annotated[str, AfterValidator(at_most(200)), longest(200)]
Speech = Annotated[str, AfterValidator(at_most(120)), longest(120)]
LongSpeech = Annotated[str, AfterValidator(at_most(1000)), longest(1000)]
ExternalTaskId = Annotated[
    str,
    AfterValidator(at_most(MAX_EXTERNAL_TASK_ID)),
    AfterValidator(printable),
    says(maxLength=MAX_EXTERNAL_TASK_ID, format="printable"),
]

CallbackUrl = Annotated[
    str,
    AfterValidator(at_most(MAX_CALLBACK_URL)),
    AfterValidator(web_address),
    says(format="uri", maxLength=MAX_CALLBACK_URL),
]
