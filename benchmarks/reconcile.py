"""The cost of checking a due task, many at a time and one at a time: `python -m benchmarks.reconcile [--tasks N]`.

It uses the real use case and adapters. A stub of the table and of the provider, in another process, answers after a fixed time.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.artefacts import python_path
from benchmarks.report import Goal, Row, Table, publish
from benchmarks.stubs import stubs

if TYPE_CHECKING:
    from relay.bootstrap import Services

_ROUNDS = 3
_SECONDS = 0.02
"""Response time of the stubs. Much less would leave nothing to overlap."""
_ONE_BY_ONE = 200


@dataclass(frozen=True, slots=True)
class Figures:
    """CPU per task in ms, and tasks per second."""

    cpu: float
    rate: float


def main() -> None:
    """Measure both ways alternately; with `--worker`, be the measured process."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reconcile", description=__doc__)
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        _work(one_by_one=options.worker == "one", tasks=options.tasks)
        return
    found: dict[str, list[Figures]] = {"one": [], "many": []}
    for _ in range(_ROUNDS):
        for way, figures in found.items():
            figures.append(measured(way, _ONE_BY_ONE if way == "one" else options.tasks // _ROUNDS))
    one, many = (_medians(found[way]) for way in ("one", "many"))
    rows = [
        Row(what="CPU of one due task", baseline=one.cpu, ours=many.cpu, unit="ms", goal=Goal(2.0, 1.3)),
        Row(what="due tasks a second", baseline=one.rate, ours=many.rate, unit="/s"),
    ]
    notes = (
        f"baseline: one task after the other; ours: reconcile(); each response takes {_SECONDS * 1000:.0f} ms",
        f"{options.tasks:,} due tasks in {_ROUNDS} rounds; each needs a GetItem, a query to the provider and an UpdateItem",
    )
    publish("reconcile", [Table("reconcile", rows, notes)])


def measured(way: str, tasks: int) -> Figures:
    """Check `tasks` due tasks once, in a fresh interpreter."""
    with stubs(tasks, _SECONDS) as (table, provider):
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": python_path(),
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": table,
            "PROVIDER_URL": provider,
        }
        command = [sys.executable, "-m", "benchmarks.reconcile", "--worker", way, "--tasks", str(tasks)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise RuntimeError(f"{way}:\n{done.stderr[-2000:]}")
    return Figures(**json.loads(done.stdout))


def _work(*, one_by_one: bool, tasks: int) -> None:
    from relay.usecases.reconcile import reconcile, reconcile_one

    services = _services()
    due = [f"{number:032x}" for number in range(tasks)] if one_by_one else []
    reconcile_one("0" * 32, services)  # connections and caches, as in a warm function
    began, cpu = time.monotonic(), time.process_time()
    if one_by_one:
        looks = len([reconcile_one(task_id, services) for task_id in due])
    else:
        looks = sum(reconcile(services, lambda: 60_000).values())
    cpu, seconds = time.process_time() - cpu, time.monotonic() - began
    if looks != tasks:
        raise RuntimeError(f"{looks} tasks were checked, expected {tasks}")
    sys.stdout.write(json.dumps({"cpu": cpu / tasks * 1000, "rate": tasks / seconds}))


def _services() -> "Services":
    from benchmarks.offline import services
    from relay.adapters.secrets import cached as secrets

    secrets.Secrets.get = lambda *_: "sk-bench"  # type: ignore[method-assign]
    return services(provider_url=os.environ["PROVIDER_URL"])


def _medians(figures: list[Figures]) -> Figures:
    return Figures(statistics.median(each.cpu for each in figures), statistics.median(each.rate for each in figures))


if __name__ == "__main__":
    main()
