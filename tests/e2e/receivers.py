"""Clients' endpoints on loopback: the receivers of docs/webhooks.md, and a front that fails before it passes requests on."""

import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from local.emulator.process import _free_port
from local.stack import LOCAL, ROOT
from tests.support.serving import serving

_PATIENCE = 30.0
_PACKAGES = LOCAL / "receiver"


@dataclass(frozen=True)
class Receiver:
    """A receiver that runs; `url` is its endpoint, `log` what it prints."""

    url: str
    log: Path

    def told(self) -> list[tuple[str, str]]:
        """(event id, status) of every webhook that it verified."""
        return [(words[0], words[1]) for line in self.log.read_text().splitlines() if len(words := line.split()) == 2]


@contextmanager
def documented_receiver(language: str, secret: str, folder: Path) -> Iterator[Receiver]:
    """The receiver in that language, extracted from docs/webhooks.md and started."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / "docs" / "webhooks.md").read_text(), re.MULTILINE | re.DOTALL)
    (source,) = [block for block in blocks if "WEBHOOK_SECRET" in block]
    folder = _PACKAGES if language == "js" else folder  # where its packages are
    program = folder / f"receiver-{os.getpid()}.{'mjs' if language == 'js' else 'py'}"
    program.write_text(source)
    port, log = _free_port(), folder / f"{program.stem}.log"
    command = ["node" if language == "js" else sys.executable, str(program)]
    environment = {**os.environ, "WEBHOOK_SECRET": secret, "PORT": str(port)}
    with log.open("w") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)  # noqa: S603 - our own text
    try:
        receiver = Receiver(f"http://127.0.0.1:{port}/hook", log)
        _wait(receiver, process)
        yield receiver
    finally:
        process.kill()
        process.wait()
        program.unlink()


def _wait(receiver: Receiver, process: "subprocess.Popen[bytes]") -> None:
    """Until it refuses what is not signed."""
    deadline = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        try:
            assert httpx.post(receiver.url, content=b"{}", trust_env=False).status_code == 401
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"the receiver did not start:\n{receiver.log.read_text()}")


@dataclass
class Front:
    """An endpoint that answers 500 to the first `failures` requests with a webhook-id, then as all that are `behind` it do."""

    behind: list[Receiver]
    failures: int
    url: str = ""
    requests: Counter[str] = field(default_factory=Counter)
    taken: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    """Headers and body of every webhook that was answered 2xx."""

    def answer(self, headers: dict[str, str], body: bytes) -> int:
        """An HTTP status."""
        self.requests[headers["webhook-id"]] += 1
        if self.requests[headers["webhook-id"]] <= self.failures:
            return 500
        sent = {name: headers[name] for name in headers if name.startswith("webhook-")}
        answers = [httpx.post(each.url, content=body, headers=sent, trust_env=False).status_code for each in self.behind]
        if set(answers) != {204}:
            return 502
        self.taken.append((headers, body))
        return 204


@contextmanager
def front(behind: list[Receiver], *, failures: int) -> Iterator[Front]:
    """A server on a free port of loopback."""
    made = Front(behind, failures)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(made.answer(headers, self.rfile.read(int(headers["content-length"]))))
            self.end_headers()

        def log_message(self, format: str, *_: Any) -> None: ...  # noqa: A002

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}/hook?token=hush"
    with serving(server):
        yield made
