"""A client's endpoint on the address by which containers reach this machine."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer


class Receiver:
    """Takes every webhook, and keeps its id."""

    def __init__(self, address: str) -> None:
        taken: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                taken.append(self.headers["webhook-id"])
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name for it
                """Nothing on standard error."""

        self._server = HTTPServer((address, 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.taken = taken
        self.url = f"http://{address}:{self._server.server_port}/webhooks"

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
