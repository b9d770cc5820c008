"""Uploads: the files that a client may put into the bucket, and the references by which a request names them."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEME: Final = "relay://"
VALID_FOR: Final = 86_400
"""Seconds from `POST /uploads` in which a reference may be used. The file is kept for 7 days, so that a queued task finds it."""
LIMITS: Final[Mapping[str, int]] = {"image": 10_485_760, "video": 104_857_600, "audio": 5_242_880}
"""Bytes by kind: what the providers' fields take."""
BASE64_LIMIT: Final = LIMITS["image"]
"""Bytes: the largest file that the relay reads and sends inside a request."""
MEDIA_TYPES: Final[Mapping[str, str]] = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
    "audio/mp4": "m4a",
    "audio/aac": "aac",
}
"""The extension of each media type."""

_TYPES = {extension: media_type for media_type, extension in MEDIA_TYPES.items()}
_PATTERN = re.compile(rf"relay://uploads/([0-9a-f]{{32}})\.({'|'.join(_TYPES)})(#base64)?")
_TIME_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Reference:
    """`relay://uploads/{id}.{extension}`; the id is the creation time followed by 80 random bits.

    With `#base64` the provider gets the bytes instead of a URL.
    """

    id: str
    extension: str
    as_base64: bool = False

    def __str__(self) -> str:
        return f"{SCHEME}uploads/{self.id}.{self.extension}{'#base64' if self.as_base64 else ''}"

    @property
    def media_type(self) -> str:
        """The type that the client announced."""
        return _TYPES[self.extension]

    @property
    def kind(self) -> str:
        """`image`, `video` or `audio`."""
        return self.media_type.partition("/")[0]

    @property
    def ends_at(self) -> int:
        """The time in ms until which a request may use it."""
        return int(self.id[:_TIME_DIGITS], 16) + VALID_FOR * 1000

    def key(self, tenant: str) -> str:
        """The key of the tenant's file. With another tenant's reference, no object has the key."""
        digest = hashlib.sha256(f"{tenant}/{self.id}".encode()).hexdigest()
        return f"uploads/{digest}.{self.extension}"

    def in_base64(self) -> Reference:
        """The same file, for a field that takes no URL."""
        return replace(self, as_base64=True)


def new_reference(media_type: str, *, at: int, random: str) -> Reference:
    """A reference created at `at` (ms); `random`: twenty hexadecimal digits; `media_type` is one of MEDIA_TYPES."""
    return Reference(f"{at:0{_TIME_DIGITS}x}{random}", MEDIA_TYPES[media_type])


def reference_of(text: str) -> Reference | None:
    """The reference if the whole text is one, else None."""
    match = _PATTERN.fullmatch(text)
    return Reference(match[1], match[2], bool(match[3])) if match else None
