"""Cold starts: what a function's INIT costs beside a fresh interpreter that makes one stock DynamoDB client (F)."""

import argparse
import json
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks.artefacts import FUNCTIONS, INTERPRETER, Mounted, layer_bytes, mounted, stock
from benchmarks.measure import interleaved
from benchmarks.report import Goal, Row, Table, publish

FLOOR = "import json, botocore.session; botocore.session.get_session().create_client('dynamodb')"
INIT = "import app"
FIRST_TLS = "; import ssl; from relay.adapters.aws import _AMAZON_ROOTS; ssl.create_default_context(cafile=_AMAZON_ROOTS)"
FIRST_REQUEST = "; from relay.providers.kling_requests import model_of; model_of('kling_videos.TextToVideo')"
GOALS: Mapping[str, Goal] = {
    "ReceiveCallback": Goal(1.15, 0.90),
    "SubmitTask": Goal(1.32, 1.15),
    "ArchiveResults": Goal(1.36, 1.20),
}
LAYERS = Goal(20, 15)
_COMPILED = """
import importlib.machinery as m, json, sys
seen, compiled = [], m.SourceFileLoader.source_to_code
m.SourceFileLoader.source_to_code = lambda self, data, path, **more: seen.append(str(path)) or compiled(self, data, path, **more)
import app
json.dump(seen, sys.stdout)
"""
_IMPORT = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)")
_REFERENCES = re.compile(r"I\s+refs:\s+([\d,]+)")


def valgrind() -> tuple[str, ...] | None:
    """The command that counts instructions, where it is installed."""
    found = shutil.which("valgrind")
    return (found, "--tool=cachegrind", "--cachegrind-out-file=/dev/null") if found else None


def instructions(mount: Mounted, function: str, code: str = INIT) -> float:
    """Millions of instructions of a process that runs `code`."""
    return references(mount.run(function, code, before=valgrind() or ()).stderr) / 1e6


def floor_instructions(environment: Mapping[str, str], code: str = FLOOR) -> float:
    """The same for F."""
    command = [*(valgrind() or ()), INTERPRETER, "-S", "-c", code]
    run = subprocess.run(command, env=dict(environment), capture_output=True, text=True, check=True)  # noqa: S603
    return references(run.stderr) / 1e6


def compiled_at_import(mount: Mounted, function: str) -> list[str]:
    """The modules whose bytecode was not used."""
    paths: list[str] = json.loads(mount.run(function, _COMPILED).stdout)
    return paths


def references(text: str) -> int:
    """The instructions that cachegrind counted, of what it wrote."""
    found = _REFERENCES.search(text)
    if found is None:
        raise RuntimeError(f"valgrind counted nothing: {text[-500:]}")
    return int(found[1].replace(",", ""))


def _instruction_rows(mount: Mounted, environment: Mapping[str, str]) -> list[Row]:
    floor = floor_instructions(environment)
    rows = [
        Row(what=f"{name}: INIT", floor=floor, ours=instructions(mount, name), unit="M", goal=GOALS.get(name))
        for name in FUNCTIONS
    ]
    first = instructions(mount, "ReceiveCallback", INIT + FIRST_TLS)
    rows.append(
        Row(what="ReceiveCallback: INIT and the first TLS context", floor=floor, ours=first, unit="M", goal=Goal(1.20, 0.95))
    )
    request = instructions(mount, "SubmitTask", INIT + FIRST_REQUEST)
    rows.append(Row(what="SubmitTask: INIT and the first request's models", floor=floor, ours=request, unit="M"))
    return rows


def _wall_rows(mount: Mounted, environment: Mapping[str, str], rounds: int) -> list[Row]:
    def floor() -> float:
        began = time.perf_counter()
        subprocess.run([INTERPRETER, "-S", "-c", FLOOR], env=dict(environment), check=True)  # noqa: S603
        return (time.perf_counter() - began) * 1000

    def ours(function: str) -> float:
        began = time.perf_counter()
        mount.run(function, INIT)
        return (time.perf_counter() - began) * 1000

    variants = {"F": floor} | {name: lambda name=name: ours(name) for name in FUNCTIONS}
    medians = interleaved(variants, rounds)
    return [Row(what=f"{name}: INIT", floor=medians["F"], ours=medians[name], unit="ms") for name in FUNCTIONS]


def _imports(mount: Mounted, function: str) -> list[Row]:
    """The ten modules that cost most by themselves."""
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
            tables.append(Table("Cold start, instructions", _instruction_rows(mount, environment)))
        else:
            print("instructions are not counted: valgrind is not installed")  # noqa: T201
        tables.append(Table("Cold start, wall (for reading)", _wall_rows(mount, environment, options.rounds)))
        compiled = {name: compiled_at_import(mount, name) for name in FUNCTIONS}
        rows = [
            Row(what=f"{name}: modules compiled at import", ours=len(paths), goal=Goal(0)) for name, paths in compiled.items()
        ]
        rows.append(Row(what="layers unzipped", ours=layer_bytes() / 1e6, unit="MB", goal=LAYERS))
        tables.append(Table("What is shipped", rows))
        tables += [Table(f"Imports of {name} by their own cost", _imports(mount, name)) for name in GOALS]
        publish("cold_start", tables)


if __name__ == "__main__":
    main()
