"""An AWS that answers at once and counts: UpdateItem, GetSecretValue and PutObject, in a process of its own, on loopback."""

import asyncio
import json
import multiprocessing
import re
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

from benchmarks.stubs import CALLBACK_KEY

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_TARGET = re.compile(rb"x-amz-target: *\w+\.(\w+)", re.IGNORECASE)
_EXPECTS = re.compile(rb"expect: *100-continue", re.IGNORECASE)
_ITEM = {
    "Attributes": {
        **{name: {"S": name} for name in ("task_id", "tenant", "provider", "operation", "fingerprint", "message")},
        **{name: {"N": "1722769562708"} for name in ("created_at", "updated_at", "deadline_at", "snapshot_at")},
        **{name: {"N": "1"} for name in ("expires_at", "rank", "version", "attempts", "polls")},
        "status": {"S": "processing"},
        "provider_task_id": {"S": "CjI17WevH1IAAAAAAHmgsw"},
    }
}
_ANSWERS = {"UpdateItem": json.dumps(_ITEM).encode(), "GetSecretValue": json.dumps({"SecretString": CALLBACK_KEY}).encode()}

type Counts = dict[str, tuple[int, int]]
"""Calls and bytes sent, by operation."""


class Stub:
    """Its URL, and what was asked of it so far."""

    def __init__(self, port: int, control: Connection) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._control = control

    def counts(self) -> Counts:
        """Since the last time that it was asked."""
        self._control.send(None)
        return {name: (calls, sent) for name, (calls, sent) in self._control.recv().items()}


@contextmanager
def counting() -> Iterator[Stub]:
    """One, until the block ends."""
    context = multiprocessing.get_context("spawn")
    ours, its = context.Pipe()
    process = context.Process(target=_run, args=(its,), daemon=True)
    process.start()
    try:
        yield Stub(ours.recv(), ours)
    finally:
        process.terminate()
        process.join()


def _run(control: Connection) -> None:
    asyncio.run(_serve(control))


async def _serve(control: Connection) -> None:
    counts: dict[str, list[int]] = {}

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await _answer(reader, writer, counts)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def tell() -> None:
        control.recv()
        control.send(dict(counts))
        counts.clear()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    asyncio.get_running_loop().add_reader(control.fileno(), tell)
    control.send(server.sockets[0].getsockname()[1])
    await asyncio.Event().wait()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, counts: dict[str, list[int]]) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    if _EXPECTS.search(head):
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    length = _LENGTH.search(head)
    size = int(length[1]) if length else 0
    await reader.readexactly(size)
    target = _TARGET.search(head)
    operation = target[1].decode() if target else "PutObject"
    count = counts.setdefault(operation, [0, 0])
    count[0] += 1
    count[1] += len(head) + size
    payload = _ANSWERS.get(operation, b"")
    kind = b"application/x-amz-json-1.0" if target else b"application/xml"
    writer.write(
        b'HTTP/1.1 200 OK\r\nETag: "e"\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b' % (kind, len(payload), payload)
    )
