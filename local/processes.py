"""Starts background processes, recognises them again later, and stops them by their pid."""

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

GRACE_SECONDS = 3.0
_CHILDREN: dict[int, subprocess.Popen[bytes]] = {}
"""Processes that this interpreter started. It must reap them when they end."""


@dataclass(frozen=True, slots=True)
class Process:
    """A pid and its start time. If another process gets the same pid later, its start time differs."""

    pid: int
    began: str


def start(command: list[str], *, environment: dict[str, str], log: Path, cwd: Path) -> Process:
    """Start `command` detached from this terminal. Its stdout and stderr are appended to `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        child = subprocess.Popen(
            command,
            env=environment,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _CHILDREN[child.pid] = child
    return Process(pid=child.pid, began=_began(child.pid))


def alive(process: Process) -> bool:
    """True if this process still runs."""
    return process.began != "" and _began(process.pid) == process.began


def end(process: Process, grace: float = GRACE_SECONDS) -> None:
    """Send SIGTERM, then SIGKILL after `grace` seconds. Does nothing if the pid belongs to another process by now."""
    for number, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, GRACE_SECONDS)):
        if not alive(process):
            return
        try:
            os.kill(process.pid, number)
        except ProcessLookupError:
            return
        _wait(process, patience)


def _wait(process: Process, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while alive(process) and time.monotonic() < deadline:
        time.sleep(0.05)
    if process.pid in _CHILDREN and _CHILDREN[process.pid].poll() is not None:
        del _CHILDREN[process.pid]


def _began(pid: int) -> str:
    """The start time of the process as the system writes it. Empty if it has ended or is a zombie."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return ""
        return "" if fields[0] == "Z" else fields[19]
    listing = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return listing.stdout.strip()
