"""SAM CLI as a user types it: one invocation in a container, and its servers."""

import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from local import processes
from local.emulator.artefacts import TOOLS
from local.stack import LOCAL, ROOT

SAM = str(TOOLS / "sam" / "bin" / "sam")
LOG = LOCAL / "logs"
INVOKE_SECONDS = 300
START_SECONDS = 300.0
GRACE_SECONDS = 30.0
# Nothing of the machine's own AWS account: what SAM CLI finds there it would hand to the functions.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | {
    "SAM_CLI_TELEMETRY": "0",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


def invoke(function: str, event: str) -> Any:
    """`sam local invoke Function -e events/….json`, without a flag more; what the function answered."""
    done = subprocess.run(
        [SAM, "local", "invoke", function, "-e", event],
        cwd=ROOT,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=INVOKE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.strip().splitlines()
    assert lines, f"no answer\n{done.stderr}"
    return json.loads(lines[-1])


@contextmanager
def serving(command: str, *options: str, ready: Callable[[str], bool], port: int = 0) -> Iterator[str]:
    """`sam local start-api` or `start-lambda` on a port, or else a free one: its URL, once it is `ready`."""
    port = port or free_port()
    log, url = LOG / f"{command}.log", f"http://127.0.0.1:{port}"
    log.unlink(missing_ok=True)
    line = [SAM, "local", command, "--port", str(port), *options]
    process = processes.start(line, environment=ENVIRONMENT, log=log, cwd=ROOT)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not ready(url):
            assert processes.alive(process), log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        yield url
    finally:
        processes.end(process, grace=GRACE_SECONDS)


def free_port() -> int:
    """A port of loopback that nobody has."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
