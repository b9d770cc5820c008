"""Docker Engine, for `sam local`: the one that runs, or one that is started and ended again."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from local import processes
from local.stack import LOCAL, ROOT

LOG = LOCAL / "logs" / "dockerd.log"
PATIENCE_SECONDS = 60.0
GRACE_SECONDS = 20.0


class EngineError(Exception):
    """No Docker Engine runs, and none can be started."""


@contextmanager
def running() -> Iterator[None]:
    """An engine that answers; raises EngineError saying what to do."""
    if answers():
        yield
        return
    install("docker.io", program="dockerd")
    LOG.unlink(missing_ok=True)
    process = processes.start(["dockerd"], environment=dict(os.environ), log=LOG, cwd=ROOT)
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not answers():
            if not processes.alive(process) or time.monotonic() > deadline:
                raise EngineError(f"dockerd did not start, see {LOG}:\n{LOG.read_text()[-2000:]}")
            time.sleep(0.2)
        yield
    finally:
        processes.end(process, grace=GRACE_SECONDS)


def answers() -> bool:
    """Whether the client reaches an engine."""
    if not shutil.which("docker"):
        return False
    command = ["docker", "version", "--format", "{{.Server.Version}}"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def install(*packages: str, program: str) -> None:
    """Debian's packages, unless the program is there; raises EngineError where they cannot be had."""
    if shutil.which(program):
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise EngineError(f"{program} is missing and can only be installed by root on Debian or Ubuntu: install Docker Engine")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    run = subprocess.run(["apt-get", "update", "-qq"], env=environment, capture_output=True, text=True, check=False)
    command = ["apt-get", "install", "-qq", "--no-install-recommends", *packages]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if run.returncode:
        raise EngineError(f"{' '.join(command)} failed:\n{run.stdout}{run.stderr}")
