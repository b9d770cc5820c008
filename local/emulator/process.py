"""Starts the emulator's process with a clean environment on a free loopback port, and waits until it responds."""

import shutil
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path

from local import processes
from local.emulator.artefacts import TOOLS
from local.processes import Process
from local.stack import ACCESS_KEY, LOCAL, REGION, ROOT, SECRET_KEY

LOG = LOCAL / "logs" / "emulator.log"
STATE = LOCAL / "emulator"
PATIENCE_SECONDS = 30.0


def start(*, enforce_iam: bool) -> tuple[Process, str]:
    """Start the emulator and wait until it responds. Returns the process and its endpoint URL.

    Raises RuntimeError if it does not start.
    """
    shutil.rmtree(STATE, ignore_errors=True)
    port = _free_port()
    environment = _environment(port, enforce_iam=enforce_iam)
    for name in ("STATE_DIR", "S3_DATA_DIR", "TMPDIR"):
        Path(environment[name]).mkdir(parents=True)
    command = [str(TOOLS / "emulator" / "bin" / "python"), str(Path(__file__).with_name("serve.py"))]
    LOG.unlink(missing_ok=True)
    process = processes.start(command, environment=environment, log=LOG, cwd=ROOT)
    endpoint = f"http://127.0.0.1:{port}"
    try:
        _wait(process, endpoint)
    except RuntimeError:
        processes.end(process)
        raise
    return process, endpoint


def answers(endpoint: str, seconds: float = 2.0) -> bool:
    """True if an emulator responds at this endpoint within `seconds`."""
    try:
        with urllib.request.urlopen(f"{endpoint}/_ministack/ready", timeout=seconds) as response:  # noqa: S310
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _environment(port: int, *, enforce_iam: bool) -> dict[str, str]:
    """The environment of the emulator's process. The functions inherit it, so it contains nothing of the caller's."""
    return {
        "PATH": f"{TOOLS / 'emulator' / 'bin'}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(STATE),
        "LANG": "C.UTF-8",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "STATE_DIR": str(STATE / "state"),
        "S3_DATA_DIR": str(STATE / "s3"),
        "TMPDIR": str(STATE / "tmp"),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "AUTH": "true" if enforce_iam else "false",
    }


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait(process: Process, endpoint: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not answers(endpoint):
        if not processes.alive(process) or time.monotonic() > deadline:
            raise RuntimeError(f"the emulator did not start. Its log is {LOG}:\n{LOG.read_text()[-2000:]}")
        time.sleep(0.05)
