"""BoundedTransport: an HTTP transport that ends each request at a given time. httpx's own timeouts apply to each read only."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import httpcore
import httpx

from relay.adapters.http.tls import verified

if TYPE_CHECKING:
    from collections.abc import Iterable

_PIECE = 16_384
"""Bytes that are written at a time, one TLS record: a peer that reads slowly gets no new time for each byte."""


class BoundedTransport(httpx.HTTPTransport):
    """Requests end at their extension `until`, a time of `time.monotonic()`. They must be sent and read in one thread.

    `kept`: connections that are kept for later requests; `most`: connections at the same time, None: any number.
    """

    def __init__(self, *, kept: int = 0, most: int | None = None) -> None:
        super().__init__(verify=verified(), trust_env=False)
        self._until = _Until()
        self._pool = httpcore.ConnectionPool(
            ssl_context=verified(),
            max_connections=most,
            max_keepalive_connections=kept,
            keepalive_expiry=5.0,
            network_backend=_BoundedBackend(self._until),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The pool works in this thread, so its connections find the time there."""
        self._until.at = request.extensions.get("until", float("inf"))
        return super().handle_request(request)


class _Until(threading.local):
    """When the request of this thread ends: a kept connection serves requests of several threads."""

    at = float("inf")

    def shorten(self, timeout: float | None, error: type[Exception]) -> float | None:
        """The time for one step, in seconds; raises `error` if nothing is left."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise error("the whole request takes too long")
        if timeout is None:
            return None if left == float("inf") else left
        return min(left, timeout)


class _BoundedBackend(httpcore.NetworkBackend):
    def __init__(self, until: _Until) -> None:
        self._until = until
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        within = self._until.shorten(timeout, httpcore.ConnectTimeout)
        return _BoundedStream(self._backend.connect_tcp(host, port, within, local_address, socket_options), self._until)


class _BoundedStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, until: _Until) -> None:
        self._stream = stream
        self._until = until

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._until.shorten(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _PIECE):
            piece = buffer[start : start + _PIECE]
            self._stream.write(piece, self._until.shorten(timeout, httpcore.WriteTimeout))

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        within = self._until.shorten(timeout, httpcore.ConnectTimeout)
        return _BoundedStream(self._stream.start_tls(ssl_context, server_hostname, within), self._until)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def close(self) -> None:
        self._stream.close()
