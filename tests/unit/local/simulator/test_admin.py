"""The admin endpoints: state, settings and reset; and the ways to start the simulator."""

import ast
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.simulator import Controls, running
from local.simulator.__main__ import main
from local.simulator.common.settings import Settings
from tests.support.waiting import until

T2V = "/videos/text2video"
CLIP = {"prompt": "a cat"}
ROOT = Path(__file__).parents[4]


def error_of(simulator: Controls, method: str, path: str, body: object) -> str:
    answer = httpx.request(method, f"{simulator.url}/_admin/{path}", json=body, trust_env=False)
    assert answer.status_code == 400
    return str(answer.json()["error"])


def test_the_state_counts_tasks_paid_by_external_id(simulator: Controls, provider: httpx.Client) -> None:
    for external in ("a", "b", "a"):
        provider.post(T2V, json=CLIP | {"external_task_id": external})
    provider.post(T2V, json=CLIP)
    state = simulator.settle()
    assert state["paid"] == {"a": 1, "b": 1}
    assert len(state["tasks"]) == 3
    assert [task["operation"] for task in state["tasks"]] == ["videos/text2video"] * 3
    assert len(state["tasks"][0]["results"][0]["sha256"]) == 64
    assert "sha256" not in simulator.state(hashes=False)["tasks"][0]["results"][0]


def test_a_task_is_shown_with_a_shortened_request(simulator: Controls, provider: httpx.Client) -> None:
    provider.post("/videos/image2video", json={"image": "AAAA" * 1_000, "external_task_id": "e"})
    simulator.settle()
    shown = simulator.task("e")["request"]["image"]
    assert shown.endswith("... (4000 characters)")
    assert len(shown) < 250
    assert "no task" in error_of(simulator, "GET", "tasks/unknown", None)


@pytest.mark.parametrize(
    ("patch", "named"),
    [({"sped": 1}, "sped"), ({"speed": "1"}, "speed"), ({"speed": -1}, "speed"), ({"image_type": "gif"}, "image_type")],
)
def test_a_wrong_setting_is_refused(simulator: Controls, patch: dict[str, Any], named: str) -> None:
    assert named in error_of(simulator, "POST", "settings", patch)


def test_other_wrong_requests_are_refused(simulator: Controls, provider: httpx.Client) -> None:
    assert "object" in error_of(simulator, "POST", "settings", [1])
    assert "unknown fault" in error_of(simulator, "POST", "faults", {"fault": "none"})
    simulator.settings(speed=0)
    provider.post(T2V, json=CLIP | {"external_task_id": "e"})
    assert "status must be one of" in error_of(simulator, "POST", "tasks/e/advance", {"status": "done"})


@pytest.mark.parametrize("verdicts", [{"*": "failed"}, {"videos/text2video": "failed"}])
def test_verdicts_can_be_set(simulator: Controls, provider: httpx.Client, verdicts: dict[str, str]) -> None:
    simulator.settings(verdicts=verdicts, failure_message="no")
    provider.post(T2V, json=CLIP | {"external_task_id": "e"})
    simulator.settle()
    assert (simulator.task("e")["status"], simulator.task("e")["message"]) == ("failed", "no")


def test_result_urls_can_start_elsewhere(simulator: Controls, provider: httpx.Client) -> None:
    simulator.settings(result_base_url="https://cdn.example.com/")
    provider.post(T2V, json=CLIP)
    assert simulator.settle()["tasks"][0]["results"][0]["url"].startswith("https://cdn.example.com/results/")


def test_reset_begins_the_same_run_again(simulator: Controls, provider: httpx.Client) -> None:
    simulator.fault("stall", next=1)
    simulator.settings(video_bytes=30_000)
    first = provider.post(T2V, json=CLIP).json()["data"]["task_id"]
    simulator.reset(keep_settings=True)
    state = simulator.state()
    assert (state["tasks"], state["paid"], state["faults"]) == ([], {}, {"injected": {}, "rules": []})
    assert state["settings"]["video_bytes"] == 30_000
    simulator.reset()
    assert simulator.state()["settings"]["video_bytes"] == 20_000
    assert provider.post(T2V, json=CLIP).json()["data"]["task_id"] == first


def test_rules_are_listed_and_removed(simulator: Controls) -> None:
    rules = [{"fault": "hang", "next": 2}, {"fault": "close", "probability": 0.5}]
    added = httpx.post(f"{simulator.url}/_admin/faults", json=rules, trust_env=False).json()["rules"]
    assert [(rule["fault"], rule["left"]) for rule in added] == [("hang", 2), ("close", None)]
    url = f"{simulator.url}/_admin/faults"
    left = httpx.delete(f"{url}/{added[0]['rule']}", trust_env=False).json()["rules"]
    assert [rule["fault"] for rule in left] == ["close"]
    simulator.clear_faults()
    assert httpx.get(url, trust_env=False).json()["rules"] == []


def test_settling_gives_up(simulator: Controls, provider: httpx.Client) -> None:
    simulator.settings(speed=0.01)
    provider.post(T2V, json=CLIP)
    with pytest.raises(TimeoutError):
        simulator.settle(timeout=0.02)


def test_a_port_that_is_taken_is_an_error(simulator: Controls) -> None:
    with pytest.raises(OSError, match="address already in use"), running(port=httpx.URL(simulator.url).port or 0):
        pass


def test_two_simulators_are_two_accounts(simulator: Controls, provider: httpx.Client) -> None:
    with running(speed=1000.0) as other:
        provider.post(T2V, json=CLIP)
        assert (len(simulator.settle()["tasks"]), len(other.state()["tasks"])) == (1, 0)


@contextmanager
def process(port_file: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A simulator of its own that has written its port; it is told to stop at the end."""
    command = [sys.executable, "-m", "local.simulator", *options, "--port-file", str(port_file)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as started:  # noqa: S603
        try:
            until(lambda: port_file.exists() or started.poll() is not None, "the port is written", seconds=30)
            yield started
        finally:
            started.send_signal(signal.SIGTERM)


def test_it_runs_as_a_process(socket_enabled: None, tmp_path: Path) -> None:  # noqa: ARG001
    options = ["--seed", "3", "--api-key", "k", "--speed", "50", "--concurrency", "4", "--wrapped-queries"]
    with process(tmp_path / "port", *options, "--set", "video_bytes=9000") as started:
        url = f"http://127.0.0.1:{(tmp_path / 'port').read_text()}"
        with Controls(url, "k") as controls:
            state = controls.state()
        started.send_signal(signal.SIGTERM)
        printed, _ = started.communicate(timeout=10)
    assert started.returncode == 0
    assert printed == f"provider simulator: {url} (seed 3)\n"
    chosen = {"speed": 50.0, "concurrency": {"*": 4}, "wrapped_queries": True, "video_bytes": 9000}
    assert state["seed"] == 3
    assert state["settings"] == vars(Settings().changed(chosen))


def test_after_a_reset_the_tasks_before_it_tell_nobody(simulator: Controls, provider: httpx.Client) -> None:
    simulator.settings(speed=5.0)
    provider.post(T2V, json=CLIP | {"callback_url": f"{simulator.url}/callback"})
    simulator.reset()
    assert simulator.settle()["callbacks"] == []


def test_help_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "--port-file" in capsys.readouterr().out


def imports(folder: Path) -> set[str]:
    """The top-level packages that the modules below a folder import."""
    found: set[str] = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.partition(".")[0])
    return found


def test_simulator_and_product_never_import_each_other() -> None:
    assert "aiohttp" in imports(ROOT / "local" / "simulator")
    assert "relay" not in imports(ROOT / "local" / "simulator")
    assert "local" not in imports(ROOT / "layers")
