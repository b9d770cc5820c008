"""`make trial`: runs many tasks while the simulator injects faults, then compares the relay, the provider and the bucket."""

import argparse
import contextlib
import sys
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from local.gateway import EventLog, Gateway
from local.simulator import Controls
from local.stack import Stack

_CLIENTS = 6
"""Concurrent requests. The emulator keeps a process for each concurrent invocation."""
_FAULTS: tuple[tuple[str, float, dict[str, Any]], ...] = (
    ("callback_drop", 0.20, {}),
    ("callback_duplicate", 0.20, {"times": 2}),
    ("callback_reorder", 0.10, {}),
    ("callback_malformed", 0.05, {"variant": "truncated"}),
    ("hang", 0.05, {"accept": True}),
    ("refuse", 0.10, {"code": 1303}),
    ("fail", 0.05, {"message": "Failure to pass the risk control system"}),
)
_TRIES = 5
_PATIENCE = 900.0


def main(arguments: list[str] | None = None) -> int:
    """Run the trial on the running stack. Returns 1 if relay and provider differ."""
    parser = argparse.ArgumentParser(prog="python -m local.trial", description=__doc__)
    parser.add_argument("--tasks", type=int, default=200, help="how many tasks to submit (default: 200)")
    options = parser.parse_args(arguments)
    console, stack = Console(), Stack.load()
    with Gateway(stack) as gateway, Controls(stack.provider_url) as provider:
        provider.reset()
        provider.settings(speed=5, image_bytes=20_000)
        for name, probability, params in _FAULTS:
            provider.fault(name, probability=probability, params=params)
        began = time.monotonic()
        task_ids = _submit_tasks(gateway, options.tasks)
        console.print(f"{len(task_ids)} tasks submitted in {time.monotonic() - began:.0f} s")
        tasks = _wait_for_tasks(console, gateway, task_ids)
        console.print(f"all finished after {time.monotonic() - began:.0f} s")
        events = EventLog(stack)
        events.collect(wait=2)
        return _print_comparison(console, tasks, events, provider.state(), gateway)


def _submit_tasks(gateway: Gateway, count: int) -> list[str]:
    """Submit tasks as a careful client does: after no response or an error, repeat the request with the same key."""
    run = uuid.uuid4().hex[:8]

    def submit_one(number: int) -> str:
        body, key = {"prompt": f"a ginger cat, number {number}"}, {"Idempotency-Key": f"{run}-{number}"}
        for _ in range(_TRIES):
            with contextlib.suppress(httpx.TransportError):
                answer = gateway.request("POST", "/kling/v1/images/generations", json=body, headers=key)
                if answer.status_code == httpx.codes.OK:
                    return str(answer.json()["data"]["task_id"])
        raise RuntimeError(f"task {number} was not accepted in {_TRIES} attempts")

    with ThreadPoolExecutor(_CLIENTS) as clients:
        return list(clients.map(submit_one, range(count)))


def _wait_for_tasks(console: Console, gateway: Gateway, task_ids: list[str]) -> list[dict[str, Any]]:
    """Wait until every task is finished, and return the tasks. Raises TimeoutError."""
    deadline = time.monotonic() + _PATIENCE
    open_ids, ended = list(task_ids), []
    while open_ids and time.monotonic() < deadline:
        with ThreadPoolExecutor(_CLIENTS) as clients:
            tasks = list(clients.map(gateway.task, open_ids))
        ended += [task for task in tasks if _is_finished(task)]
        open_ids = [task["task_id"] for task in tasks if not _is_finished(task)]
        if open_ids:
            console.print(f"  {len(ended)} finished, {len(open_ids)} in progress")
            time.sleep(10)
    if open_ids:
        raise TimeoutError(f"{len(open_ids)} tasks did not finish: {open_ids[:5]}")
    return ended


def _is_finished(task: dict[str, Any]) -> bool:
    return bool(task["status"] == "failed" or task["archive"] in {"stored", "failed"})


def _print_comparison(
    console: Console, tasks: list[dict[str, Any]], events: EventLog, state: dict[str, Any], gateway: Gateway
) -> int:
    """Print the comparison. Returns 1 if there are differences."""
    theirs = {task["external_task_id"]: task for task in state["tasks"]}
    wrong = [problem for task in tasks for problem in _differences(task, theirs, events, state["paid"], gateway)]
    table = Table("what", "count", title="Relay and provider compared", title_justify="left")
    for status, count in Counter(task["status"] for task in tasks).items():
        table.add_row(f"tasks with status {status}", str(count))
    table.add_row("tasks paid for at the provider", str(sum(state["paid"].get(task["task_id"], 0) for task in tasks)))
    table.add_row("tasks sent more than once", str(sum(task["attempts"] > 1 for task in tasks)))
    for name, count in sorted(state["faults"]["injected"].items()):
        table.add_row(f"fault: {name}", str(count))
    table.add_row("differences", str(len(wrong)))
    console.print(table)
    for problem in wrong[:20]:
        console.print(f"[red]{problem}[/red]")
    return 1 if wrong else 0


def _differences(
    task: dict[str, Any], theirs: dict[str, Any], events: EventLog, paid: dict[str, int], gateway: Gateway
) -> list[str]:
    task_id, found = task["task_id"], []
    their = theirs.get(task_id, {})
    if paid.get(task_id) != 1:
        found.append(f"paid for {paid.get(task_id, 0)} times")
    if task["status"] != their.get("status"):
        found.append(f"status {task['status']}, at the provider {their.get('status')}")
    if task["status"] == "succeed":
        truth = [file["sha256"] for file in their.get("results", []) if file["field"] == "url"]
        if [gateway.download(result["url"]).sha256 for result in task["results"]][: len(truth)] != truth:
            found.append("the bytes differ from the provider's")
    versions = sorted({event["detail"]["version"] for event in events.of(task_id) if "version" in event["detail"]})
    if versions != list(range(1, task["version"] + 1)):
        found.append(f"events of versions {versions}, but the task has version {task['version']}")
    return [f"{task_id}: {problem}" for problem in found]


if __name__ == "__main__":
    sys.exit(main())
