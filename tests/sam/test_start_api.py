"""`sam local start-api`: the whole HTTP API, from the request through the provider's callbacks to the stored file."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from local.containers import containers
from local.gateway import Gateway
from local.simulator import Controls
from local.stack import Stack
from tests.sam import cli
from tests.support.waiting import until


@pytest.fixture(scope="module")
def api(stack: Stack, simulator: Controls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """The API with the stack's key; the provider calls back at its port, which is not the one of samconfig.toml."""
    simulator.reset()
    port = cli.free_port()
    variables = tmp_path_factory.mktemp("start-api") / "variables.json"
    stack = replace(stack, gateway_url=f"http://127.0.0.1:{port}")
    variables.write_text(json.dumps(containers.make_environment(stack, stack.gateway_url)))
    with cli.serving("start-api", "--env-vars", str(variables), port=port, ready=_healthy), Gateway(stack) as gateway:
        yield gateway


def _healthy(url: str) -> bool:
    try:
        answer = httpx.get(f"{url}/health", trust_env=False, timeout=cli.INVOKE_SECONDS)
    except httpx.TransportError:
        return False
    return bool(answer.json()["data"] == {"status": "ok"})


def _refusal(answer: httpx.Response) -> tuple[int, int]:
    return answer.status_code, answer.json()["code"]


def test_a_task_goes_the_whole_way(api: Gateway, simulator: Controls) -> None:
    created = api.submit("videos/text2video", {"prompt": "A ginger cat watches the rain", "external_task_id": "sam-1"})
    task_id = created["task_id"]
    assert created["task_status"] == "submitted"

    def stored() -> Any:
        task = api.task(task_id)
        return task if task["results"] and task["results"][0].get("sha256") else None

    until(stored, "the stored result")
    simulator.settle()  # the result can be stored before the callback that it came of is answered
    called = simulator.task(task_id)
    assert [(each["task_status"], each["status"]) for each in called["callbacks"]] == [
        ("submitted", 200),
        ("processing", 200),
        ("succeed", 200),
    ]
    assert {each["url"].startswith(f"{api.url}/callbacks/{task_id}/") for each in called["callbacks"]} == {True}
    for path in (f"/kling/v1/videos/text2video/{task_id}", "/v1/videos/text2video/sam-1"):
        data = api.request("GET", path).json()["data"]
        assert data["task_status"] == "succeed"
        (truth,) = [file for file in called["results"] if file["field"] == "url"]
        assert api.download(data["task_result"]["videos"][0]["url"]).sha256 == truth["sha256"]
    listed = api.request("GET", "/tasks?limit=1").json()["data"]["tasks"]
    assert [task["task_id"] for task in listed] == [task_id]


def test_nobody_gets_in(api: Gateway, stack: Stack) -> None:
    with Gateway(replace(stack, gateway_url=api.url), "crk_nobody") as nobody:
        assert _refusal(nobody.request("GET", "/tasks")) == (401, 1002)
        assert _refusal(nobody.request("POST", "/v1/videos/text2video", json={"prompt": "A cat"})) == (401, 1002)
    forged = httpx.post(f"{api.url}/callbacks/{'0' * 32}/kling.{'A' * 43}", json={}, trust_env=False, timeout=cli.INVOKE_SECONDS)
    assert _refusal(forged) == (404, 1203)
    assert _refusal(httpx.get(f"{api.url}/tasks", trust_env=False, timeout=cli.INVOKE_SECONDS)) == (401, 1001)


def test_a_path_that_is_not_there_is_answered_in_the_envelope(api: Gateway) -> None:
    assert _refusal(api.request("GET", "/v2/everything")) == (404, 1202)
