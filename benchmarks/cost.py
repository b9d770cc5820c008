"""The cost of a task, from calls counted on the embedded stack: `python -m benchmarks.cost [--tasks N]`.

A proxy counts every AWS call of a function. Logs and processes give the other figures. prices.py contains the prices, and the
response times of AWS and the provider, which no local run can measure.
"""

import argparse
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks import prices
from benchmarks.counting import Call, Counts, counting, item_bytes
from benchmarks.embedded import Function, Logged, embedded, functions, logged, peak_memory, processor_seconds
from benchmarks.report import Goal, Row, Table, publish
from benchmarks.share import share_of
from local.gateway import EventLog, Gateway
from local.simulator import Controls
from local.stack import Stack

_VIDEO_BYTES = 20_000_000
_PATIENCE = 120.0
_BASELINE = 18.73
"""Dollars: an HTTP API, a bus, and what every design needs."""
_SPEED = 4.0
_MEMORY_SIZES = (128, 256, 512, 1024)
_ALIAS = "live"
_ACCESS_LOG_BYTES = 330
"""Bytes of a line in the access log, with values of usual length."""


@dataclass(frozen=True, slots=True)
class Lives:
    """What `tasks` tasks used in total, from the request to the last event."""

    tasks: int
    calls: list[Call]
    logged: Logged
    processor: Mapping[str, float]
    requests: int
    """Requests at API Gateway, from clients and the provider."""
    events: int
    archived: int
    stored_bytes: int
    memory: Mapping[str, int]
    peaks: Mapping[str, float]
    """Peak MB of the largest process of each function."""
    item_bytes: float
    """Average size of a finished task's item."""


def main() -> None:
    """Run tasks, compute their cost, and measure how it grows with pictures and repeated callbacks."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cost", description=__doc__)
    parser.add_argument("--tasks", type=int, default=12)
    options = parser.parse_args()
    with embedded("--speed", str(_SPEED)) as stack, _counted(stack) as lived, Controls(stack.provider_url) as provider:
        provider.reset()
        provider.settings(speed=_SPEED, video_bytes=_VIDEO_BYTES)
        lived("videos/text2video", {"prompt": "a ginger cat"}, 2)  # not counted: this starts the functions
        usual = lived("videos/text2video", {"prompt": "a ginger cat"}, options.tasks)
        image = lived("images/generations", {"prompt": "a ginger cat", "n": 1}, max(options.tasks // 4, 1))
        images = lived("images/generations", {"prompt": "a ginger cat", "n": 9}, max(options.tasks // 4, 1))
        provider.fault("callback_duplicate", probability=1.0, params={"times": 3})
        repeated = lived("videos/text2video", {"prompt": "a ginger cat"}, max(options.tasks // 4, 1))
        provider.clear_faults()
    publish("cost", [_parts(usual), _growth(usual, image, images, repeated), _counts(usual), _memory_sizes(usual)])


# ── counting ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def _counted(stack: Stack) -> Iterator[Callable[[str, dict[str, Any], int], Lives]]:
    """Send the functions' AWS calls through the counting proxy until the block ends."""
    found = functions(stack)
    with counting(stack.aws_endpoint_url, [function.name for function in found]) as (counts, endpoints):
        _point(stack, found, endpoints)
        try:
            yield lambda operation, body, tasks: _lives(stack, found, counts, operation, body, tasks)
        finally:
            _point(stack, found, {})


def _point(stack: Stack, found: list[Function], endpoints: dict[str, str]) -> None:
    """Set each function's AWS endpoint, for the alias that everything invokes. Without an entry the emulator sets it."""
    client = stack.client("lambda")
    for function in found:
        variables = client.get_function_configuration(FunctionName=function.deployed)["Environment"]["Variables"]
        variables.pop("AWS_ENDPOINT_URL", None)
        if function.name in endpoints:
            variables["AWS_ENDPOINT_URL"] = endpoints[function.name]
        client.update_function_configuration(FunctionName=function.deployed, Environment={"Variables": variables})
        version = client.publish_version(FunctionName=function.deployed)["Version"]
        client.update_alias(FunctionName=function.deployed, Name=_ALIAS, FunctionVersion=version)


def _lives(stack: Stack, found: list[Function], counts: Counts, operation: str, body: dict[str, Any], tasks: int) -> Lives:
    """Run the tasks one after the other, each from its request to its last event."""
    before, processor = logged(stack), processor_seconds(found)
    counts.clear()
    events = EventLog(stack)
    events.collect()
    events.by_task.clear()
    with Gateway(stack) as gateway:
        task_ids = []
        for number in range(tasks):
            task_ids.append(gateway.submit(operation, body | {"external_task_id": f"{time.time_ns()}-{number}"})["task_id"])
            events.wait_for(task_ids, timeout=_PATIENCE)
        calls, after = counts.calls, logged(stack).since(before)
        now = processor_seconds(found)
        shown = [gateway.task(task_id) for task_id in task_ids]
    items = [stack.client("dynamodb").get_item(TableName=stack.tasks_table, Key={"task_id": {"S": task_id}})["Item"]
             for task_id in task_ids]  # fmt: skip
    return Lives(
        tasks,
        calls,
        after,
        _used(processor, now),
        after.invocations["submit_task"] + after.invocations["receive_callback"],
        sum(len(events.of(task_id)) for task_id in task_ids),
        after.invocations["archive_results"],
        sum(result["bytes"] for task in shown for result in task["results"]),
        {function.name: function.memory for function in found},
        peak_memory(found),
        sum(map(item_bytes, items)) / tasks,
    )


def _used(before: Mapping[tuple[str, str], float], now: Mapping[tuple[str, str], float]) -> dict[str, float]:
    """CPU seconds by function. A process that has ended is not counted. A new one counts with the seconds of its start."""
    used: dict[str, float] = {}
    for (name, process), seconds in now.items():
        used[name] = used.get(name, 0.0) + seconds - before.get((name, process), 0.0)
    return used


# ── pricing ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _dollars(lives: Lives) -> dict[str, float]:
    """Dollars per million tasks, by part of the bill."""
    calls = Counter((call.service, call.operation) for call in lives.calls)
    sqs = calls["sqs", "SendMessage"] + 3 * lives.archived  # the bus sends; Lambda's poller receives and deletes
    lines = lives.logged.lines.total() + lives.requests
    per_life = {
        "HTTP API": lives.requests * prices.HTTP_API_REQUEST,
        "Lambda requests": lives.logged.invocations.total() * prices.LAMBDA_REQUEST,
        "Lambda GB-seconds": sum(_gb_seconds(lives).values()) * prices.LAMBDA_GB_SECOND,
        "DynamoDB writes": sum(sum(call.writes.values()) for call in lives.calls) * prices.WRITE_UNIT,
        "DynamoDB reads": sum(call.reads for call in lives.calls) * prices.READ_UNIT,
        "EventBridge": lives.events * prices.EVENT,
        "SQS": sqs * prices.SQS_REQUEST,
        "S3 requests": calls["s3", "PutObject"] * prices.S3_PUT + calls["s3", "GetObject"] * prices.S3_GET,
        "Secrets Manager": calls["secretsmanager", "GetSecretValue"] * prices.SECRET_READ,
        "Logs": (_log_bytes(lives) + lines * prices.LOG_EVENT_OVERHEAD) * prices.LOG_BYTE,
    }
    return {part: dollars / lives.tasks * 1e6 for part, dollars in per_life.items()}


def _log_bytes(lives: Lives) -> int:
    return lives.logged.bytes.total() + lives.requests * _ACCESS_LOG_BYTES


def _gb_seconds(lives: Lives) -> dict[str, float]:
    """GB-seconds by function, with the template's memory sizes."""
    return {name: _seconds(lives, name, lives.memory[name]) * lives.memory[name] / 1024 for name in lives.logged.invocations}


def _seconds(lives: Lives, name: str, memory: int) -> float:
    """Seconds of all invocations of a function: its CPU time with the share of `memory` MB, and its waits for responses.

    While a file is transferred, network and processor work at the same time (benchmarks/archive.py). The slower one counts.
    """
    waits = sum(prices.WAIT_SECONDS[call.service] for call in lives.calls if call.function == name)
    working = lives.processor.get(name, 0.0) / share_of(memory)
    if name == "submit_task":
        waits += lives.logged.invocations[name] * prices.WAIT_SECONDS["provider"]
    if name == "archive_results":
        working = max(working, lives.stored_bytes / prices.NETWORK_BYTES_PER_SECOND)
    return working + waits


# ── tables ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _parts(lives: Lives) -> Table:
    parts = _dollars(lives)
    total = sum(parts.values())
    rows = [Row(what=part, ours=dollars, unit="$") for part, dollars in sorted(parts.items(), key=lambda part: -part[1])]
    rows.append(Row(what="a million tasks", baseline=_BASELINE, ours=total, unit="$", goal=Goal(1.6, 1.2)))
    size = (_log_bytes(lives) + 0.0) / lives.tasks
    rows.append(Row(what="log bytes of one task", ours=size, unit="B", goal=Goal(6000)))
    each = f"{lives.tasks} tasks, each with a request, three callbacks and a file of 20 MB"
    notes = (
        f"prices of {prices.AS_OF}, us-east-1, arm64; {each}",
        "each change is published alone, as at low load; the provider answers a create request in 300 ms; without storage",
    )
    return Table("cost: dollars per million tasks", rows, notes)


def _growth(usual: Lives, image: Lives, images: Lives, repeated: Lives) -> Table:
    base = sum(_dollars(usual).values())
    more = (repeated.requests / repeated.tasks) - (usual.requests / usual.tasks)
    one, nine = sum(_dollars(image).values()), sum(_dollars(images).values())
    rows = [
        Row(what="a task with one video of 20 MB", ours=base, unit="$"),
        Row(what="a task with one picture", ours=one, unit="$"),
        Row(what="each additional picture", ours=(nine - one) / 8, unit="$"),
        Row(what="each repeated callback", ours=(sum(_dollars(repeated).values()) - base) / more if more else math.nan, unit="$"),
    ]
    return Table("cost: growth, dollars per million", rows)


def _counts(lives: Lives) -> Table:
    rows = []
    for name in sorted(lives.logged.invocations):
        calls = Counter(call.operation for call in lives.calls if call.function == name)
        writes = sum(sum(call.writes.values()) for call in lives.calls if call.function == name)
        said = [f"{lives.logged.invocations[name] / lives.tasks:.3g} invocations"]
        said += [f"{operation} {number / lives.tasks:.2g}" for operation, number in calls.most_common()]
        said += [f"{writes / lives.tasks:.3g} write units", f"{lives.logged.bytes[name] / lives.tasks:.0f} B logged"]
        cpu = lives.processor.get(name, 0.0) / lives.logged.invocations[name] * 1000
        rows.append(Row(what=name, ours=cpu, unit="ms", note=", ".join(said)))
    rows.append(Row(what="item of a finished task", ours=lives.item_bytes, unit="B", goal=Goal(1024)))
    return Table("cost: calls of one task, and CPU per invocation", rows)


def _memory_sizes(lives: Lives) -> Table:
    rows = []
    for name, invocations in sorted(lives.logged.invocations.items()):
        for memory in sorted({*_MEMORY_SIZES, lives.memory[name]}):
            seconds = _seconds(lives, name, memory)
            note = f"{seconds / invocations * 1000:.0f} ms an invocation" + (", chosen" if memory == lives.memory[name] else "")
            dollars = seconds * memory / 1024 * prices.LAMBDA_GB_SECOND / lives.tasks * 1e6
            rows.append(Row(what=f"{name}, {memory} MB", ours=dollars, unit="$", note=note))
    peaks = ", ".join(f"{name} {peak:.0f} MB" for name, peak in sorted(lives.peaks.items()))
    return Table("cost: GB-seconds of a million tasks by memory size, warm", rows, (f"peak memory of a process: {peaks}",))


if __name__ == "__main__":
    main()
