"""The outside world on loopback: the provider's API, its result hosts and the clients' endpoints, each answer set by the test."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.serving import serving

CREATED_AT = 1_722_769_557_708
type Answer = tuple[int, Any]


@dataclass(frozen=True, kw_only=True)
class File:
    """A result file. `announced`: another Content-Length than the real one; None in `length`: sent in chunks."""

    body: bytes = b""
    status: int = 200
    announced: int | None = None
    chunked: bool = False
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sent:
    """A request that arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook that arrived at a client's endpoint."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def task(self) -> dict[str, Any]:
        """The task object."""
        found: dict[str, Any] = json.loads(self.body)
        return found


class Upstream:
    """What the provider is asked, and what it answers: the answers of `next_answers` first, then as it should."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.reset()

    def reset(self) -> None:
        """As new."""
        self.sent: list[Sent] = []
        self.files: dict[str, File] = {}
        self.next_answers: list[Answer | Callable[[Sent], Answer]] = []
        self.tasks: dict[str, dict[str, Any]] = {}
        self.fetched: list[str] = []
        self.hooks: list[Hook] = []
        self.hook_answers: list[tuple[int, dict[str, str]]] = []

    def hook(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str]]:
        """A client's answer to a webhook: HTTP status and headers; the answers of `hook_answers` first, then 204."""
        self.hooks.append(Hook(path, headers, body))
        return self.hook_answers.pop(0) if self.hook_answers else (204, {})

    def file(self, name: str, file: File) -> str:
        """Serve a file; returns its URL."""
        self.files[f"/files/{name}"] = file
        return f"{self.url}/files/{name}"

    def creates(self) -> list[Sent]:
        """The create requests so far."""
        return [sent for sent in self.sent if sent.method == "POST"]

    def answer(self, sent: Sent) -> Answer:
        """The provider's answer to one request."""
        self.sent.append(sent)
        if self.next_answers:
            prepared = self.next_answers.pop(0)
            return prepared(sent) if callable(prepared) else prepared
        if sent.method == "POST":
            provider_id = f"P{len(self.creates()):017d}"
            task = {"task_id": provider_id, "task_status": "submitted", "created_at": CREATED_AT, "updated_at": CREATED_AT}
            self.tasks[provider_id] = self.tasks[str(sent.body.get("external_task_id"))] = task
            return 200, envelope(task)
        task = self.tasks.get(sent.path.rsplit("/", 1)[-1], {})
        return (200, envelope(task)) if task else (400, {"code": 1201, "message": "task not found", "request_id": "r"})


def envelope(data: Any) -> dict[str, Any]:
    """The provider's envelope of a success."""
    return {"code": 0, "message": "SUCCEED", "request_id": "CjI17WevH1IAAAAAAHmgsw", "data": data}


def refusal(code: int, message: str) -> dict[str, Any]:
    """The provider's envelope of a refusal."""
    return {"code": code, "message": message, "request_id": "CjI17WevH1IAAAAAAHmgsw"}


@contextmanager
def upstream() -> Iterator[Upstream]:
    """A server on a free port of loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    world = Upstream(f"http://127.0.0.1:{server.server_port}")
    server.world = world  # type: ignore[attr-defined]
    with serving(server):
        yield world


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        world: Upstream = self.server.world  # type: ignore[attr-defined]
        if not self.path.startswith("/files/"):
            return self._provider(world)
        world.fetched.append(self.path)
        return self._file(world.files.get(self.path, File(status=404)))

    def do_POST(self) -> None:
        world: Upstream = self.server.world  # type: ignore[attr-defined]
        if not self.path.startswith("/hooks/"):
            return self._provider(world)
        headers = {name.lower(): value for name, value in self.headers.items()}
        status, more = world.hook(self.path, headers, self.rfile.read(int(headers["content-length"])))
        return self._begin(status, {**more, "Content-Length": "0"})

    def _provider(self, world: Upstream) -> None:
        raw = self.rfile.read(int(self.headers.get("content-length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        status, body = world.answer(Sent(self.command, self.path, headers, json.loads(raw) if raw else {}))
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        self._begin(status, {"Content-Type": "application/json", "Content-Length": str(len(payload))})
        self.wfile.write(payload)

    def _file(self, file: File) -> None:
        if file.chunked:
            self._begin(file.status, {**file.headers, "Transfer-Encoding": "chunked"})
            for start in range(0, len(file.body), 65_536):
                chunk = file.body[start : start + 65_536]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            self.wfile.write(b"0\r\n\r\n")
            return
        length = len(file.body) if file.announced is None else file.announced
        self._begin(file.status, {**file.headers, "Content-Length": str(length)})
        self.wfile.write(file.body)

    def _begin(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing: the tests say what happened."""
