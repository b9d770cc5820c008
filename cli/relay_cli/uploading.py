"""Files that are too large for a request: put into the relay's bucket, and referred to."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import typer

from relay.domain.uploads import MEDIA_TYPES
from relay_cli.failures import Refused, Unavailable
from relay_cli.saving import bar
from relay_cli.tables import megabytes
from relay_cli.target import is_loopback

if TYPE_CHECKING:
    from relay_cli.session import Session

_EXTENSIONS = {f".{extension}": media_type for media_type, extension in MEDIA_TYPES.items()} | {".jpeg": "image/jpeg"}
_CHUNK = 262_144
_TRIES = 3
_TIMEOUT = 60.0
_ALREADY_THERE = 412  # an earlier try arrived, its answer did not


def uploader(session: "Session") -> Callable[[Path, str], str]:
    """A function that uploads a file and returns its reference; each file once."""
    known: dict[Path, str] = {}

    def upload(path: Path, hint: str) -> str:
        if path not in known:
            media_type = _EXTENSIONS.get(path.suffix.lower())
            if media_type is None:
                told = f"{path}: too large to be sent inline, and to be uploaded it must end in {', '.join(_EXTENSIONS)}"
                raise typer.BadParameter(told, param_hint=hint)
            known[path] = _uploaded(session, path, media_type)
        return known[path]

    return upload


def _uploaded(session: "Session", path: Path, media_type: str) -> str:
    size = path.stat().st_size
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    answer = session.api.announce_upload({"media_type": media_type, "bytes": size, "sha256": sha256})
    with bar(session.output, path.name, size) as advance:
        _put(answer["put"], path, advance)
    session.output.story(f"uploaded {path} ({megabytes(size)}) as {answer['reference']}", style="dim")
    return str(answer["reference"])


def _put(put: dict[str, Any], path: Path, advance: Callable[[int], None]) -> None:
    """The key stays at home: the URL is presigned."""
    url, failure = put["url"], ""
    for _ in range(_TRIES):
        try:
            content = _chunks(path, advance)
            answer = httpx.put(url, headers=put["headers"], content=content, timeout=_TIMEOUT, trust_env=not is_loopback(url))
        except httpx.TransportError as error:
            failure = str(error) or type(error).__name__
            continue
        if answer.is_success or answer.status_code == _ALREADY_THERE:
            return
        if not answer.is_server_error:
            raise Refused(f"{path}: the bucket refuses the upload: HTTP {answer.status_code}", "has the file changed meanwhile?")
        failure = f"HTTP {answer.status_code}"
    raise Unavailable(f"{path}: the upload broke off: {failure}", "try again")


def _chunks(path: Path, advance: Callable[[int], None]) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk
            advance(len(chunk))
