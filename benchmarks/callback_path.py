"""The warm, built receive_callback compared with one default UpdateItem. Both use a stub of AWS that answers at once."""

import argparse
import json
import os
import selectors
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import IO, cast

from benchmarks.artefacts import INTERPRETER, Mounted, mounted, stock
from benchmarks.aws_stub import Stub, counting
from benchmarks.instructions import WORKER, at_once, of_calls, valgrind
from benchmarks.measure import interleaved
from benchmarks.report import Goal, Row, Table, publish
from benchmarks.share import processor_seconds

FUNCTION = "ReceiveCallback"
WARM = Goal(1.05, 0.95)
CALLS = {"processing": Goal(1), "succeed": Goal(2)}
RATE = Goal(1000, 2000, at_least=True)
P99 = Goal(50)
_BATCH = 25
_WARMING = 20
_COUNTED = 100


class Worker:
    """A measured process that is already warm. It reads orders and returns times."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._pid = process.pid
        self._orders = cast("IO[str]", process.stdin)
        self._answers = cast("IO[str]", process.stdout)
        self.call(_WARMING)

    def fileno(self) -> int:
        """Readable as soon as an order's times have arrived."""
        return self._answers.fileno()

    def processor_seconds(self) -> float:
        """Its CPU seconds so far."""
        return processor_seconds(self._pid)

    def order(self, calls: int, status: str = "processing") -> None:
        """Start this number of calls without waiting for them."""
        self._orders.write(json.dumps({"calls": calls, "status": status}) + "\n")
        self._orders.flush()

    def times(self) -> list[float]:
        """Wait until all calls are done; the seconds of each."""
        line = self._answers.readline()
        if not line:
            raise RuntimeError("a worker of callback_path ended; its error output is above")
        times: list[float] = json.loads(line)
        return times

    def call(self, calls: int, status: str = "processing") -> list[float]:
        """Start the calls and wait for their times."""
        self.order(calls, status)
        return self.times()


@contextmanager
def worker(kind: str, environment: Mapping[str, str]) -> Iterator[Worker]:
    """Run a process of callback_worker until the block ends."""
    command = [INTERPRETER, "-S", WORKER, kind]
    process = subprocess.Popen(command, env=dict(environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603
    try:
        yield Worker(process)
    finally:
        process.kill()
        process.communicate()


def calls_of(stub: Stub, mount: Mounted, status: str) -> dict[str, tuple[int, int]]:
    """The AWS calls of one warm callback and the bytes sent, by operation."""
    with worker("receiver", mount.environment(FUNCTION) | {"AWS_ENDPOINT_URL": stub.url}) as ours:
        ours.call(1, status)
        stub.counts()
        ours.call(1, status)
        return stub.counts()


def instructions(of_kinds: Mapping[str, Mapping[str, str]]) -> dict[str, float]:
    """Thousands of instructions of one warm call, by kind. Computed from the instructions that additional calls add.

    `of_kinds` maps each kind of process to its environment.
    """
    counts = {(kind, calls): partial(of_calls, kind, environment, calls)
              for kind, environment in of_kinds.items() for calls in (_WARMING, _WARMING + _COUNTED)}  # fmt: skip
    found = at_once(counts)
    return {kind: (found[kind, _WARMING + _COUNTED] - found[kind, _WARMING]) / _COUNTED * 1e3 for kind in of_kinds}


def _warm(stub: Stub, mount: Mounted, baseline: Mapping[str, str], rounds: int) -> Table:
    ours = mount.environment(FUNCTION) | {"AWS_ENDPOINT_URL": stub.url}
    with worker("receiver", ours) as receiver, worker("updater", baseline) as updater:
        variants = {"baseline": lambda: _median(updater.call(_BATCH)), "ours": lambda: _median(receiver.call(_BATCH))}
        medians = interleaved(variants, rounds)
    rows = [Row(what="a callback, warm, wall", baseline=medians["baseline"], ours=medians["ours"], unit="ms", goal=WARM)]
    if valgrind():
        counted = instructions({"updater": baseline, "receiver": ours})
        what = "a callback, warm, instructions"
        rows.append(Row(what=what, baseline=counted["updater"], ours=counted["receiver"], unit="k"))
    return Table(
        "callback_path: a warm callback compared with one default UpdateItem", rows, [f"medians of {rounds} batches of {_BATCH}"]
    )


def _median(times: list[float]) -> float:
    return sorted(times)[len(times) // 2] * 1000


def _asked(stub: Stub, mount: Mounted) -> Table:
    rows = []
    for status, goal in CALLS.items():
        counts = calls_of(stub, mount, status)
        said = ", ".join(f"{operation} {calls}" for operation, (calls, _) in sorted(counts.items()))
        rows.append(Row(what=f"{status}: AWS calls", ours=sum(calls for calls, _ in counts.values()), goal=goal, note=said))
        rows.append(Row(what=f"{status}: bytes sent", ours=sum(sent for _, sent in counts.values()), unit="B"))
    return Table("callback_path: AWS calls of a callback", rows)


def _throughput(stub: Stub, mount: Mounted, callbacks: int) -> Table:
    environment = mount.environment(FUNCTION) | {"AWS_ENDPOINT_URL": stub.url}
    rows = []
    for concurrent, processes in ((1, 1), (8, 8), (32, 8), (32, 32)):
        rate, p99, processor = _loaded(environment, concurrent, processes, callbacks)
        what, most = f"{concurrent} at a time, {processes} processes", concurrent == 32
        rows.append(Row(what=f"{what}: callbacks a second", ours=rate, unit="/s", goal=RATE if most else None))
        rows.append(Row(what=f"{what}: p99", ours=p99, unit="ms", goal=P99 if most else None))
        rows.append(Row(what=f"{what}: CPU of a callback", ours=processor, unit="ms"))
    notes = [
        "each process handles one callback at a time, as in Lambda; the load generator and the stub of the table share the cores",
        f"{os.process_cpu_count()} cores, load average {os.getloadavg()[0]:.1f} during the measurement",
    ]
    return Table("callback_path: throughput", rows, notes)


def _loaded(environment: Mapping[str, str], concurrent: int, processes: int, callbacks: int) -> tuple[float, float, float]:
    """Callbacks per second, p99 in ms, and CPU in ms per callback.

    The p99 is the time from a callback's arrival to its response, including the wait for a free process. One thread sends all
    callbacks, because several threads would wait for each other's lock while the measured processes use the processor.
    """
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        workers = [stack.enter_context(worker("receiver", environment)) for _ in range(processes)]
        for each in workers:
            selector.register(each, selectors.EVENT_READ)
        times: list[float] = []
        used, began = _processor_seconds(workers), time.perf_counter()
        free = deque(workers)
        waiting = deque([began] * concurrent)
        arrivals: dict[Worker, float] = {}
        while len(times) < callbacks:
            while waiting and free:
                taken = free.popleft()
                arrivals[taken] = waiting.popleft()
                taken.order(1)
            for ready, _ in selector.select():
                taken = cast("Worker", ready.fileobj)
                taken.times()
                now = time.perf_counter()
                times.append(now - arrivals.pop(taken))
                free.append(taken)
                waiting.append(now)
        seconds, used = time.perf_counter() - began, _processor_seconds(workers) - used
    return len(times) / seconds, sorted(times)[int(len(times) * 0.99)] * 1000, used / len(times) * 1000


def _processor_seconds(workers: Iterable[Worker]) -> float:
    return sum(each.processor_seconds() for each in workers)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.callback_path", description=__doc__)
    parser.add_argument("--rounds", type=int, default=80)
    parser.add_argument("--callbacks", type=int, default=8000)
    options = parser.parse_args()
    with mounted() as mount, counting() as stub, tempfile.TemporaryDirectory(prefix="stock-") as folder:
        baseline = stock(Path(folder)) | {"AWS_ENDPOINT_URL": stub.url}
        tables = [_asked(stub, mount), _warm(stub, mount, baseline, options.rounds), _throughput(stub, mount, options.callbacks)]
        publish("callback_path", tables)


if __name__ == "__main__":
    main()
