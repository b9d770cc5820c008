"""HttpResultSource: streams result files from the provider's hosts, behind the SSRF guard and with a time limit."""

from __future__ import annotations

import time
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


class HttpResultSource:
    """ResultSource over a guarded transport."""

    def __init__(self, transport: httpx.BaseTransport, *, longest: float = _LONGEST_TRANSFER) -> None:
        self._client = stateless_client(transport=transport, timeout=_TIMEOUT, follow_redirects=True, max_redirects=_REDIRECTS)
        self._longest = longest

    def open(self, url: str, *, seconds: float | None = None) -> HttpResult:
        """GET the file without content coding. HTTP 4xx raises ResultGoneError; any other status but 200 raises ResultError."""
        until = time.monotonic() + min(self._longest, seconds or self._longest)
        try:
            # httpx decodes the host to see whether it needs a Host header, and cannot decode every name that exists.
            headers = {"Accept-Encoding": "identity", "Accept": "*/*", "Host": httpx.URL(url).netloc.decode("ascii")}
            request = self._client.build_request("GET", url, headers=headers)
            response = self._client.send(request, stream=True)
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
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
        """Content-Length; None if it is missing or not a number."""
        text = self._response.headers.get("content-length", "")
        return int(text) if text.isdecimal() and len(text) < 16 else None

    def chunks(self) -> Iterator[bytes]:
        """The bytes as they arrive; raises ResultError if the connection ends early or is too slow."""
        try:
            for chunk in self._response.iter_raw():
                if time.monotonic() > self._until:
                    raise ResultError("the result comes too slowly")
                yield chunk
        except httpx.HTTPError as error:
            raise ResultError(f"the result broke off: {type(error).__name__}") from error

    def __enter__(self) -> HttpResult:
        return self

    def __exit__(self, *error: object) -> None:
        self._response.close()
