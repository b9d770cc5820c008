"""Attach uploads: references in a request are checked when it is submitted, and replaced each time it is sent."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from relay.domain.errors import InvalidRequestError
from relay.domain.uploads import BASE64_LIMIT, LIMITS, SCHEME, Reference, reference_of

if TYPE_CHECKING:
    from relay.ports import UploadedFile, UploadStore

MOST = 32
"""References in one request: each costs one request to the bucket."""
MOST_IN_BASE64 = BASE64_LIMIT
"""Bytes of all files in base64 together: while a request is sent, they are in memory about five times."""
LONGEST_URL = 604_800
"""Seconds: the maximum of Signature Version 4."""
_LONGEST_STEP = 64
type _Trail = tuple[_Trail, str | int] | None
"""The way to a value: that of its container, and the key or index in it."""
_ISO_MEDIA = frozenset({"video/mp4", "video/quicktime", "audio/mp4"})
"""They share one container format; the first bytes do not tell them apart."""


def references(body: Mapping[str, Any]) -> list[tuple[str, Reference]]:
    """Every reference with the path of its field; raises InvalidRequestError for a malformed one, and for too many."""
    found: list[tuple[str, Reference]] = []
    for path, _, _, text in _places(body):
        reference = reference_of(text)
        if reference is None:
            raise InvalidRequestError(f"{path}: expected a reference from the response of POST /uploads; got {text[:80]!r}")
        if len(found) == MOST:
            raise InvalidRequestError(f"{path}: expected at most {MOST} uploads in one request")
        found.append((path, reference))
    return found


def check_arrived(found: list[tuple[str, Reference]], tenant: str, uploads: UploadStore, *, now: int) -> None:
    """Check that each file has arrived, has the announced type, and is small enough; raises InvalidRequestError, which names the
    field."""
    in_base64 = 0
    for path, reference in found:
        if now >= reference.ends_at:
            raise InvalidRequestError(f"{path}: upload {reference} has expired: upload the file again")
        file = uploads.look(reference.key(tenant))
        wrong = _wrong(reference, file)
        if wrong:
            raise InvalidRequestError(f"{path}: upload {reference} {wrong}")
        in_base64 += file.bytes if file and reference.as_base64 else 0
        _check_sum(path, in_base64)


def resolved(body: Mapping[str, Any], tenant: str, uploads: UploadStore, *, seconds: int) -> dict[str, Any]:
    """The body with each reference replaced by a presigned URL or by the file in base64. `seconds`: the lifetime of the URLs.

    Raises InvalidRequestError when a file that must be read has been deleted, or the files in base64 are too large together.
    """
    if next(_places(body), None) is None:
        return dict(body)
    copy: dict[str, Any] = json.loads(json.dumps(body))
    in_base64 = 0
    for path, holder, name, text in list(_places(copy)):
        reference = reference_of(text)
        if reference is None:
            continue  # submit refuses these; one stored by an older version is sent unchanged
        key = reference.key(tenant)
        if not reference.as_base64:
            holder[name] = uploads.url(key, seconds=min(seconds, LONGEST_URL))
            continue
        content = uploads.read(key)
        if content is None:
            raise InvalidRequestError(f"{path}: upload {reference} was deleted: upload the file again")
        in_base64 += len(content)
        _check_sum(path, in_base64)  # version 0.2.0 stored requests without this limit
        holder[name] = base64.b64encode(content).decode()
    return copy


def _check_sum(path: str, in_base64: int) -> None:
    if in_base64 > MOST_IN_BASE64:
        raise InvalidRequestError(f"{path}: expected uploads of at most {MOST_IN_BASE64} bytes together in base64")


def _places(body: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any, str]]:
    """(path, container, key or index, text) of every `relay://…` in a body. Not recursive: unknown fields may nest deeply.

    Paths are made for these only: a long key would otherwise be copied for each of its values.
    """
    pending: list[tuple[_Trail, Any, Any, Any]] = [(None, None, None, body)]
    while pending:
        trail, holder, name, value = pending.pop()
        if isinstance(value, str) and value.startswith(SCHEME) and " " not in value:
            yield _path(trail), holder, name, value
        elif isinstance(value, Mapping):
            pending += reversed([((trail, key), value, key, each) for key, each in value.items()])
        elif isinstance(value, list):
            pending += reversed([((trail, index), value, index, each) for index, each in enumerate(value)])


def _path(trail: _Trail) -> str:
    """As in `masks[0].url`; long keys are cut."""
    steps: list[str] = []
    while trail:
        trail, step = trail
        steps.append(f"[{step}]" if isinstance(step, int) else f".{step[:_LONGEST_STEP]}")
    return "".join(reversed(steps)).lstrip(".")


def _wrong(reference: Reference, file: UploadedFile | None) -> str:
    if file is None:
        return "has not arrived: PUT it first"
    if file.bytes > LIMITS[reference.kind]:
        return f"has {file.bytes} bytes: expected at most {LIMITS[reference.kind]}"
    if reference.as_base64 and file.bytes > BASE64_LIMIT:
        return f"has {file.bytes} bytes: expected at most {BASE64_LIMIT}, since the field takes base64 only"
    if not _fits(reference.media_type, file.media_type):
        return f"is not {reference.media_type}: its first bytes are those of {file.media_type or 'something else'}"
    return ""


def _fits(announced: str, found: str | None) -> bool:
    return announced == found or {announced, found} <= _ISO_MEDIA
