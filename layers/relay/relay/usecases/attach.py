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
LONGEST_URL = 604_800
"""Seconds: the maximum of Signature Version 4."""
_ISO_MEDIA = frozenset({"video/mp4", "video/quicktime", "audio/mp4"})
"""They share one container format; the first bytes do not tell them apart."""


def references(body: Mapping[str, Any]) -> list[tuple[str, Reference]]:
    """Every reference with the path of its field; raises InvalidRequestError for a malformed one, and for too many."""
    found = []
    for path, _, _, text in _places(body):
        reference = reference_of(text)
        if reference is None:
            raise InvalidRequestError(f"{path}: expected a reference from the response of POST /uploads; got {text[:80]!r}")
        found.append((path, reference))
    if len(found) > MOST:
        raise InvalidRequestError(f"{found[MOST][0]}: expected at most {MOST} uploads in one request; got {len(found)}")
    return found


def check_arrived(found: list[tuple[str, Reference]], tenant: str, uploads: UploadStore, *, now: int) -> None:
    """Check that each file has arrived, has the announced type, and is small enough; raises InvalidRequestError, which names the
    field."""
    for path, reference in found:
        if now >= reference.ends_at:
            raise InvalidRequestError(f"{path}: upload {reference} has expired: upload the file again")
        wrong = _wrong(reference, uploads.look(reference.key(tenant)))
        if wrong:
            raise InvalidRequestError(f"{path}: upload {reference} {wrong}")


def resolved(body: Mapping[str, Any], tenant: str, uploads: UploadStore, *, seconds: int) -> dict[str, Any]:
    """The body with each reference replaced by a presigned URL or by the file in base64. `seconds`: the lifetime of the URLs.

    Raises InvalidRequestError when a file that must be read has been deleted.
    """
    if next(_places(body), None) is None:
        return dict(body)
    copy: dict[str, Any] = json.loads(json.dumps(body))
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
        holder[name] = base64.b64encode(content).decode()
    return copy


def _places(body: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any, str]]:
    """(path, container, key or index, text) of every `relay://…` in a body. Not recursive: unknown fields may nest deeply."""
    pending: list[tuple[str, Any, Any, Any]] = [("", None, None, body)]
    while pending:
        path, holder, name, value = pending.pop()
        if isinstance(value, str) and value.startswith(SCHEME) and " " not in value:
            yield path, holder, name, value
        elif isinstance(value, Mapping):
            pending += reversed([(f"{path}.{key}".lstrip("."), value, key, each) for key, each in value.items()])
        elif isinstance(value, list):
            pending += reversed([(f"{path}[{index}]", value, index, each) for index, each in enumerate(value)])


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
