"""HttpResultSource: streams result files from the provider's hosts, behind the SSRF guard and with a time limit."""

from __future__ import annotations

import time
import zlib
from typing import TYPE_CHECKING

import httpx

from relay.adapters.http.client import stateless_client
from relay.domain.errors import ResultError, ResultGoneError

if TYPE_CHECKING:
    from collections.abc import Iterator

_TIMEOUT = httpx.Timeout(30, connect=10)
_LONGEST_TRANSFER = 780
"""Seconds for one file: less than the function's 15 minutes, so that the relay can still report the failure."""
_REDIRECTS = 3
_PACKED = frozenset({"gzip", "x-gzip", "deflate"})
_EITHER_FORMAT = 47
"""For zlib: a header of gzip or zlib, whichever comes."""
_PIECE = 262_144
"""Bytes that are unpacked at a time: a small body can hold a thousand times its size."""


class HttpResultSource:
    """ResultSource over a guarded transport."""

    def __init__(self, transport: httpx.BaseTransport, *, longest: float = _LONGEST_TRANSFER) -> None:
        self._client = stateless_client(transport=transport, timeout=_TIMEOUT, follow_redirects=True, max_redirects=_REDIRECTS)
        self._longest = longest

    def open(self, url: str, *, seconds: float | None = None) -> HttpResult:
        """GET the file. HTTP 4xx raises ResultGoneError; any other status but 200, and any failure, raises ResultError.

        No content coding is accepted. A body that is packed all the same is unpacked.
        """
        until = time.monotonic() + min(self._longest, seconds or self._longest)
        try:
            # httpx decodes the host to see whether it needs a Host header, and cannot decode every name that exists.
            headers = {"Accept-Encoding": "identity", "Accept": "*/*", "Host": httpx.URL(url).netloc.decode("ascii")}
            request = self._client.build_request("GET", url, headers=headers, extensions={"until": until})
            response = self._client.send(request, stream=True)
        except ResultError:
            raise
        except Exception as error:  # URLs and hosts come from the provider, and httpx cannot handle every one
            raise ResultError(f"the result cannot be fetched: {type(error).__name__}") from error
        if response.status_code == httpx.codes.OK:
            return HttpResult(response, until)
        response.close()
        kind = ResultGoneError if response.is_client_error else ResultError
        raise kind(f"the result's URL answers HTTP {response.status_code}")


class HttpResult:
    """A result being read."""

    def __init__(self, response: httpx.Response, until: float) -> None:
        self._response = response
        self._until = until

    @property
    def size(self) -> int | None:
        """Content-Length; None if it is missing or not a number, or that of a packed body."""
        if self._is_packed:
            return None
        text = self._response.headers.get("content-length", "")
        return int(text) if text.isdecimal() and len(text) < 16 else None

    def chunks(self) -> Iterator[bytes]:
        """The bytes as they arrive; raises ResultError if the connection ends early or is too slow."""
        raw = self._response.iter_raw()
        try:
            for chunk in _unpacked(raw) if self._is_packed else raw:
                if time.monotonic() > self._until:
                    raise ResultError("the result comes too slowly")
                yield chunk
        except (httpx.HTTPError, zlib.error) as error:
            raise ResultError(f"the result broke off: {type(error).__name__}") from error

    @property
    def _is_packed(self) -> bool:
        return self._response.headers.get("content-encoding", "").strip().lower() in _PACKED

    def __enter__(self) -> HttpResult:
        return self

    def __exit__(self, *error: object) -> None:
        self._response.close()


def _unpacked(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The content of a packed body, in bounded pieces; raises ResultError if it ends early."""
    unpacker = zlib.decompressobj(_EITHER_FORMAT)
    for chunk in chunks:
        rest = chunk
        while rest and not unpacker.eof:
            if piece := unpacker.decompress(rest, _PIECE):
                yield piece
            rest = unpacker.unconsumed_tail
    if piece := unpacker.flush():
        yield piece
    if not unpacker.eof:
        raise ResultError("the result broke off: its packed content has no end")
