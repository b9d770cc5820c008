"""Downloads result files. A file is written under a temporary name, checked against the stored SHA-256, then renamed."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import httpx

from relay_cli.failures import Failure, NotFound, Unavailable
from relay_cli.target import is_loopback

_TRIES = 3
_TIMEOUT = 60.0  # seconds
_TASK_ID = re.compile("[0-9a-f]{32}")
_EXTENSIONS = {"image": ".png", "video": ".mp4", "audio": ".mp3"}


@dataclass(frozen=True, slots=True)
class SavedFile:
    """A downloaded file. `verified` is true if the relay knew its SHA-256 and it matches."""

    path: Path
    kind: str
    bytes: int
    sha256: str
    verified: bool

    def document(self) -> dict[str, Any]:
        """Return what --json prints."""
        return {**asdict(self), "path": str(self.path)}


def path_of(task: dict[str, Any], number: int, folder: Path) -> Path:
    """Return `{folder}/{task_id}-{number}{extension}`. The extension comes from the result's URL, or else from its kind.

    Raises Failure if the id is not one of a relay: it could lead out of the folder.
    """
    if not _TASK_ID.fullmatch(task["task_id"]):
        raise Failure(f"{task['task_id'][:80]!r} is not the id of a task", "check that the URL is that of a relay")
    result = task["results"][number]
    suffix = PurePosixPath(urlsplit(result["url"]).path).suffix.lower()
    known = suffix.isascii() and suffix[1:].isalnum() and len(suffix) <= 5
    return folder / f"{task['task_id']}-{number}{suffix if known else _EXTENSIONS.get(result['kind'], '')}"


def save_file(result: dict[str, Any], path: Path, *, advance: Callable[[int], None]) -> SavedFile:
    """Download one result, unless the file is already there with the right SHA-256.

    `advance` receives the number of bytes of each chunk. Raises NotFound if the URL no longer works, and Unavailable if the
    download fails three times or the bytes do not match.
    """
    expected = result.get("sha256")
    if expected and path.is_file() and _file_digest(path) == expected:
        advance(path.stat().st_size)
        return SavedFile(path, result["kind"], path.stat().st_size, expected, verified=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    for remaining in reversed(range(_TRIES)):
        try:
            size, digest = _fetch(result["url"], partial, advance)
        except httpx.TransportError as error:
            if not remaining:
                message = f"{path.name}: the download was interrupted: {error or type(error).__name__}"
                raise Unavailable(message, "run the command again") from None
            continue
        if expected and digest != expected:
            partial.unlink()
            raise Unavailable(f"{path.name}: its SHA-256 is {digest}, expected {expected}", "run the command again")
        partial.replace(path)
        return SavedFile(path, result["kind"], size, digest, verified=bool(expected))
    raise AssertionError("unreachable")


def _fetch(url: str, partial: Path, advance: Callable[[int], None]) -> tuple[int, str]:
    """Write the content of a URL to `partial`; return its size in bytes and its SHA-256.

    The request carries no relay key: the URL is presigned or belongs to the provider.
    """
    size, digest = 0, hashlib.sha256()
    with httpx.stream("GET", url, timeout=_TIMEOUT, follow_redirects=True, trust_env=not is_loopback(url)) as response:
        if response.is_error:
            kind = NotFound if response.status_code < 500 else Unavailable
            message = f"the URL of the result returned HTTP {response.status_code}"
            raise kind(message, "run the command again: it fetches a new URL")
        with partial.open("wb") as file:
            try:
                for chunk in response.iter_bytes():
                    file.write(chunk)
                    digest.update(chunk)
                    size += len(chunk)
                    advance(len(chunk))
            except httpx.TransportError:
                advance(-size)
                raise
    return size, digest.hexdigest()


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
