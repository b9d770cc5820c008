"""The fields of Kling's requests that take a file: pictures, videos and sounds, as uploads, by URL or as raw base64."""

import binascii
from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from relay.domain.uploads import SCHEME, reference_of
from relay.providers.kling.requests.fields import says, web_address
from relay.providers.kling.requests.refusals import shown, wrong
from relay.providers.media import Media

MAX_IMAGE_BYTES = 10 * 1024 * 1024
MAX_AUDIO_BYTES = 5 * 1024 * 1024
MIN_IMAGE_SIDE = 300
MAX_IMAGE_RATIO = 2.5
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JPEG_SIGNATURE = b"\xff\xd8\xff"
JPEG_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
JPEG_BARE_MARKERS = frozenset({0x01, *range(0xD0, 0xDA)})


def uploaded(value: str, kind: str, *, as_base64: bool = False) -> str:
    """A reference to an upload of a kind; `as_base64`: the field takes no URL, so the bytes will go there."""
    reference = reference_of(value)
    if reference is None:
        raise wrong("a reference from the response of POST /uploads", shown(value))
    if reference.kind != kind:
        raise wrong(f"an upload of the kind {kind}", reference.media_type)
    return str(reference.in_base64() if as_base64 else reference)


def media_address(kind: str) -> Callable[[str], str]:
    """A validator for an http(s) URL, or an upload of that kind."""

    def check(value: str) -> str:
        return uploaded(value, kind) if value.startswith(SCHEME) else web_address(value)

    return check


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


def images(value: object) -> object:
    """One image or a list of them."""
    check = image(proportioned=True)
    for each in value if isinstance(value, list) else [value]:
        if not isinstance(each, str):
            raise wrong("an image or a list of images", shown(each))
        check(each)
    return value


def audio(value: str) -> str:
    """An upload, or raw base64 of at most 5 MB."""
    if value.startswith(SCHEME):
        return uploaded(value, "audio", as_base64=True)
    decoded(value, MAX_AUDIO_BYTES, "raw base64")
    return value


def sound(value: str) -> str:
    """An upload, a public URL, or raw base64 of at most 5 MB."""
    return media_address("audio")(value) if "://" in value[:16] else audio(value)


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


def takes(description: str, **schema: Any) -> Any:
    """What JSON Schema says of a file."""
    return says(description=description, **schema)


_IMAGE = {"type": "string", "format": "image"}
Image = Annotated[
    str,
    AfterValidator(image(proportioned=True)),
    Media("image"),
    takes(
        "Upload, URL, or raw base64 of a JPEG or PNG: at most 10 MB, sides of at least 300 px, ratio from 1:2.5 to 2.5:1",
        format="image",
    ),
]
ImageOfAnyRatio = Annotated[
    str,
    AfterValidator(image(proportioned=False)),
    Media("image"),
    takes("Upload, URL, or raw base64 of a JPEG or PNG: at most 10 MB, sides of at least 300 px", format="image"),
]
Images = Annotated[
    str | list[str],
    BeforeValidator(images),
    Media("image"),
    takes("One image or a list: uploads, URLs or raw base64", anyOf=[_IMAGE, {"type": "array", "items": _IMAGE}]),
]
VideoUrl = Annotated[
    str, AfterValidator(media_address("video")), Media("video", base64=False), takes("Upload or URL: MP4 or MOV", format="video")
]
Audio = Annotated[
    str, AfterValidator(audio), Media("audio", url=False), takes("Upload, or raw base64 of at most 5 MB", format="sound-data")
]
AudioUrl = Annotated[
    str, AfterValidator(media_address("audio")), Media("audio", base64=False), takes("Upload or URL", format="sound-url")
]
Sound = Annotated[str, AfterValidator(sound), Media("audio"), takes("Upload, URL, or raw base64 of at most 5 MB", format="sound")]
