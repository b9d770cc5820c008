"""Tasks from request to stored files on the embedded stack, and the cost of a large table: `python -m benchmarks.pipeline`."""

import argparse
import json
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks.counting import Counts, counting
from benchmarks.embedded import embedded
from benchmarks.report import Goal, Row, Table, publish
from local.gateway import Gateway
from local.simulator import Controls
from local.stack import Stack, emulator_client
from relay.adapters.dynamodb.items import item_of
from relay.adapters.dynamodb.tasks import DynamoTaskStore
from relay.domain.task import Rank, Status, Task
from relay.providers.base import ProviderRequest, ProviderResponse
from relay.usecases.reconcile import reconcile

_CLIENTS = 4
"""Concurrent clients. The emulator keeps one process for each concurrent invocation."""
_SPEED = 20.0
_PATIENCE = 240.0
_SIZES = (100, 1_000, 10_000, 100_000)
_DUE = 50
_PAGE = 30
_NOON = 1_795_467_325_347
_OPERATIONS = ("videos/text2video", "videos/image2video", "images/generations", "videos/lip-sync")


def main() -> None:
    """Run tasks through the stack, then list and reconcile on a growing table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pipeline", description=__doc__)
    parser.add_argument("--tasks", type=int, default=60)
    parser.add_argument("--largest", type=int, default=_SIZES[-1], help="largest number of tasks in the table")
    options = parser.parse_args()
    with embedded("--speed", str(_SPEED)) as stack:
        way = _way(stack, options.tasks)
        growth = _growth(stack, [size for size in _SIZES if size <= options.largest])
    publish("pipeline", [way, growth])


# ── a task from end to end ────────────────────────────────────────────────────────────────────────────────────────────────


def _way(stack: Stack, tasks: int) -> Table:
    with Controls(stack.provider_url) as provider:
        provider.reset()
        provider.settings(speed=_SPEED, image_bytes=60_000)
        _through(stack, 2 * _CLIENTS)  # this starts the functions
        began = time.monotonic()
        seen = _through(stack, tasks)
        seconds = time.monotonic() - began
    told = [arrived - detail["updated_at"] for arrived, detail in _of(seen, "Task Status Changed", "succeed")]
    changed = {detail["task_id"]: detail["updated_at"] for _, detail in _of(seen, "Task Status Changed", "succeed")}
    stored = [detail["updated_at"] - changed[detail["task_id"]] for _, detail in _of(seen, "Task Results Stored", "succeed")]
    rows = [Row(what="tasks a second, from request to stored files", ours=tasks / seconds, unit="/s")]
    for what, values in (("callback → event at its consumer", told), ("callback → files stored", stored)):
        rows += [
            Row(what=f"{what}, p50", ours=statistics.median(values), unit="ms"),
            Row(what=f"{what}, p99", ours=_percentile(values, 0.99), unit="ms"),
        ]
    notes = (f"{tasks} image tasks, {_CLIENTS} clients; the emulator, the functions and the simulator share this machine",)
    return Table("pipeline: the embedded stack", rows, notes)


def _through(stack: Stack, tasks: int) -> dict[str, list[tuple[int, dict[str, Any]]]]:
    """Submit `tasks` tasks and wait until the files of each are stored.

    Returns for each task its events, each with its arrival time in ms.
    """
    seen: dict[str, list[tuple[int, dict[str, Any]]]] = defaultdict(list)
    sqs, deadline = stack.client("sqs"), time.monotonic() + _PATIENCE
    with Gateway(stack) as gateway, ThreadPoolExecutor(_CLIENTS) as clients:
        submitted = clients.map(
            lambda n: gateway.submit("images/generations", {"prompt": f"a cat, {n}"})["task_id"], range(tasks)
        )
        task_ids = set(submitted)
    while task_ids and time.monotonic() < deadline:
        for arrived, event in _received(sqs, stack.events_queue_url):
            seen[event["detail"]["task_id"]].append((arrived, event))
            if event["detail-type"] == "Task Results Stored":
                task_ids.discard(event["detail"]["task_id"])
    if task_ids:
        raise TimeoutError(f"{len(task_ids)} tasks have no files after {_PATIENCE:.0f} s")
    return seen


def _received(sqs: Any, queue_url: str) -> Iterator[tuple[int, dict[str, Any]]]:
    found = sqs.receive_message(
        QueueUrl=queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=1, MessageSystemAttributeNames=["SentTimestamp"]
    )
    for message in found.get("Messages", []):
        sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
        yield int(message["Attributes"]["SentTimestamp"]), json.loads(message["Body"])


def _of(seen: dict[str, list[tuple[int, dict[str, Any]]]], kind: str, status: str) -> list[tuple[int, dict[str, Any]]]:
    return [
        (arrived, event["detail"])
        for events in seen.values()
        for arrived, event in events
        if event["detail-type"] == kind and event["detail"]["status"] == status
    ]


def _percentile(values: list[int], share: float) -> float:
    return float(sorted(values)[min(int(len(values) * share), len(values) - 1)])


# ── a growing table ──────────────────────────────────────────────────────────────────────────────────────────────────


def _growth(stack: Stack, sizes: list[int]) -> Table:
    """Measure the same list and the same reconciliation with more and more tasks in the table.

    The table is a copy without a stream, filled in batches.
    """
    table, found = _copy(stack), dict[int, dict[str, tuple[int, float]]]()
    with counting(stack.aws_endpoint_url, ["bench"]) as (counts, endpoints):
        client = emulator_client("dynamodb", endpoints["bench"])
        store, filled = DynamoTaskStore(client, table), 0
        for size in sizes:
            _fill(stack, table, filled, size)
            filled = size
            found[size] = _looks(store, counts, stack.client("dynamodb"), table)
    stack.client("dynamodb").delete_table(TableName=table)
    first = found[sizes[0]]
    rows = []
    for what in first:
        for size in sizes:
            calls, units = found[size][what]
            rows.append(
                Row(
                    what=f"{what}, {size:,} tasks",
                    baseline=first[what][1],
                    ours=units,
                    unit="units",
                    goal=Goal(1.5),
                    note=f"{calls} calls",
                )
            )
    return Table("pipeline: capacity units by table size; baseline: the smallest table", rows)


def _copy(stack: Stack) -> str:
    """Create an empty table with the same keys and indexes; its name."""
    client, name = stack.client("dynamodb"), "bench-tasks"
    described = client.describe_table(TableName=stack.tasks_table)["Table"]
    kept = ("IndexName", "KeySchema", "Projection")
    client.create_table(
        TableName=name,
        KeySchema=described["KeySchema"],
        AttributeDefinitions=described["AttributeDefinitions"],
        BillingMode="PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[{key: index[key] for key in kept} for index in described["GlobalSecondaryIndexes"]],
    )
    return name


def _fill(stack: Stack, table: str, start: int, stop: int) -> None:
    client = stack.client("dynamodb")
    for first in range(start, stop, 25):
        items = [{"PutRequest": {"Item": item_of(_task(number))}} for number in range(first, min(first + 25, stop))]
        client.batch_write_item(RequestItems={table: items})


def _task(number: int, *, due: bool = False) -> Task:
    """A finished task, or a due one."""
    return Task(
        task_id=f"{'d' if due else '0'}{number:031x}",
        tenant="acme",
        provider="kling",
        operation=_OPERATIONS[number % len(_OPERATIONS)],
        created_at=_NOON + number,
        updated_at=_NOON + number,
        deadline_at=_NOON * 2,
        due_at=_NOON if due else None,
        expires_at=_NOON // 500,
        fingerprint="f" * 32,
        status=Status.SUBMITTED if due else Status.SUCCEED,
        rank=Rank.SUBMITTED if due else Rank.FINAL,
        provider_task_id=f"P{number}",
    )


def _looks(store: DynamoTaskStore, counts: Counts, client: Any, table: str) -> dict[str, tuple[int, float]]:
    for number in range(_DUE):  # due again
        client.put_item(TableName=table, Item=item_of(_task(number, due=True)))
    looks: dict[str, Callable[[], object]] = {
        f"a page of {_PAGE}": lambda: store.of_tenant("acme", operation=None, status=None, limit=_PAGE, cursor=None),
        f"a page of {_PAGE} of one operation": lambda: store.of_tenant(
            "acme", operation=_OPERATIONS[0], status=None, limit=_PAGE, cursor=None
        ),
        f"a pass over {_DUE} due tasks": lambda: _pass(store),
    }
    return {what: _counted(counts, look) for what, look in looks.items()}


def _counted(counts: Counts, look: Callable[[], object]) -> tuple[int, float]:
    counts.clear()
    look()
    return len(counts.calls), sum(call.reads + sum(call.writes.values()) for call in counts.calls)


class _Provider:
    """ProviderApi: every task is still submitted."""

    def send(self, request: ProviderRequest, *, timeout: float) -> ProviderResponse:  # noqa: ARG002
        """Answers at once."""
        task = {"task_id": request.path.rpartition("/")[2], "task_status": "submitted", "created_at": 1, "updated_at": 1}
        return ProviderResponse(200, json.dumps({"code": 0, "message": "SUCCEED", "request_id": "r", "data": task}).encode())


def _pass(store: DynamoTaskStore) -> None:
    from benchmarks.offline import services

    made = services()
    made.tasks, made.api = store, _Provider()
    made.clock = lambda: _NOON + 60_000  # type: ignore[method-assign]
    counts = reconcile(made, lambda: 60_000)
    if sum(counts.values()) != _DUE:
        raise RuntimeError(f"{counts}: expected {_DUE} due tasks")


if __name__ == "__main__":
    main()
