"""S3ResultStore: result files streamed into the bucket with bounded memory."""

import hashlib
from collections.abc import Iterator
from typing import Any

import httpx

from relay.adapters.media import sniffed
from relay.domain.errors import ResultError, ResultTooLargeError, ResultTypeError
from relay.domain.task import Result
from relay.ports import StoredFile

_PART = 33_554_432
_SINGLE_PUT_LIMIT = 5_368_709_120
_PUT_URL_SECONDS = 900
_UPLOAD_TIMEOUT = httpx.Timeout(60, connect=10)
_SNIFF = 16


class S3ResultStore:
    """ResultStore: one presigned PUT where the size is known, parts of 32 MiB where it is not.

    The bytes go from the one connection to the other, through SHA-256; a PUT that ends early leaves nothing behind.
    """

    def __init__(
        self,
        client: Any,
        bucket: str,
        *,
        largest: int,
        url_seconds: int,
        http: httpx.Client | None = None,
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._largest = largest
        self._url_seconds = url_seconds
        # One TLS context; no connection is kept, since a frozen function would find it dead.
        self._http = http or httpx.Client(
            timeout=_UPLOAD_TIMEOUT, limits=httpx.Limits(max_keepalive_connections=0), trust_env=False
        )

    def store(self, prefix: str, chunks: Iterator[bytes], *, size: int | None) -> StoredFile:
        """Raises ResultTooLargeError by the announced size or the real one, ResultTypeError by the first bytes."""
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
            self._put(key, media_type, passing, size)
        else:
            self._put_parts(key, media_type, passing)
        return StoredFile(self._bucket, key, passing.count, passing.digest.hexdigest(), media_type)

    def url(self, result: Result) -> str:
        """A presigned GET, good for RESULT_URL_SECONDS."""
        parameters = {"Bucket": result.bucket, "Key": result.key}
        return str(self._client.generate_presigned_url("get_object", Params=parameters, ExpiresIn=self._url_seconds))

    def _put(self, key: str, media_type: str, passing: "_Passing", size: int) -> None:
        url = self._presigned("put_object", Key=key, ContentType=media_type)
        self._send(url, iter(passing), size, media_type)

    def _put_parts(self, key: str, media_type: str, passing: "_Passing") -> None:
        target = {"Bucket": self._bucket, "Key": key}
        upload = {"Key": key, "UploadId": self._client.create_multipart_upload(**target, ContentType=media_type)["UploadId"]}
        try:
            etags = []
            for number, (chunks, size) in enumerate(_parts(iter(passing)), 1):
                url = self._presigned("upload_part", **upload, PartNumber=number)
                etags.append({"PartNumber": number, "ETag": self._send(url, iter(chunks), size, media_type)})
            self._client.complete_multipart_upload(Bucket=self._bucket, **upload, MultipartUpload={"Parts": etags})
        except BaseException:
            self._client.abort_multipart_upload(Bucket=self._bucket, **upload)
            raise

    def _presigned(self, operation: str, **parameters: Any) -> str:
        parameters["Bucket"] = self._bucket
        return str(self._client.generate_presigned_url(operation, Params=parameters, ExpiresIn=_PUT_URL_SECONDS))

    def _send(self, url: str, chunks: Iterator[bytes], size: int, media_type: str) -> str:
        """PUT exactly `size` bytes; returns the ETag."""
        headers = {"Content-Length": str(size), "Content-Type": media_type}
        try:
            answer = self._http.put(url, content=chunks, headers=headers)
        except httpx.LocalProtocolError as error:
            raise ResultError(f"the result has not the {size} bytes that were announced") from error
        except httpx.HTTPError as error:
            raise ResultError(f"the bucket did not take the result: {type(error).__name__}") from error
        if answer.status_code != httpx.codes.OK:
            raise ResultError(f"the bucket did not take the result: HTTP {answer.status_code}")
        return str(answer.headers.get("etag", ""))


class _Passing:
    """The bytes on their way: counted, hashed, and stopped when they are too many."""

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


def _parts(chunks: Iterator[bytes]) -> Iterator[tuple[list[bytes], int]]:
    """Runs of chunks of a part's size, with the size: a part must be as long as it says, so it waits until it is whole."""
    part: list[bytes] = []
    size = 0
    for chunk in chunks:
        part.append(chunk)
        size += len(chunk)
        if size >= _PART:
            yield part, size
            part.clear()  # the same list again: the bytes that are sent must go before others come
            size = 0
    if part:
        yield part, size
