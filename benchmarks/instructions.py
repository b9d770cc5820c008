"""Counts the instructions of a process with cachegrind, so that other load on the machine does not matter."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.artefacts import INTERPRETER, Mounted

INIT = "import app"
BASELINE = "import json, botocore.session; botocore.session.get_session().create_client('dynamodb')"
WORKER = str(Path(__file__).with_name("callback_worker.py"))
LEAVING = "; import os; os._exit(0)"
"""Lambda freezes a process and never lets it exit, so the interpreter's shutdown is not part of INIT."""
_REFERENCES = re.compile(r"I\s+refs:\s+([\d,]+)")


def valgrind() -> tuple[str, ...] | None:
    """The command that counts, or None if it is not installed."""
    found = shutil.which("valgrind")
    return (found, "--tool=cachegrind", "--cachegrind-out-file=/dev/null") if found else None


def of_function(mount: Mounted, function: str, code: str = INIT) -> float:
    """Millions of instructions of a function's process that runs `code`."""
    return of_code(mount.environment(function), code)


def of_code(environment: Mapping[str, str], code: str = BASELINE) -> float:
    """Millions of instructions of `code` in an environment. The default is F."""
    return _counted(["-c", code + LEAVING], environment)


def of_calls(kind: str, environment: Mapping[str, str], calls: int) -> float:
    """Millions of instructions of a callback_worker process, from its start until it has made `calls` calls."""
    return _counted([WORKER, kind], environment, json.dumps({"calls": calls, "status": "processing"}) + "\n")


def at_once[K](counts: Mapping[K, Callable[[], float]]) -> dict[K, float]:
    """Run the counts in parallel, one per core. They do not influence each other."""
    with ThreadPoolExecutor(os.process_cpu_count()) as pool:
        return dict(zip(counts, pool.map(lambda count: count(), counts.values()), strict=True))


def _counted(arguments: Sequence[str], environment: Mapping[str, str], said: str = "") -> float:
    command = [*(valgrind() or ()), INTERPRETER, "-S", *arguments]
    run = subprocess.run(command, env=dict(environment), input=said, capture_output=True, text=True, check=True)  # noqa: S603
    found = _REFERENCES.search(run.stderr)
    if found is None:
        raise RuntimeError(f"valgrind counted nothing: {run.stderr[-500:]}")
    return int(found[1].replace(",", "")) / 1e6
