"""BulkTransport: sends httpx's requests with http.client, to transfer files in both directions with half the CPU per byte.

httpx passes each TLS record of a body through a parser and four generators. Here records are collected in a buffer first.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import time
from typing import TYPE_CHECKING, Any, cast

import httpx

from relay.adapters.http.tls import verified

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

_PIECE = 262_144
"""Bytes per piece of a body; larger pieces save nothing more."""
_RECORD = 16_384
"""The largest TLS record, in bytes."""
_NO_ADDRESS = "unused"
"""http.client reads a port from an IPv6 address. The connection is opened here, so it needs no address."""


class BulkTransport(httpx.BaseTransport):
    """Opens one connection for each request and closes it after the response: a kept one would be dead after Lambda froze it."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self._context = context or verified()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Verify TLS for the extension `sni_hostname` if the request has it, independently of the dialled address.

        The extension `until`, a time of `time.monotonic()`, bounds the exchange as a whole.
        """
        seconds = request.extensions.get("timeout", {})
        until = request.extensions.get("until", float("inf"))
        connection = http.client.HTTPConnection(_NO_ADDRESS)
        connection.response_class = _FinalResponse
        try:
            with _translated(httpx.ConnectError, httpx.ConnectTimeout):
                dialled = self._dialled(request, _shorter(seconds.get("connect"), until))
            connection.sock = cast("socket.socket", _BoundedSocket(dialled, seconds.get("read"), until))
            with _translated(httpx.WriteError, httpx.WriteTimeout), contextlib.suppress(BrokenPipeError):
                _send(connection, request)  # if the server closed the connection early, its response says why
            with _translated(httpx.ReadError, httpx.ReadTimeout):
                answer = connection.getresponse()
                headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.getheaders()]  # as sent
                return httpx.Response(answer.status, headers=headers, stream=_Body(connection, answer))
        except BaseException:
            connection.close()
            raise

    def _dialled(self, request: httpx.Request, timeout: float | None) -> socket.socket:
        url = request.url
        plain = socket.create_connection((url.host, url.port or {"http": 80}.get(url.scheme, 443)), timeout)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if url.scheme == "http":
            return plain
        return self._context.wrap_socket(plain, server_hostname=request.extensions.get("sni_hostname", url.host))


class _FinalResponse(http.client.HTTPResponse):
    """The response after all informational ones; http.client itself passes over HTTP 100 only."""

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            line: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]
            if not 100 <= line[1] < 200:
                return line
            http.client.parse_headers(self.fp)


class _BoundedSocket:
    """What http.client needs of a socket. Each read or write takes at most `seconds`, and all of them end at `until`."""

    def __init__(self, inner: socket.socket, seconds: float | None, until: float) -> None:
        self._inner = inner
        self._seconds = seconds
        self._until = until
        inner.settimeout(seconds)

    def sendall(self, data: bytes) -> None:
        self._shorten()
        self._inner.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reads(self._inner.makefile("rb", buffering=0), self._shorten))

    def close(self) -> None:
        self._inner.close()

    def _shorten(self) -> None:
        left = _shorter(self._seconds, self._until)
        if left != self._seconds:
            self._inner.settimeout(left)


class _Reads(io.RawIOBase):
    """Reads `inner`, after `before` each time. It keeps the socket open, which http.client closes before the body is read."""

    def __init__(self, inner: io.RawIOBase, before: Callable[[], None]) -> None:
        self._raw = inner
        self._before = before

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._before()
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _shorter(seconds: float | None, until: float) -> float | None:
    """The time for one step: `seconds` (None: any time), or what is left. Raises TimeoutError if nothing is left."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("the whole request takes too long")
    if seconds is None:
        return None if left == float("inf") else left
    return min(seconds, left)


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
    except ValueError as unreadable:  # of http.client for some headers, of TLS for some host names
        raise httpx.RemoteProtocolError(type(unreadable).__name__) from unreadable
