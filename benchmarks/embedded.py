"""The embedded stack for a benchmark: the running one, or a new one that is stopped afterwards."""

import os
import re
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path

from local import down, up
from local.stack import STACK_FILE, Stack

_LIFECYCLE = ("START RequestId", "END RequestId", "REPORT RequestId", "INIT_START")


@contextmanager
def embedded(*options: str) -> Iterator[Stack]:
    """The deployed stack. `options` are those of `python -m local.up` and apply only if no stack is running."""
    was_up = STACK_FILE.exists()
    with redirect_stdout(sys.stderr):
        if up.main(list(options)):
            raise RuntimeError("the stack did not start")
    try:
        yield Stack.load()
    finally:
        if not was_up:
            with redirect_stdout(sys.stderr):
                down.main()


@dataclass(frozen=True, slots=True)
class Function:
    """A deployed function: its short name (`submit_task`), the emulator's name for it, and its memory in MB."""

    name: str
    deployed: str
    memory: int


def functions(stack: Stack) -> list[Function]:
    """The functions of the stack."""
    found = stack.client("lambda").list_functions(MaxItems=100)["Functions"]
    return [
        Function(each["LoggingConfig"]["LogGroup"].rpartition("/")[2], each["FunctionName"], each["MemorySize"]) for each in found
    ]


@dataclass(frozen=True, slots=True)
class Logged:
    """What the functions logged: lines, bytes and invocations by function."""

    lines: Counter[str]
    bytes: Counter[str]
    invocations: Counter[str]

    def since(self, before: "Logged") -> "Logged":
        """The difference to an earlier state."""
        return Logged(self.lines - before.lines, self.bytes - before.bytes, self.invocations - before.invocations)


def logged(stack: Stack) -> Logged:
    """All logs so far, without Lambda's own lines. The template turns those off, but the emulator ignores that."""
    logs, lines, size, invocations = stack.client("logs"), Counter[str](), Counter[str](), Counter[str]()
    for group in logs.describe_log_groups(logGroupNamePrefix=f"/{stack.stack_name}/")["logGroups"]:
        name = group["logGroupName"].rpartition("/")[2]
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"]):
            for event in page["events"]:
                if event["message"].startswith("REPORT RequestId"):
                    invocations[name] += 1
                elif not event["message"].startswith(_LIFECYCLE):
                    lines[name] += 1
                    size[name] += len(event["message"].encode())
    return Logged(lines, size, invocations)


def processor_seconds(found: list[Function]) -> dict[tuple[str, str], float]:
    """CPU seconds of each process so far, by function name and process id."""
    seconds = {}
    for name, process in _processes(found):
        with suppress(OSError):  # it has ended
            times = [(task / "schedstat").read_text().split()[0] for task in (process / "task").iterdir()]
            seconds[name, process.name] = sum(map(int, times)) / 1e9
    return seconds


def peak_memory(found: list[Function]) -> dict[str, float]:
    """Peak MB of the largest process of each function."""
    peaks: dict[str, float] = {}
    for name, process in _processes(found):
        with suppress(OSError):
            peak = re.search(r"VmHWM:\s+(\d+) kB", (process / "status").read_text())
            peaks[name] = max(peaks.get(name, 0.0), int(peak[1]) * 1024 / 1e6 if peak else 0.0)
    return peaks


def _processes(found: list[Function]) -> Iterator[tuple[str, Path]]:
    """The functions' processes: function name and the process's folder in /proc."""
    names = {function.deployed: function.name for function in found}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or we may not read it
            deployed = re.search(rb"(?:^|\0)AWS_LAMBDA_FUNCTION_NAME=([^\0]+)", (process / "environ").read_bytes())
            if deployed and (name := names.get(os.fsdecode(deployed[1]))):
                yield name, process
