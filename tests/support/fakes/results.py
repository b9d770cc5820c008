"""FakeResultSource and FakeResultStore: result files as bytes in dictionaries."""

import hashlib
from collections.abc import Iterator
from typing import Self

from relay.adapters.s3.media import sniffed
from relay.domain.errors import ResultError, ResultGoneError, ResultTooLargeError, ResultTypeError
from relay.domain.task import Result
from relay.ports import StoredFile
from tests.support.fakes.documents import BUCKET

_CHUNK = 1000
PNG = b"\x89PNG\r\n\x1a\n" + bytes(4000)
MP4 = b"\x00\x00\x00\x18ftypisom" + bytes(9000)
MP3 = b"ID3\x04" + bytes(2000)


class FakeOpenResult:
    """OpenResult; `breaks_after` bytes the connection fails."""

    def __init__(self, body: bytes, size: int | None, breaks_after: int | None) -> None:
        self._body = body
        self._size = size
        self._breaks_after = breaks_after

    @property
    def size(self) -> int | None:
        """As announced, whether true or not."""
        return self._size

    def chunks(self) -> Iterator[bytes]:
        """A thousand bytes at a time."""
        for start in range(0, len(self._body), _CHUNK):
            if self._breaks_after is not None and start >= self._breaks_after:
                raise ResultError("the connection broke off")
            yield self._body[start : start + _CHUNK]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        return None


class FakeResultSource:
    """ResultSource: `files` by URL, in their place an error to raise; `sizes` announced otherwise than true; `breaks` by URL."""

    def __init__(self) -> None:
        self.files: dict[str, bytes | ResultError] = {}
        self.sizes: dict[str, int | None] = {}
        self.breaks: dict[str, int] = {}
        self.opened: list[str] = []

    def open(self, url: str, *, seconds: float | None = None) -> FakeOpenResult:  # noqa: ARG002 - it takes no time
        """A URL that nobody knows is dead."""
        self.opened.append(url)
        body = self.files.get(url, ResultGoneError("HTTP 404"))
        if isinstance(body, ResultError):
            raise body
        return FakeOpenResult(body, self.sizes.get(url, len(body)), self.breaks.get(url))


class FakeResultStore:
    """ResultStore: `files` by key. Nothing is left of a failure."""

    def __init__(self, largest: int = 1_000_000) -> None:
        self.files: dict[str, bytes] = {}
        self._largest = largest

    def store(self, prefix: str, chunks: Iterator[bytes], *, size: int | None) -> StoredFile:
        """The same refusals as the bucket's."""
        body = b"".join(chunks)
        if max(len(body), size or 0) > self._largest:
            raise ResultTooLargeError(f"more than {self._largest} bytes")
        kind = sniffed(body[:16])
        if kind is None:
            raise ResultTypeError("the result is no image, video or audio file")
        if size is not None and size != len(body):
            raise ResultError(f"the result has not the {size} bytes that were announced")
        media_type, extension = kind
        key = f"{prefix}.{extension}"
        self.files[key] = body
        return StoredFile(BUCKET, key, len(body), hashlib.sha256(body).hexdigest(), media_type)

    def url(self, result: Result, *, seconds: int | None = None) -> str:  # noqa: ARG002 - no signature ends
        """Recognisably signed."""
        return f"https://{result.bucket}.example/{result.key}?signature"
