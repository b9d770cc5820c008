"""The files that a request refers to. As the provider does, the simulator fetches their URLs and checks their kind."""

import base64
import binascii
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp

LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_TIMEOUT = aiohttp.ClientTimeout(total=30)
_CHUNK = 65_536
_HEAD = 16
_KINDS: Final = {"image": "image", "mask": "image", "cloth": "image", "video": "video", "audio": "audio", "sound": "audio"}


@dataclass
class Input:
    """One file of a request. `field` is its place in the body. `status` is the HTTP status, None for base64."""

    field: str
    kind: str
    status: int | None = None
    bytes: int = 0
    sha256: str = ""
    head: str = ""  # the first bytes, in hex
    error: str = ""

    def as_json(self) -> dict[str, Any]:
        """The entry as the admin endpoint shows it."""
        return asdict(self)


async def fetch_inputs(body: Mapping[str, Any]) -> list[Input]:
    """Fetch the files of a request from loopback URLs, and decode those in base64. Other URLs are ignored."""
    found = []
    for field, kind, text in _media(body):
        if text.startswith(("http://", "https://")):
            if urlsplit(text).hostname in LOOPBACK:
                found.append(await _get(Input(field, kind), text))
        elif content := _decoded(text):
            digest = hashlib.sha256(content).hexdigest()
            found.append(Input(field, kind, bytes=len(content), sha256=digest, head=content[:_HEAD].hex()))
    return found


def first_error(inputs: list[Input]) -> str:
    """The reason why the task must fail, or "". A file could not be fetched, or its kind does not fit its field."""
    return next((f"{each.field}: {each.error}" for each in inputs if each.error), "")


def _media(value: Any, path: str = "", name: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield (path, kind, text) of every field whose name contains a word for an image, a video or a sound."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _media(each, f"{path}.{key}".lstrip("."), key)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _media(each, f"{path}[{index}]", name)
    elif isinstance(value, str) and not name.endswith(("_id", "_type", "reference", "callback_url")):
        kind = next((kind for word, kind in _KINDS.items() if word in name), "")
        if kind:
            yield path, kind, value


async def _get(entry: Input, url: str) -> Input:
    """Download the whole file. Its size and hash are recorded, its content is not kept."""
    digest, head = hashlib.sha256(), b""
    try:
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as session, session.get(url, allow_redirects=False) as answer:
            entry.status = answer.status
            async for chunk in answer.content.iter_chunked(_CHUNK):
                digest.update(chunk)
                head, entry.bytes = (head + chunk)[:_HEAD], entry.bytes + len(chunk)
    except (aiohttp.ClientError, TimeoutError) as error:
        entry.error = type(error).__name__
        return entry
    entry.head, entry.sha256 = head.hex(), digest.hexdigest()
    if entry.status != 200:
        entry.error = f"the file cannot be fetched: HTTP {entry.status}"
    elif _kind(head) != entry.kind:
        entry.error = f"the file is not a supported {entry.kind}"
    return entry


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _kind(head: bytes) -> str:
    """The kind of a file by its first bytes, for the formats that the provider accepts. Otherwise ""."""
    if head.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")):
        return "image"
    if head.startswith((b"ID3", b"\xff\xfb", b"\xff\xf1", b"\xff\xf3")) or head[8:12] in (b"WAVE", b"M4A "):
        return "audio"
    return "video" if head[4:8] == b"ftyp" else ""
