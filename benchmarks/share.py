"""Runs a process with a share of a processor, as a function with a given memory size has."""

import signal
import subprocess
import time

from benchmarks.prices import FULL_CORE_MB

_PERIOD = 0.02
"""Seconds after which a used-up share is available again."""
_LOOK_SECONDS = 0.001


def share_of(memory: int) -> float:
    """The share of one processor that a function with `memory` MB gets."""
    return min(1.0, memory / FULL_CORE_MB)


def run(command: list[str], environment: dict[str, str], share: float = 1.0) -> subprocess.CompletedProcess[str]:
    """Run `command` to its end with `share` of a processor. It is stopped whenever it has used more than its share.

    The kernel still fills a stopped process's socket buffers, as with a used-up CPU quota. Stopping needs no privileges.
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
    """CPU seconds of all threads of another process, by its CPU clock; raises OSError if it has ended."""
    return time.clock_gettime((~pid) << 3 | 2)
