"""One host on loopback that plays every peer: the provider, the result hosts and the clients' endpoints.

The peers of the simulation take the places of the HTTP clients, so what peers do by HTTP itself is tried here: cookies, heads
without an end, headers of any bytes.
"""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from socketserver import BaseRequestHandler, ThreadingTCPServer

from tests.support.serving import serving

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_PAUSE = 0.02
_MOST_DROPS = 150


@dataclass
class Host:
    """`responses` are sent first, then `PLAIN`; `drops`: what follows the next response, again and again."""

    port: int
    responses: list[bytes] = field(default_factory=list)
    drops: bytes = b""
    is_endured: bool = False
    """A client has taken all that dropped: no time limit ended its request."""
    heads: list[bytes] = field(default_factory=list)

    def url(self, name: str = "127.0.0.1") -> str:
        """A base URL at this host."""
        return f"http://{name}:{self.port}"

    def reset(self) -> None:
        """Without prepared responses and seen requests."""
        self.responses, self.drops, self.heads, self.is_endured = [], b"", [], False


@contextmanager
def hosting() -> Iterator[Host]:
    """A host in a thread; each connection serves one request."""

    class Server(ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = 100

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                _serve(self.request, host)

    with Server(("127.0.0.1", 0), Handler) as server:
        host = Host(server.server_address[1])
        with serving(server):
            yield host


def _serve(connection: socket.socket, host: Host) -> None:
    head, end, body = b"", b"", b""
    while not end:
        piece = connection.recv(65_536)
        if not piece:
            return
        head, end, body = (head + piece).partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    left = int(length[1]) - len(body) if length else 0
    while left > 0 and (piece := connection.recv(1_048_576)):
        left -= len(piece)
    host.heads.append(head)
    drops, host.drops = host.drops, b""
    connection.sendall(host.responses.pop(0) if host.responses else PLAIN)
    pause = threading.Event()
    for _ in range(_MOST_DROPS if drops else 0):
        connection.sendall(drops)
        pause.wait(_PAUSE)
    host.is_endured |= bool(drops)
