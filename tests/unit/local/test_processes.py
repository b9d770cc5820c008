"""Background processes are recognised, stopped, and never confused with other processes."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from local import processes
from local.processes import Process, alive, end, start
from tests.support.waiting import until

SLEEP = "import time; print('up', flush=True); time.sleep(60)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


def started(program: str, tmp_path: Path) -> Process:
    """The process, once it runs its program."""
    log = tmp_path / "logs" / "output"
    process = start([sys.executable, "-c", program], environment=dict(os.environ), log=log, cwd=tmp_path)
    until(lambda: "up" in log.read_text(), "the process is up", seconds=10)
    return process


def test_a_process_is_alive_until_it_is_ended(tmp_path: Path) -> None:
    process = started(SLEEP, tmp_path)
    assert alive(process)
    end(process)
    assert not alive(process)


def test_a_process_that_does_not_listen_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "GRACE_SECONDS", 0.2)
    process = started(DEAF, tmp_path)
    end(process)
    assert not alive(process)


def test_a_pid_that_somebody_else_has_now_is_left_alone(tmp_path: Path) -> None:
    process = started(SLEEP, tmp_path)
    end(replace(process, began="another time"))
    assert alive(process)
    end(process)


def test_ending_a_process_twice_is_nothing(tmp_path: Path) -> None:
    process = started(SLEEP, tmp_path)
    end(process)
    end(process)


def test_a_pid_that_never_was_is_not_alive() -> None:
    assert not alive(Process(pid=2**22 + 1, began="1"))
    assert not alive(Process(pid=2**22 + 1, began=""))
