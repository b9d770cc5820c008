"""Result files on this machine: streamed beside their place, checked against the relay's SHA-256, then moved there."""

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import httpx

from relay_cli.failures import NotFound, Unavailable
from relay_cli.target import is_loopback

_TRIES = 3
_TIMEOUT = 60.0
_EXTENSIONS = {"image": ".png", "video": ".mp4", "audio": ".mp3"}


@dataclass(frozen=True, slots=True)
class Saved:
    """A downloaded file; `verified`: the relay knew its SHA-256, and it is that."""

    path: Path
    kind: str
    bytes: int
    sha256: str
    verified: bool

    def document(self) -> dict[str, Any]:
        """As --json shows it."""
        return {**asdict(self), "path": str(self.path)}


def place_of(task: dict[str, Any], number: int, folder: Path) -> Path:
    """`{folder}/{task_id}-{number}{extension}`, the extension as in the result's URL."""
    result = task["results"][number]
    suffix = PurePosixPath(urlsplit(result["url"]).path).suffix.lower()
    known = suffix[1:].isalnum() and len(suffix) <= 5
    return folder / f"{task['task_id']}-{number}{suffix if known else _EXTENSIONS.get(result['kind'], '')}"


def save(result: dict[str, Any], path: Path, *, advance: Callable[[int], None]) -> Saved:
    """Download one result, unless it is there; `advance` hears of bytes. Raises Unavailable, or NotFound for a dead URL."""
    expected = result.get("sha256")
    if expected and path.is_file() and _digest(path) == expected:
        advance(path.stat().st_size)
        return Saved(path, result["kind"], path.stat().st_size, expected, verified=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    for remaining in reversed(range(_TRIES)):
        try:
            size, digest = _fetched(result["url"], partial, advance)
        except httpx.TransportError as error:
            if not remaining:
                raise Unavailable(f"{path.name}: the download broke off: {error or type(error).__name__}", "try again") from None
            continue
        if expected and digest != expected:
            partial.unlink()
            raise Unavailable(f"{path.name}: SHA-256 {digest}, expected {expected}", "try again")
        partial.replace(path)
        return Saved(path, result["kind"], size, digest, verified=bool(expected))
    raise AssertionError("unreachable")


def _fetched(url: str, partial: Path, advance: Callable[[int], None]) -> tuple[int, str]:
    """Size and SHA-256 of what came. The key stays at home: the URL is presigned, or the provider's."""
    size, digest = 0, hashlib.sha256()
    with httpx.stream("GET", url, timeout=_TIMEOUT, follow_redirects=True, trust_env=not is_loopback(url)) as response:
        if response.is_error:
            kind = NotFound if response.status_code < 500 else Unavailable
            raise kind(f"the result's URL answers HTTP {response.status_code}", "ask for the task again: its URLs are made anew")
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


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
