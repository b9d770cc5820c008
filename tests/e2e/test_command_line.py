"""The installed program `relay` on the embedded stack, which it finds through `.local/stack.json`."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from local.gateway import EventLog, Gateway
from local.simulator import Controls
from local.stack import ROOT
from tests.e2e.conftest import PATIENCE

PROGRAM = Path(sys.executable).with_name("relay")
HEALTHY = {"stack", "gateway", "clock", "callbacks", "secrets", "provider", "tables", "stream and queues", "rules"}


def relay(*arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("RELAY_", "AWS_"))}
    command = [str(PROGRAM), *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)  # noqa: S603


def test_a_task_is_submitted_and_its_files_are_downloaded(provider: Controls, gateway: Gateway, tmp_path: Path) -> None:
    done = relay("submit", "generations", "--prompt", "A ginger cat", "--n", "2", "--download", str(tmp_path), "--json")
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    truth = [file["sha256"] for file in provider.task(answer["task_id"])["results"] if file["field"] == "url"]
    assert len(truth) == 2
    assert [file["sha256"] for file in answer["files"]] == truth
    assert gateway.task(answer["task_id"])["archive"] == "stored"


@pytest.mark.usefixtures("provider")
def test_a_local_file_reaches_the_provider(tmp_path: Path, provider: Controls, gateway: Gateway) -> None:
    made = gateway.submit("images/generations", {"prompt": "a cat"})["task_id"]
    waited = relay("watch", made, "--download", str(tmp_path))
    assert waited.returncode == 0, waited.stderr
    done = relay("submit", "image2video", "--image", waited.stdout.strip(), "--prompt", "It wakes up", "--wait")
    assert done.returncode == 0, done.stderr
    assert provider.task(done.stdout.strip())["status"] == "succeed"


def test_doctor_finds_the_stack_healthy() -> None:
    findings = json.loads(relay("doctor", "--json").stdout)
    severities = {finding["check"]: finding["severity"] for finding in findings}
    assert set(severities) >= HEALTHY
    assert {check for check in HEALTHY if severities[check] not in {"fine", "note"}} == set()


@pytest.mark.usefixtures("provider")
def test_tail_shows_the_events_of_a_task_until_it_is_interrupted(gateway: Gateway, events: EventLog) -> None:
    command = [str(PROGRAM), "tail", "--tenant", "demo", "--timeout", str(PATIENCE)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True) as running:  # noqa: S603
        assert running.stdout
        assert running.stderr
        assert "listening" in running.stderr.readline()
        task_id = gateway.submit("images/generations", {"prompt": "a cat"})["task_id"]
        events.wait_for([task_id], timeout=PATIENCE)
        while line := running.stdout.readline():
            if f"Task Results Stored  {task_id}:4" in line:
                break
        running.send_signal(signal.SIGINT)
    assert running.returncode == 130
