"""Cold starts: each function's INIT compared with a fresh interpreter that makes one stock DynamoDB client (F)."""

import argparse
import json
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import botocore

from benchmarks.artefacts import FUNCTIONS, INTERPRETER, Mounted, layer_bytes, mounted, stock
from benchmarks.aws_stub import counting
from benchmarks.instructions import BASELINE, INIT, LEAVING, at_once, of_calls, of_code, of_function, valgrind
from benchmarks.loopback import certificate_in
from benchmarks.measure import interleaved
from benchmarks.report import Goal, Row, Table, publish

FIRST_REQUEST = "; from relay.providers.kling.requests.body import model_of; model_of('videos.TextToVideo')"
GOALS: Mapping[str, Goal] = {
    "ReceiveCallback": Goal(0.90, 0.85),
    "SubmitTask": Goal(1.25, 1.15),
    "ArchiveResults": Goal(1.05, 0.95),
    "DeliverWebhooks": Goal(1.32, 1.20),
}
FIRST = Goal(1.20, 0.95)
LAYERS = Goal(22, 15)
_COMPILED = """
import importlib.machinery as m, json, sys
seen, compiled = [], m.SourceFileLoader.source_to_code
m.SourceFileLoader.source_to_code = lambda self, data, path, **more: seen.append(str(path)) or compiled(self, data, path, **more)
import app
json.dump(seen, sys.stdout)
"""
_IMPORT = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)")


def compiled_at_import(mount: Mounted, function: str) -> list[str]:
    """The modules that were compiled because their bytecode was not used."""
    paths: list[str] = json.loads(mount.run(function, _COMPILED).stdout)
    return paths


def first_callback(mount: Mounted, stock_client: Mapping[str, str], folder: Path) -> dict[str, Callable[[], float]]:
    """Functions that count millions of instructions, over TLS: `ours` and `baseline`.

    `ours` runs until the first callback is answered, `baseline` is F and its first UpdateItem. Each trusts the certificate
    authorities that it would trust on AWS, and the stub's own certificate.
    """
    certificate = certificate_in(folder)
    found = (
        mount.root / "opt" / "python" / "relay" / "adapters" / "amazon_roots.pem",
        Path(botocore.__file__).parent / "cacert.pem",
    )
    bundles = {}
    for name, authorities in zip(("receiver", "updater"), found, strict=True):
        bundles[name] = folder / f"{name}.pem"
        bundles[name].write_bytes(authorities.read_bytes() + certificate.read_bytes())

    def count(kind: str, environment: Mapping[str, str]) -> float:
        with counting(certificate) as stub:
            return of_calls(kind, {**environment, "AWS_ENDPOINT_URL": stub.url, "AWS_CA_BUNDLE": str(bundles[kind])}, 1)

    ours = mount.environment("ReceiveCallback")
    return {"ours": lambda: count("receiver", ours), "baseline": lambda: count("updater", stock_client)}


def _instruction_rows(mount: Mounted, environment: Mapping[str, str], folder: Path) -> list[Row]:
    first = first_callback(mount, environment, folder)
    counts: dict[str, Callable[[], float]] = {"F": lambda: of_code(environment)}
    counts |= {name: partial(of_function, mount, name) for name in FUNCTIONS}
    counts |= {
        "request": lambda: of_function(mount, "SubmitTask", INIT + FIRST_REQUEST),
        "callback": first["ours"],
        "update": first["baseline"],
    }
    found = at_once(counts)
    baseline, update = found["F"], found["update"]
    return [
        *(Row(what=f"{name}: INIT", baseline=baseline, ours=found[name], unit="M", goal=GOALS.get(name)) for name in FUNCTIONS),
        Row(
            what="ReceiveCallback: INIT and a first callback, TLS", baseline=update, ours=found["callback"], unit="M", goal=FIRST
        ),
        Row(what="SubmitTask: INIT and a first request's models", baseline=baseline, ours=found["request"], unit="M"),
    ]


def _wall_rows(mount: Mounted, environment: Mapping[str, str], rounds: int) -> list[Row]:
    def baseline() -> float:
        began = time.perf_counter()
        subprocess.run([INTERPRETER, "-S", "-c", BASELINE + LEAVING], env=dict(environment), check=True)  # noqa: S603
        return (time.perf_counter() - began) * 1000

    def ours(function: str) -> float:
        began = time.perf_counter()
        mount.run(function, INIT + LEAVING)
        return (time.perf_counter() - began) * 1000

    variants = {"F": baseline} | {name: lambda name=name: ours(name) for name in FUNCTIONS}
    medians = interleaved(variants, rounds)
    return [Row(what=f"{name}: INIT", baseline=medians["F"], ours=medians[name], unit="ms") for name in FUNCTIONS]


def _imports(mount: Mounted, function: str) -> list[Row]:
    """The ten modules with the highest import time of their own."""
    text = mount.run(function, INIT, PYTHONPROFILEIMPORTTIME="1").stderr
    costs = sorted(((int(cost), name) for cost, name in _IMPORT.findall(text)), reverse=True)
    return [Row(what=name, ours=cost / 1000, unit="ms") for cost, name in costs[:10]]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cold_start", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with mounted() as mount, tempfile.TemporaryDirectory(prefix="stock-") as folder:
        environment = stock(Path(folder))
        tables = []
        if valgrind():
            tables.append(Table("Cold start, instructions", _instruction_rows(mount, environment, Path(folder))))
        else:
            print("valgrind is not installed: instructions are not counted")  # noqa: T201
        tables.append(Table("Cold start, wall time (no goals)", _wall_rows(mount, environment, options.rounds)))
        compiled = {name: compiled_at_import(mount, name) for name in FUNCTIONS}
        rows = [
            Row(what=f"{name}: modules compiled at import", ours=len(paths), goal=Goal(0)) for name, paths in compiled.items()
        ]
        rows.append(Row(what="layers unzipped", ours=layer_bytes() / 1e6, unit="MB", goal=LAYERS))
        tables.append(Table("Bytecode and size of the layers", rows))
        tables += [Table(f"Imports of {name} by their own time", _imports(mount, name)) for name in GOALS]
        publish("cold_start", tables)


if __name__ == "__main__":
    main()
