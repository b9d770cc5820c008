"""S3ResultStore: result files streamed into the bucket with bounded memory."""

from __future__ import annotations

import hashlib
import itertools
import tempfile
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from relay.adapters.s3.media import sniffed
from relay.adapters.s3.presigned import PresignedGets
from relay.domain.errors import ResultTooLargeError, ResultTypeError
from relay.ports import StoredFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import RawIOBase

    from relay.adapters.http.result_uploads import HttpResultUploads
    from relay.domain.task import Result

_PART = 67_108_864
"""Bytes of a part: S3 takes 10,000 parts, and each request costs as much as storing 200 KB for a month."""
_SINGLE_PUT_LIMIT = 5_368_709_120
_PUT_URL_SECONDS = 900
_PIECE = 262_144
_SNIFF = 16


class S3ResultStore:
    """ResultStore: one presigned PUT if the size is known or small, else a multipart upload.

    The bytes are hashed with SHA-256 while they pass from one connection to the other. A PUT that ends early stores nothing.
    `uploads` is called when the first file is stored, so functions that only need URLs do not load it.
    """

    def __init__(
        self, client: Any, bucket: str, *, largest: int, url_seconds: int, uploads: Callable[[], HttpResultUploads]
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._largest = largest
        self._url_seconds = url_seconds
        self._uploads = uploads
        self._gets = PresignedGets(client)

    def store(self, prefix: str, chunks: Iterator[bytes], *, size: int | None) -> StoredFile:
        """Raises ResultTooLargeError by the announced or the real size, ResultTypeError by the first bytes."""
        if size is not None and size > self._largest:
            raise ResultTooLargeError(f"{size} bytes, more than {self._largest}")
        head = _head(chunks)
        kind = sniffed(head)
        if kind is None:
            raise ResultTypeError("the result is no image, video or audio file")
        media_type, extension = kind
        key = f"{prefix}.{extension}"
        passing = _Passing(head, chunks, self._largest)
        if size is not None and size <= _SINGLE_PUT_LIMIT:
            self._put(key, media_type, iter(passing), size)
        else:
            self._put_spooled(key, media_type, iter(passing))
        return StoredFile(self._bucket, key, passing.count, passing.digest.hexdigest(), media_type)

    def url(self, result: Result, *, seconds: int | None = None) -> str:
        """A presigned GET, valid for `seconds`, by default RESULT_URL_SECONDS."""
        expiry = self._url_seconds if seconds is None else seconds
        return self._gets.url(result.bucket or self._bucket, str(result.key), seconds=expiry)

    def _put(self, key: str, media_type: str, chunks: Iterator[bytes], size: int) -> None:
        url = self._presigned("put_object", Key=key, ContentType=media_type)
        self._uploads().put(url, chunks, size, media_type)

    def _put_spooled(self, key: str, media_type: str, chunks: Iterator[bytes]) -> None:
        """Spool the bytes on disk, one part at a time, since a request must announce its length. A file of one part: one PUT."""
        with tempfile.TemporaryFile(buffering=0) as file:
            spool = cast("RawIOBase", file)
            sizes = _spooled(chunks, spool)
            first = next(sizes)
            if first < _PART:
                self._put(key, media_type, _read(spool), first)
            else:
                self._put_parts(key, media_type, itertools.chain([first], sizes), spool)

    def _put_parts(self, key: str, media_type: str, sizes: Iterator[int], spool: RawIOBase) -> None:
        target = {"Bucket": self._bucket, "Key": key}
        upload = {"Key": key, "UploadId": self._client.create_multipart_upload(**target, ContentType=media_type)["UploadId"]}
        try:
            etags = []
            for number, size in enumerate(sizes, 1):
                url = self._presigned("upload_part", **upload, PartNumber=number)
                etags.append({"PartNumber": number, "ETag": self._uploads().put(url, _read(spool), size, media_type)})
            self._client.complete_multipart_upload(Bucket=self._bucket, **upload, MultipartUpload={"Parts": etags})
        except BaseException:
            self._client.abort_multipart_upload(Bucket=self._bucket, **upload)
            raise

    def _presigned(self, operation: str, **parameters: Any) -> str:
        parameters["Bucket"] = self._bucket
        return str(self._client.generate_presigned_url(operation, Params=parameters, ExpiresIn=_PUT_URL_SECONDS))


class _Passing:
    """Passes the bytes on: counts and hashes them, and raises ResultTooLargeError if there are too many."""

    def __init__(self, head: bytes, chunks: Iterator[bytes], largest: int) -> None:
        self._head = head
        self._chunks = chunks
        self._largest = largest
        self.count = 0
        self.digest = hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        yield self._counted(self._head)
        for chunk in self._chunks:
            yield self._counted(chunk)

    def _counted(self, chunk: bytes) -> bytes:
        self.count += len(chunk)
        if self.count > self._largest:
            raise ResultTooLargeError(f"more than {self._largest} bytes")
        self.digest.update(chunk)
        return chunk


def _head(chunks: Iterator[bytes]) -> bytes:
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= _SNIFF:
            break
    return head


def _spooled(chunks: Iterator[bytes], spool: RawIOBase) -> Iterator[int]:
    """Write one part into the spool and yield its size, then the next one from the start. The last chunk may exceed the part."""
    size = 0
    for chunk in chunks:
        spool.write(chunk)
        size += len(chunk)
        if size >= _PART:
            yield size
            spool.seek(0)
            spool.truncate()
            size = 0
    if size:
        yield size


def _read(spool: RawIOBase) -> Iterator[bytes]:
    spool.seek(0)
    return iter(partial(cast("Callable[[int], bytes]", spool.read), _PIECE), b"")
