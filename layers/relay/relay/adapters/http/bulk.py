"""BulkTransport: sends httpx's requests with http.client, to transfer files in both directions with half the CPU per byte.

httpx passes each TLS record of a body through a parser and four generators. Here records are collected in a buffer first.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import time
from typing import TYPE_CHECKING, cast

import httpx

from relay.adapters.http.tls import verified

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

_PIECE = 262_144
"""Bytes per piece of a body; larger pieces save nothing more."""
_RECORD = 16_384
"""The largest TLS record, in bytes."""


class BulkTransport(httpx.BaseTransport):
    """Opens one connection for each request and closes it after the response: a kept one would be dead after Lambda froze it."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self._context = context or verified()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Verify TLS for the extension `sni_hostname` if the request has it, independently of the dialled address."""
        seconds = request.extensions.get("timeout", {})
        connection = http.client.HTTPConnection(request.url.host)
        try:
            connection.sock = self._dialled(request, seconds.get("connect"))
            connection.sock.settimeout(seconds.get("read"))
            with _translated(httpx.WriteError, httpx.WriteTimeout), contextlib.suppress(BrokenPipeError):
                _send(connection, request)  # if the server closed the connection early, its response says why
            with _translated(httpx.ReadError, httpx.ReadTimeout):
                answer = connection.getresponse()
        except BaseException:
            connection.close()
            raise
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.getheaders()]  # the bytes as sent
        return httpx.Response(answer.status, headers=headers, stream=_Body(connection, answer))

    def _dialled(self, request: httpx.Request, timeout: float | None) -> socket.socket:
        url = request.url
        with _translated(httpx.ConnectError, httpx.ConnectTimeout):
            plain = socket.create_connection((url.host, url.port or {"http": 80}.get(url.scheme, 443)), timeout)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if url.scheme == "http":
                return plain
            return self._context.wrap_socket(plain, server_hostname=request.extensions.get("sni_hostname", url.host))


def _send(connection: http.client.HTTPConnection, request: httpx.Request) -> None:
    """Send the request. Raises LocalProtocolError if the body has another length than announced; no byte too many is sent."""
    connection.putrequest(request.method, request.url.raw_path.decode(), skip_host=True, skip_accept_encoding=True)
    for name, value in request.headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    left = int(request.headers.get("content-length", 0))
    for piece in cast("httpx.SyncByteStream", request.stream):
        left -= len(piece)
        if left < 0:
            raise httpx.LocalProtocolError("Too much data for declared Content-Length")
        connection.send(piece)
    if left:
        raise httpx.LocalProtocolError("Too little data for declared Content-Length")


class _Body(httpx.SyncByteStream):
    def __init__(self, connection: http.client.HTTPConnection, answer: http.client.HTTPResponse) -> None:
        self._connection = connection
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        with _translated(httpx.ReadError, httpx.ReadTimeout):
            while piece := self._piece():
                yield piece
            if self._answer.length:
                raise http.client.IncompleteRead(b"", self._answer.length)

    def _piece(self) -> bytes:
        """The next bytes, collected for at most a second, so that the caller can end a slow transfer in time."""
        records: list[bytes] = []
        size, until = 0, time.monotonic() + 1
        while size < _PIECE and time.monotonic() < until and (record := self._answer.read1(_RECORD)):
            records.append(record)
            size += len(record)
        return b"".join(records)

    def close(self) -> None:
        self._answer.close()
        self._connection.close()


@contextlib.contextmanager
def _translated(error: type[httpx.TransportError], timeout: type[httpx.TransportError]) -> Iterator[None]:
    """Translate the errors of sockets and http.client into httpx's."""
    try:
        yield
    except TimeoutError as late:
        raise timeout(str(late)) from late
    except http.client.HTTPException as broken:
        raise httpx.RemoteProtocolError(str(broken)) from broken
    except OSError as failed:
        raise error(str(failed)) from failed
