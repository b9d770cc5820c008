"""A process that gets a share of a processor, as a function of a given memory does."""

import signal
import subprocess
import time

from benchmarks.prices import FULL_CORE_MB

_PERIOD = 0.02
"""Seconds in which a share is used up and given again."""
_LOOK_SECONDS = 0.001


def share_of(memory: int) -> float:
    """What `memory` MB buy of one processor."""
    return min(1.0, memory / FULL_CORE_MB)


def run(command: list[str], environment: dict[str, str], share: float = 1.0) -> subprocess.CompletedProcess[str]:
    """Run `command` to its end with `share` of a processor: what it took too much it waits for, stopped.

    A stopped process goes on receiving into its sockets' buffers, as one does whose quota is used up; no right is needed for it.
    """
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603
        if share < 1.0:
            _pace(process, share)
        output, errors = process.communicate()
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


def _pace(process: "subprocess.Popen[str]", share: float) -> None:
    credit, seen, used = share * _PERIOD, time.monotonic(), 0.0
    while process.poll() is None:
        try:
            now, spent = time.monotonic(), processor_seconds(process.pid)
        except OSError:
            return
        credit = min(share * _PERIOD, credit + share * (now - seen)) - (spent - used)
        seen, used = now, spent
        if credit < 0:
            process.send_signal(signal.SIGSTOP)
            time.sleep(-credit / share)
            process.send_signal(signal.SIGCONT)
        time.sleep(_LOOK_SECONDS)


def processor_seconds(pid: int) -> float:
    """Of all threads of another process, by its CPU clock; raises OSError if it has ended."""
    return time.clock_gettime((~pid) << 3 | 2)
