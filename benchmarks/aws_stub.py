"""A stub of AWS that answers at once and counts UpdateItem, GetSecretValue and PutObject, in its own process on loopback."""

import asyncio
import json
import multiprocessing
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import cast

from benchmarks.stubs import CALLBACK_KEY

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_TARGET = re.compile(rb"x-amz-target: *\w+\.(\w+)", re.IGNORECASE)
_EXPECTS = re.compile(rb"expect: *100-continue", re.IGNORECASE)
_ANSWERS = {"UpdateItem": b"{}", "GetSecretValue": json.dumps({"SecretString": CALLBACK_KEY}).encode()}

type Counts = dict[str, tuple[int, int]]
"""Calls and bytes received, by operation."""


class Stub:
    """The stub's URL and its counts."""

    def __init__(self, url: str, control: Connection) -> None:
        self.url = url
        self._control = control

    def counts(self) -> Counts:
        """The calls since the last call of this method."""
        self._control.send(None)
        return {name: (calls, sent) for name, (calls, sent) in self._control.recv().items()}


@contextmanager
def counting(certificate: Path | None = None) -> Iterator[Stub]:
    """Run the stub until the block ends, over TLS if a certificate with its key is given."""
    context = multiprocessing.get_context("spawn")
    ours, its = context.Pipe()
    process = context.Process(target=_run, args=(its, certificate), daemon=True)
    process.start()
    try:
        yield Stub(f"{'https' if certificate else 'http'}://127.0.0.1:{ours.recv()}", ours)
    finally:
        process.terminate()
        process.join()


def _run(control: Connection, certificate: Path | None) -> None:
    asyncio.run(_serve(control, certificate))


async def _serve(control: Connection, certificate: Path | None) -> None:
    counts: dict[str, list[int]] = {}

    def tell() -> None:
        control.recv()
        control.send(dict(counts))
        counts.clear()

    context = None
    if certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Conversation(counts), "127.0.0.1", 0, ssl=context)
    loop.add_reader(control.fileno(), tell)
    control.send(server.sockets[0].getsockname()[1])
    await asyncio.Event().wait()


class _Conversation(asyncio.Protocol):
    """One connection. A Protocol, because it uses little CPU, which the measured processes need."""

    def __init__(self, counts: dict[str, list[int]]) -> None:
        self._counts = counts
        self._received = b""
        self._expected = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport for the responses."""
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer each complete request."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end]
            length = _LENGTH.search(head)
            size = end + 4 + (int(length[1]) if length else 0)
            if len(self._received) < size:
                if not self._expected and _EXPECTS.search(head):
                    self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                    self._expected = True
                return
            self._received, self._expected = self._received[size:], False
            self._transport.write(self._answer(head, size))

    def _answer(self, head: bytes, size: int) -> bytes:
        target = _TARGET.search(head)
        operation = target[1].decode() if target else "PutObject"
        count = self._counts.setdefault(operation, [0, 0])
        count[0] += 1
        count[1] += size
        payload = _ANSWERS.get(operation, b"")
        kind = b"application/x-amz-json-1.0" if target else b"application/xml"
        return b'HTTP/1.1 200 OK\r\nETag: "e"\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b' % (kind, len(payload), payload)
