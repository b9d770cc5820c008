"""BulkTransport: httpx's requests over http.client, at half the CPU for each byte of a body: for files, in both directions.

httpx hands a body on in pieces of one TLS record, each through a parser and four generators; here records fill a buffer.
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
"""Bytes handed on at a time; larger pieces save nothing more."""
_RECORD = 16_384
"""What TLS has at a time."""


class BulkTransport(httpx.BaseTransport):
    """One connection for each request, closed after it: a frozen function would find a kept one dead."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self._context = context or verified()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """TLS is verified for `sni_hostname`, when the request has one, whatever address is dialled."""
        seconds = request.extensions.get("timeout", {})
        connection = http.client.HTTPConnection(request.url.host)
        try:
            connection.sock = self._dialled(request, seconds.get("connect"))
            connection.sock.settimeout(seconds.get("read"))
            with _translated(httpx.WriteError, httpx.WriteTimeout), contextlib.suppress(BrokenPipeError):
                _send(connection, request)  # where the pipe is broken the answer says why
            with _translated(httpx.ReadError, httpx.ReadTimeout):
                answer = connection.getresponse()
        except BaseException:
            connection.close()
            raise
        return httpx.Response(answer.status, headers=answer.getheaders(), stream=_Body(connection, answer))

    def _dialled(self, request: httpx.Request, timeout: float | None) -> socket.socket:
        url = request.url
        with _translated(httpx.ConnectError, httpx.ConnectTimeout):
            plain = socket.create_connection((url.host, url.port or {"http": 80}.get(url.scheme, 443)), timeout)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if url.scheme == "http":
                return plain
            return self._context.wrap_socket(plain, server_hostname=request.extensions.get("sni_hostname", url.host))


def _send(connection: http.client.HTTPConnection, request: httpx.Request) -> None:
    """The request; raises LocalProtocolError when its body is not as long as it says, before a byte too many is sent."""
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
        """The next bytes, gathered for a second at most: whoever counts the time of a slow host gets to see each."""
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
    """What sockets and http.client raise, as httpx's own errors."""
    try:
        yield
    except TimeoutError as late:
        raise timeout(str(late)) from late
    except http.client.HTTPException as broken:
        raise httpx.RemoteProtocolError(str(broken)) from broken
    except OSError as failed:
        raise error(str(failed)) from failed
