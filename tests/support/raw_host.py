"""A host on loopback that answers with any bytes, at any pace."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

type Behaviour = Callable[[socket.socket, bytes], None]
"""What the host does with a connection and the head of its request."""
HEAD = b"HTTP/1.1 200 OK\r\n"


@contextmanager
def host(behaviour: Behaviour, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """A host for one connection: it reads the request's head, then does as it is told."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            plain, _ = listener.accept()
            try:
                with context.wrap_socket(plain, server_side=True) if context else plain as connection:
                    head = b""
                    while b"\r\n\r\n" not in head and (piece := connection.recv(65_536)):
                        head += piece
                    behaviour(connection, head)
            except OSError:
                plain.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"{'https' if context else 'http'}://127.0.0.1:{listener.getsockname()[1]}/a.mp4?sign=1%2F2"
        thread.join(10)


def answering(*pieces: bytes) -> Behaviour:
    """Send these bytes."""
    return lambda connection, _head: connection.sendall(b"".join(pieces))


def dripping(first: bytes, piece: bytes, *, pause: float = 0.01, most: int = 600) -> Behaviour:
    """Send `piece` again and again until the peer hangs up; after `most` of them close the connection."""
    over = threading.Event()

    def drip(connection: socket.socket, _head: bytes) -> None:
        with suppress(OSError):
            connection.sendall(first)
            for _ in range(most):
                connection.sendall(piece)
                over.wait(pause)

    return drip
