"""Upload: a presigned PUT for one file of a client, and the reference that later requests name it by."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from relay.domain.errors import InvalidRequestError
from relay.domain.uploads import LIMITS, MEDIA_TYPES, Reference, new_reference

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.ports import PresignedPut, Relay

PUT_SECONDS = 3600
"""Seconds in which the client must begin to send the file."""
_FIELDS = ("media_type", "bytes", "sha256")


@dataclass(frozen=True, slots=True)
class Upload:
    """What the client needs to send its file and to refer to it. Times in ms."""

    reference: Reference
    put: PresignedPut
    expires_at: int


def create_upload(tenant: str, body: Mapping[str, Any], relay: Relay, *, random: str) -> Upload:
    """`body`: the file's `media_type`, its size in `bytes`, and optionally its `sha256` in hex, which the bucket then checks.

    Raises InvalidRequestError. `random`: twenty hexadecimal digits.
    """
    media_type, size, sha256 = _checked(body)
    now = relay.clock()
    reference = new_reference(media_type, at=now, random=random)
    put = relay.uploads.put(reference.key(tenant), media_type=media_type, size=size, sha256=sha256, seconds=PUT_SECONDS)
    return Upload(reference, put, now + PUT_SECONDS * 1000)


def _checked(body: Mapping[str, Any]) -> tuple[str, int, str | None]:
    for name in body:
        if name not in _FIELDS:
            raise InvalidRequestError(f"{name[:40]}: expected one of {', '.join(_FIELDS)}")
    media_type, size, sha256 = (body.get(name) for name in _FIELDS)
    if not isinstance(media_type, str) or media_type not in MEDIA_TYPES:
        raise InvalidRequestError(f"media_type: expected one of {', '.join(MEDIA_TYPES)}; got {_shown(media_type)}")
    largest = LIMITS[media_type.partition("/")[0]]
    if isinstance(size, float) and size.is_integer():
        size = int(size)  # in JSON, 5.0 is 5
    if type(size) is not int or not 1 <= size <= largest:
        raise InvalidRequestError(f"bytes: expected the file's size, 1 to {largest} for {media_type}; got {_shown(size)}")
    if sha256 is not None and not (isinstance(sha256, str) and re.fullmatch("[0-9a-f]{64}", sha256)):
        raise InvalidRequestError(f"sha256: expected 64 hexadecimal digits in lower case; got {_shown(sha256)}")
    return media_type, size, sha256


def _shown(value: object) -> str:
    return "nothing" if value is None else repr(value)[:80]
