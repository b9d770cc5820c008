"""The files for `sam local`: the functions' variables have addresses that a container can reach."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from local.containers import containers
from local.processes import Process
from local.stack import ROOT, Stack

CONFIG: dict[str, Any] = tomllib.loads((ROOT / "samconfig.toml").read_text())["default"]
DEPLOYED = {
    "SubmitTask": {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
        "ARCHIVES_QUEUE_URL": "http://127.0.0.1:4566/000000000000/archives",
        "PROVIDER_URL": "http://127.0.0.1:9000",
        "PUBLIC_URL": "http://127.0.0.1:4566/_aws/execute-api/relay/$default",
        "TASKS_TABLE": "tasks",
    }
}


def stack(**changes: Any) -> Stack:
    names = (
        "api_key",
        "region",
        "stack_name",
        "tasks_table",
        "api_keys_table",
        "results_bucket",
        "event_bus",
        "events_queue_url",
    )
    known: dict[str, Any] = dict.fromkeys(names, "") | {
        "gateway_url": DEPLOYED["SubmitTask"]["PUBLIC_URL"],
        "aws_endpoint_url": "http://127.0.0.1:4566",
        "provider_url": "http://127.0.0.1:9000",
        "provider_admin_url": "http://127.0.0.1:9000/_admin",
    }
    return Stack(**known | changes)


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "_fetch_variables", lambda _stack: DEPLOYED)
    monkeypatch.setattr(containers, "_start_forwarder", lambda _address, _ports: Process(pid=7, began="now"))
    monkeypatch.setattr(containers, "bridge_address", lambda: "172.17.0.1")
    monkeypatch.setattr(containers, "FILES", tmp_path / "files")


def test_addresses_lead_out_of_the_container_but_for_callbacks_which_come_from_this_machine() -> None:
    assert containers.make_environment(stack(container_host="172.17.0.1")) == {
        "SubmitTask": {
            "AWS_ENDPOINT_URL": "http://172.17.0.1:4566",
            "ARCHIVES_QUEUE_URL": "http://172.17.0.1:4566/000000000000/archives",
            "PROVIDER_URL": "http://172.17.0.1:9000",
            "PUBLIC_URL": "http://127.0.0.1:4566/_aws/execute-api/relay/$default",
            "TASKS_TABLE": "tasks",
        }
    }


def test_callbacks_come_to_start_api_when_it_serves_the_api() -> None:
    made = containers.make_environment(stack(container_host="172.17.0.1"), "http://127.0.0.1:3000")
    assert made["SubmitTask"]["PUBLIC_URL"] == "http://127.0.0.1:3000"


def test_another_provider_than_the_simulator_is_left_where_it_is() -> None:
    made = containers.make_environment(stack(container_host="172.17.0.1", provider_admin_url=""))
    assert made["SubmitTask"]["PROVIDER_URL"] == "http://127.0.0.1:9000"


def test_an_opened_stack_has_its_files_and_its_forwarder() -> None:
    opened = containers.make_reachable(stack())
    assert opened.container_host == "172.17.0.1"
    assert opened.processes == {"forwarder": Process(pid=7, began="now")}
    made = {path.name: path.read_text() for path in containers.FILES.iterdir()}
    parameters = json.loads(made["parameters.yaml"])
    assert parameters.pop("Architecture") in {"x86_64", "arm64"}
    assert parameters == {"AwsEndpointUrl": stack().aws_endpoint_url}, "the template leaves out what only AWS has"
    assert json.loads(made["invoke.json"]) == containers.make_environment(opened)
    assert json.loads(made["start-api.json"]) == containers.make_environment(opened, containers.start_api_url())
    assert containers.make_reachable(opened) is opened
    containers.remove_files()
    assert not containers.FILES.exists()


def test_without_an_engine_the_stack_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "bridge_address", lambda: None)
    closed = stack()
    assert containers.make_reachable(closed) is closed
    assert not containers.FILES.exists()


@pytest.mark.parametrize("command", ["local_invoke", "local_start_api", "local_start_lambda"])
def test_samconfig_names_the_files(command: str) -> None:
    parameters = CONFIG[command]["parameters"]
    folder = ".local/made-by-make-up"
    assert parameters["parameter_overrides"] == f"file://{folder}/parameters.yaml"
    assert parameters["env_vars"] == f"{folder}/{'start-api' if command == 'local_start_api' else 'invoke'}.json"
    assert parameters["skip_pull_image"] is True


def test_callbacks_come_to_the_port_of_samconfig() -> None:
    assert containers.start_api_url() == f"http://127.0.0.1:{CONFIG['local_start_api']['parameters']['port']}"
