"""A callback receiver for the tests. It stores what was posted and responds with the status set in `status`."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast


@dataclass
class Receiver:
    """The received callbacks, in order. `status` is the response's status, `location` the target of a redirect."""

    url: str = ""
    status: int = 200
    location: str = ""
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    @property
    def statuses(self) -> list[str]:
        """The task_status of each callback."""
        return [json.loads(body)["task_status"] for body in self.bodies]

    @property
    def callbacks(self) -> list[dict[str, Any]]:
        """Each callback, parsed."""
        return [json.loads(body) for body in self.bodies]


class _Server(ThreadingHTTPServer):
    receiver: Receiver


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        receiver = cast("_Server", self.server).receiver
        receiver.headers.append({name.lower(): value for name, value in self.headers.items()})
        receiver.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(receiver.status)
        self.send_header("Content-Length", "0")
        if receiver.location:
            self.send_header("Location", receiver.location)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on a free loopback port."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.receiver = Receiver(url=f"http://127.0.0.1:{server.server_address[1]}/callback")
        thread = threading.Thread(target=server.serve_forever, args=(0.005,))
        thread.start()
        try:
            yield server.receiver
        finally:
            server.shutdown()
            thread.join()
