"""HttpResultUploads: the bytes of a result, PUT to a presigned URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from relay.adapters.http.client import stateless_client
from relay.domain.errors import ResultError

if TYPE_CHECKING:
    from collections.abc import Iterator

_TIMEOUT = httpx.Timeout(60, connect=10)


class HttpResultUploads:
    """PUT requests over a transport for large bodies."""

    def __init__(self, transport: httpx.BaseTransport) -> None:
        self._client = stateless_client(transport=transport, timeout=_TIMEOUT)

    def put(self, url: str, chunks: Iterator[bytes], size: int, media_type: str) -> str:
        """PUT exactly `size` bytes; returns the ETag, raises ResultError."""
        headers = {"Content-Length": str(size), "Content-Type": media_type}
        try:
            answer = self._client.put(url, content=chunks, headers=headers)
        except httpx.LocalProtocolError as error:
            raise ResultError(f"the result has not the {size} bytes that were announced") from error
        except httpx.HTTPError as error:
            raise ResultError(f"the bucket did not take the result: {type(error).__name__}") from error
        if answer.status_code != httpx.codes.OK:
            raise ResultError(f"the bucket did not take the result: HTTP {answer.status_code}")
        return str(answer.headers.get("etag", ""))
