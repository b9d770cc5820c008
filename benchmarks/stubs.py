"""Stubs of a table and a provider that answer after a fixed time, in their own process on loopback."""

import asyncio
import json
import multiprocessing
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from relay.adapters.dynamodb.items import item_of
from relay.domain.task import Status, Task

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_TARGET = re.compile(rb"x-amz-target: *\w+\.(\w+)", re.IGNORECASE)
_PATH = re.compile(rb"^GET \S*/([^/ ?]+) ")
_PAGE = 100
CALLBACK_KEY = "k" * 64
"""The secret that callback tokens are made with."""


@contextmanager
def stubs(due: int, seconds: float) -> Iterator[tuple[str, str]]:
    """Yields the URLs of a table with `due` due tasks and of a provider. Each response takes `seconds`."""
    context = multiprocessing.get_context("spawn")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(due, seconds, send), daemon=True)
    process.start()
    try:
        table, provider = receive.recv()
        yield f"http://127.0.0.1:{table}", f"http://127.0.0.1:{provider}"
    finally:
        process.terminate()
        process.join()


def _run(due: int, seconds: float, ready: Connection) -> None:
    asyncio.run(_serve(due, seconds, ready))


async def _serve(due: int, seconds: float, ready: Connection) -> None:
    ports = []
    for answer in (_Table(due), _provider_says):
        server = await asyncio.start_server(_talking(answer, seconds), "127.0.0.1", 0)
        ports.append(server.sockets[0].getsockname()[1])
    ready.send(tuple(ports))
    await asyncio.Event().wait()


def _talking(answer: Callable[[bytes, bytes], dict[str, Any]], seconds: float) -> Callable[..., Any]:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = _LENGTH.search(head)
                body = await reader.readexactly(int(length[1])) if length else b""
                payload = json.dumps(answer(head, body)).encode()
                await asyncio.sleep(seconds)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(payload))
                writer.write(payload)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    return talk


class _Table:
    """Due tasks in one shard, a page at a time. Each GetItem and UpdateItem returns a task."""

    def __init__(self, due: int) -> None:
        self._left = due

    def __call__(self, head: bytes, body: bytes) -> dict[str, Any]:
        target = _TARGET.search(head)
        operation = target[1].decode() if target else ""
        if operation == "Query":
            first, self._left = self._left, max(self._left - _PAGE, 0)
            return {"Items": [{"task_id": {"S": f"{number:032x}"}} for number in range(self._left, first)]}
        if operation in {"PutItem", "GetSecretValue"}:
            return {"SecretString": CALLBACK_KEY} if operation == "GetSecretValue" else {}
        item = item_of(_task(json.loads(body)["Key"]["task_id"]["S"]))
        return {"Item" if operation == "GetItem" else "Attributes": item}


def _task(task_id: str) -> Task:
    return Task(
        task_id=task_id,
        tenant="acme",
        provider="kling",
        operation="videos/text2video",
        created_at=1_795_467_325_347,
        updated_at=1_795_467_325_347,
        deadline_at=9_999_999_999_999,
        due_at=1_795_467_325_347,
        expires_at=9_999_999_999,
        fingerprint="f" * 32,
        status=Status.SUBMITTED,
        provider_task_id=f"P{task_id}",
    )


def _provider_says(head: bytes, _body: bytes) -> dict[str, Any]:
    path = _PATH.match(head)
    task = {"task_id": path[1].decode() if path else "P1", "task_status": "submitted", "task_status_msg": ""}
    return {"code": 0, "message": "SUCCEED", "request_id": "r", "data": task | {"created_at": 1, "updated_at": 1}}
