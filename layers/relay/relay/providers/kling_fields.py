"""The value types of Kling's request fields: numbers, texts, addresses, pictures and audio."""

import binascii
from collections.abc import Callable
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, StrictFloat, StrictInt, ValidationInfo

from relay.domain.uploads import SCHEME, reference_of
from relay.providers.kling_refusals import shown, wrong

PROMPT_LIMIT = 2500
MAX_IMAGE_BYTES = 10 * 1024 * 1024
MAX_AUDIO_BYTES = 5 * 1024 * 1024
MIN_IMAGE_SIDE = 300
MAX_IMAGE_RATIO = 2.5
MAX_CALLBACK_URL = 2048
MAX_EXTERNAL_TASK_ID = 256
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JPEG_SIGNATURE = b"\xff\xd8\xff"
JPEG_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
JPEG_BARE_MARKERS = frozenset({0x01, *range(0xD0, 0xDA)})


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
        text = str(value) if type(value) is int else value
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


def uploaded(value: str, kind: str, *, as_base64: bool = False) -> str:
    """A reference to an upload of a kind; `as_base64`: the field takes no URL, so the bytes will go there."""
    reference = reference_of(value)
    if reference is None:
        raise wrong("a reference that POST /uploads has answered", shown(value))
    if kind and reference.kind != kind:
        raise wrong(f"an upload of the kind {kind}", f"{reference.media_type}")
    return str(reference.in_base64() if as_base64 else reference)


def media_address(kind: str = "") -> Callable[[str], str]:
    """A validator for an http(s) URL, or an upload of that kind (any, where nothing is known of the field)."""

    def check(value: str) -> str:
        return uploaded(value, kind) if value.startswith(SCHEME) else web_address(value)

    return check


def printable(value: str) -> str:
    """Every character has a printed form: the value travels in logs and URLs."""
    if not value.isprintable():
        raise wrong("printable characters", shown(value))
    return value


def decoded(value: str, limit: int, expected: str) -> bytes:
    """The bytes of raw base64, 1 to `limit` of them. The text itself never enters a message."""
    if value[:5].lower() == "data:":
        raise wrong("raw base64 without the 'data:…;base64,' prefix", "a data URL")
    if len(value) // 4 * 3 - 2 > limit:
        raise wrong(f"at most {limit // 1024**2} MB of decoded data", f"{len(value) / 4 * 3 / 1024**2:.1f} MB")
    try:
        return binascii.a2b_base64(value, strict_mode=True)
    except ValueError:
        raise wrong(expected, f"{len(value)} characters of another kind") from None


def image(*, proportioned: bool) -> Callable[[str], str]:
    """A validator for an upload, a public URL, or raw base64 of a JPEG or PNG of at most 10 MB with sides of at least 300 px.

    `proportioned`: the ratio of the sides must lie between 1:2.5 and 2.5:1.
    """

    def check(value: str) -> str:
        size = image_size(value)
        if size and min(size) < MIN_IMAGE_SIDE:
            raise wrong(f"an image with sides of at least {MIN_IMAGE_SIDE} px", f"{size[0]}x{size[1]}")
        if size and proportioned and max(size) > MAX_IMAGE_RATIO * min(size):
            raise wrong("an image with a ratio from 1:2.5 to 2.5:1", f"{size[0]}x{size[1]}")
        return value

    return check


def audio(value: str) -> str:
    """An upload, or raw base64 of at most 5 MB."""
    if value.startswith(SCHEME):
        return uploaded(value, "audio", as_base64=True)
    decoded(value, MAX_AUDIO_BYTES, "raw base64")
    return value


def image_size(value: str) -> tuple[int, int] | None:
    """Width and height in pixels from the header of an inline image; None for an upload, a URL, and where no header tells."""
    if "://" in value[:16]:
        media_address("image")(value)
        return None
    data = decoded(value, MAX_IMAGE_BYTES, "an upload, an http(s) URL or raw base64")
    if data.startswith(PNG_SIGNATURE):
        return _png_size(data)
    if data.startswith(JPEG_SIGNATURE):
        return _jpeg_size(data)
    raise wrong("a JPEG or PNG image", "base64 of something else")


def _png_size(data: bytes) -> tuple[int, int] | None:
    if data[12:16] != b"IHDR" or len(data) < 24:
        return None
    return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Walk the segments up to the frame header (ITU-T T.81, B.2.2)."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in JPEG_FRAME_HEADERS:
            return int.from_bytes(data[at + 7 : at + 9]), int.from_bytes(data[at + 5 : at + 7])
        if marker == 0xFF:
            at += 1
        elif marker in JPEG_BARE_MARKERS:
            at += 2
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return None


Flag = Annotated[bool, BeforeValidator(flag)]
Duration = Annotated[str, BeforeValidator(seconds(3, 15))]
ShotDuration = Annotated[str, BeforeValidator(seconds(1, 15))]
Fraction = Annotated[StrictFloat, AfterValidator(between(0, 1))]
Movement = Annotated[StrictFloat, AfterValidator(between(-10, 10))]
Speed = Annotated[StrictFloat, AfterValidator(between(0.8, 2)), AfterValidator(one_decimal)]
Count = Annotated[StrictInt, AfterValidator(between(1, 9))]
Integer64 = Annotated[StrictInt, AfterValidator(between(-(2**63), 2**63 - 1))]

Prompt = Annotated[str, AfterValidator(limited_by("prompt_limit"))]
NegativePrompt = Annotated[str, AfterValidator(limited_by("negative_prompt_limit"))]
ShotPrompt = Annotated[str, AfterValidator(at_most(512))]
Speech = Annotated[str, AfterValidator(at_most(120))]
ExternalTaskId = Annotated[str, AfterValidator(at_most(MAX_EXTERNAL_TASK_ID)), AfterValidator(printable)]

Url = Annotated[str, AfterValidator(media_address())]
VideoUrl = Annotated[str, AfterValidator(media_address("video"))]
AudioUrl = Annotated[str, AfterValidator(media_address("audio"))]
CallbackUrl = Annotated[str, AfterValidator(at_most(MAX_CALLBACK_URL)), AfterValidator(web_address)]
Image = Annotated[str, AfterValidator(image(proportioned=True))]
ImageOfAnyRatio = Annotated[str, AfterValidator(image(proportioned=False))]
Audio = Annotated[str, AfterValidator(audio)]
