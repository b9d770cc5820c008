"""API Gateway and Lambda in front of a MotoWorld, as an HTTP server for the command line."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.support.moto_world import Json, MotoWorld, event
from tests.support.serving import serving

_INVOKE = "/2015-03-31/functions/"


@dataclass(frozen=True, slots=True)
class Request:
    """One request of the command line."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Front:
    """Answers the requests. Requests are numbered from 1."""

    def __init__(self, url: str, world: MotoWorld) -> None:
        self.url = url
        self.world = world
        self.requests: list[Request] = []
        self.before: Callable[[Request], None] = lambda _: None
        """Called before each request; a test can change the world here."""
        self.lost: frozenset[int] = frozenset()
        """Numbers of the requests whose responses are lost."""
        self.instead: dict[int, tuple[int, bytes]] = {}
        """Responses, by the number of the request, that replace the relay's own; such a request never reaches the relay."""

    def answer(self, request: Request) -> tuple[int, bytes] | None:
        """Return the status and body; None closes the connection without a response."""
        self.before(request)
        self.requests.append(request)
        number = len(self.requests)
        if number in self.instead:
            return self.instead[number]
        if request.path.startswith(_INVOKE):
            return 200, json.dumps(
                self._invoke(request.path.removeprefix(_INVOKE).split("/")[0], json.loads(request.body))
            ).encode()
        raw = self._gateway(request)
        return None if number in self.lost else (raw["statusCode"], raw["body"].encode())

    def _invoke(self, name: str, payload: Json) -> Any:
        function = {"fn-ReceiveCallback": "receive_callback", "fn-ReconcileTasks": "reconcile_tasks"}[name]
        return self.world.call(function, payload)

    def _gateway(self, request: Request) -> Json:
        parts, creates = urlsplit(request.path), request.method == "POST"
        path = unquote(parts.path)
        payload = event("submit_task.text2video" if creates else "query_tasks.tasks")
        payload["rawPath"], payload["rawQueryString"] = path, parts.query
        payload["queryStringParameters"] = dict(parse_qsl(parts.query))
        payload["requestContext"]["http"] |= {"method": request.method, "path": path}
        payload["headers"], payload["pathParameters"] = request.headers, {}
        payload["body"], payload["isBase64Encoded"] = base64.b64encode(request.body).decode(), True
        if path.startswith("/callbacks/"):
            task_id, token = path.split("/")[2:4]
            payload["pathParameters"] = {"task_id": task_id, "token": token}
            return self.world.call("receive_callback", payload)
        authorized = self.world.call("authorize", {**event("authorize.known"), "headers": request.headers})
        payload["requestContext"]["authorizer"] = {"lambda": authorized["context"]}
        function = "submit_task" if creates else "query_tasks"
        function = "cancel_task" if request.method == "DELETE" else function
        return self.world.call(function, payload)


@contextmanager
def front(world: MotoWorld) -> Iterator[Front]:
    """Start the server on a free port of 127.0.0.1."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    made = Front(f"http://127.0.0.1:{server.server_port}", world)
    server.front = made  # type: ignore[attr-defined]
    with serving(server):
        yield made


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server.front.answer(Request(self.command, self.path, headers, body))  # type: ignore[attr-defined]
        self.close_connection = True
        if answer is None:
            return
        status, content = answer
        self.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(content)),
            "Connection": "close",
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_DELETE = _serve  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Log nothing."""
