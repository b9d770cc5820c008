"""Uploads files that are too large for a request to the relay's bucket. The request contains their references."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import typer

from relay.domain.uploads import MEDIA_TYPES
from relay_cli.failures import Refused, Unavailable
from relay_cli.saving import progress_bar
from relay_cli.tables import megabytes
from relay_cli.target import is_loopback

if TYPE_CHECKING:
    from relay_cli.session import Session

_EXTENSIONS = {f".{extension}": media_type for media_type, extension in MEDIA_TYPES.items()} | {".jpeg": "image/jpeg"}
_CHUNK = 262_144  # bytes
_TRIES = 3
_TIMEOUT = 60.0  # seconds
_ALREADY_THERE = 412  # an earlier try succeeded, but its response was lost


def uploader(session: "Session") -> Callable[[Path, str], str]:
    """Return a function that uploads a file and returns its reference. It uploads each file only once.

    The function raises typer.BadParameter for a file type that the relay does not accept, and Failure if the upload fails.
    """
    references: dict[Path, str] = {}

    def upload(path: Path, option: str) -> str:
        if path not in references:
            media_type = _EXTENSIONS.get(path.suffix.lower())
            if media_type is None:
                message = f"{path}: cannot be sent in the request, so it must be uploaded: use a file that ends in "
                raise typer.BadParameter(message + ", ".join(_EXTENSIONS), param_hint=option)
            references[path] = _upload(session, path, media_type)
        return references[path]

    return upload


def _upload(session: "Session", path: Path, media_type: str) -> str:
    size = path.stat().st_size
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    answer = session.api.announce_upload({"media_type": media_type, "bytes": size, "sha256": sha256})
    with progress_bar(session.output, path.name, size) as advance:
        _put(answer["put"], path, advance)
    session.output.print_message(f"uploaded {path} ({megabytes(size)}) as {answer['reference']}", style="dim")
    return str(answer["reference"])


def _put(put: dict[str, Any], path: Path, advance: Callable[[int], None]) -> None:
    """Send the file to a presigned URL, without the relay's key. Raises Refused or, after three tries, Unavailable."""
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
            message = f"{path}: the bucket rejected the upload with HTTP {answer.status_code}"
            raise Refused(message, "the file may have changed during the upload: run the command again")
        failure = f"HTTP {answer.status_code}"
    raise Unavailable(f"{path}: the upload failed: {failure}", "run the command again")


def _chunks(path: Path, advance: Callable[[int], None]) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk
            advance(len(chunk))
