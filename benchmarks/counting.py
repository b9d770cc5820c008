"""A proxy between the functions and the emulator. It counts each AWS call with its function, operation and capacity units."""

import asyncio
import json
import math
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientSession, web
from yarl import URL

_HOP = {"connection", "transfer-encoding", "content-length", "content-encoding"}
_READS = {"GetItem", "Query", "BatchGetItem"}
_START_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Call:
    """One AWS call. `writes` are write units by table or index, `reads` are read units, `sent` is bytes."""

    function: str
    service: str
    operation: str
    sent: int
    writes: dict[str, float] = field(default_factory=dict)
    reads: float = 0.0


class Counts:
    """All calls so far."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def clear(self) -> None:
        """Forget them."""
        self.calls = []


@contextmanager
def counting(endpoint: str, functions: Iterable[str]) -> Iterator[tuple[Counts, dict[str, str]]]:
    """Open one port per function, so that the port identifies the caller; yields the counts and the endpoints."""
    counts, loop, stop, started = Counts(), asyncio.new_event_loop(), asyncio.Event(), Future[dict[str, str]]()
    thread = threading.Thread(target=loop.run_until_complete, args=(_serve(endpoint, list(functions), counts, stop, started),))
    thread.start()
    try:
        yield counts, started.result(_START_SECONDS)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


async def _serve(
    endpoint: str, functions: list[str], counts: Counts, stop: asyncio.Event, started: Future[dict[str, str]]
) -> None:
    async with ClientSession(auto_decompress=False) as session:
        runners, urls = [], {}
        for function in functions:
            app = web.Application(client_max_size=1 << 30)
            app["function"], app["endpoint"], app["session"], app["counts"] = function, endpoint, session, counts
            app.router.add_route("*", "/{path:.*}", _forward)
            runner = web.AppRunner(app, access_log=None)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            runners.append(runner)
            urls[function] = f"http://127.0.0.1:{runner.addresses[0][1]}"
        started.set_result(urls)
        await stop.wait()
        for runner in runners:
            await runner.cleanup()


async def _forward(request: web.Request) -> web.Response:
    app, body = request.app, await request.read()
    service, operation = _named(request)
    asked = json.loads(body) if service == "dynamodb" else {}
    if asked:
        body = json.dumps(asked | {"ReturnConsumedCapacity": "INDEXES"}).encode()
    headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP - {"content-encoding"}}
    url = URL(app["endpoint"] + request.raw_path, encoded=True)
    async with app["session"].request(request.method, url, headers=headers, data=body) as answer:
        payload = await answer.read()
        said = json.loads(payload) if service == "dynamodb" else {}
        writes, reads = units(operation, asked, said)
        app["counts"].calls.append(Call(app["function"], service, operation, len(body), writes, reads))
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
        return web.Response(status=answer.status, headers=kept, body=payload)


def _named(request: web.Request) -> tuple[str, str]:
    """Service and operation. JSON services name them in a header. For S3 the method decides."""
    target = request.headers.get("x-amz-target", "")
    if target:
        service, _, operation = target.partition(".")
        return {"DynamoDB_20120810": "dynamodb", "AWSEvents": "events", "AmazonSQS": "sqs"}.get(service, service), operation
    return "s3", "GetObject" if request.method in {"GET", "HEAD"} else "PutObject"


def units(operation: str, asked: dict[str, Any], said: dict[str, Any]) -> tuple[dict[str, float], float]:
    """Write and read units of a call.

    Write units are those that the emulator reports. Read units, and write units of a refused condition, follow from item sizes.
    """
    if operation in _READS:
        items = [said["Item"]] if "Item" in said else [*said.get("Items", []), *_batch(said)]
        half = 1.0 if asked.get("ConsistentRead") else 0.5
        if operation == "Query":  # all scanned items count, not only those that pass the filter
            looked_at = said.get("ScannedCount", 0) / max(said.get("Count", 0), 1)
            return {}, half * _blocks(round(sum(map(item_bytes, items)) * max(looked_at, 1)), 4096)
        return {}, half * sum(_blocks(item_bytes(item), 4096) for item in items or [{}])
    if "ConsumedCapacity" not in said:
        return ({"table": float(_blocks(item_bytes(said.get("Item", {})), 1024))} if asked else {}), 0.0
    used = said["ConsumedCapacity"]
    indexes = {name: units["CapacityUnits"] for name, units in used.get("GlobalSecondaryIndexes", {}).items()}
    return {"table": used["Table"]["CapacityUnits"], **indexes}, 0.0


def _batch(said: dict[str, Any]) -> list[dict[str, Any]]:
    responses = said.get("Responses")
    return [item for items in responses.values() for item in items] if isinstance(responses, dict) else []


def _blocks(size: float, block: int) -> int:
    return max(1, math.ceil(size / block))


def item_bytes(item: dict[str, Any]) -> int:
    """The size of an item in bytes, as DynamoDB counts it: names and values. A number takes half its digits plus one byte."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: dict[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind == "N":
        return math.ceil(len(content.strip("-").replace(".", "")) / 2) + 1
    return len(content.encode()) if kind == "S" else 1 + len(json.dumps(content))
