"""Bad input over real HTTP: the status and the envelope that a client sees."""

import uuid

import pytest

from local.gateway import Gateway
from local.simulator import Controls
from local.stack import Stack

CREATE = "/kling/v1/videos/text2video"


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b"{", {"Content-Type": "application/json"}, 400, 1200),
        (b"", {"Content-Type": "application/json"}, 400, 1200),
        (b"[]", {"Content-Type": "application/json"}, 400, 1200),
        (b"prompt=cat", {"Content-Type": "application/x-www-form-urlencoded"}, 400, 1200),
        (b'{"prompt":""}', {"Content-Type": "application/json"}, 400, 1201),
        (b'{"prompt":"' + b"a" * 5_500_000 + b'"}', {"Content-Type": "application/json"}, 413, 1200),
    ],
)
def test_a_body_that_cannot_be_used_is_refused_in_the_envelope(
    gateway: Gateway, content: bytes, headers: dict[str, str], status: int, code: int
) -> None:
    answer = gateway.request("POST", CREATE, content=content, headers=headers)
    body = answer.json()
    assert (answer.status_code, body["code"]) == (status, code)
    assert body["message"]
    assert body["request_id"]


def test_a_refused_field_is_named(gateway: Gateway) -> None:
    answer = gateway.request("POST", CREATE, json={"prompt": "cat", "aspect_ratio": "5:5"})
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("aspect_ratio: expected one of 16:9, 9:16, 1:1")


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("POST", "/kling/v1/videos/time-travel", 1202),
        ("GET", "/kling/v1/videos/time-travel", 1202),
        ("GET", "/kling/v1/videos/text2video/no-such-task", 1203),
        ("GET", "/tasks/no-such-task", 1203),
        ("GET", "/nowhere", 1202),
        ("DELETE", "/tasks", 1202),
    ],
)
def test_what_is_not_there_is_a_404_in_the_envelope(gateway: Gateway, method: str, path: str, code: int) -> None:
    answer = gateway.request(method, path, json={"prompt": "cat"} if method == "POST" else None)
    assert (answer.status_code, answer.json()["code"]) == (404, code)


def test_without_a_key_the_gateway_itself_refuses(stack: Stack) -> None:
    with Gateway(stack, "") as nobody:
        answer = nobody._plain.get(stack.gateway_url + "/tasks")
    assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized"})


def test_a_wrong_key_is_refused_in_the_envelope(stack: Stack, provider: Controls) -> None:
    before = len(provider.state(hashes=False)["tasks"])
    with Gateway(stack, "crk_not-a-key") as nobody:
        answers = [nobody.request("GET", "/tasks"), nobody.request("POST", CREATE, json={"prompt": "cat"})]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(401, 1002)] * 2
    assert len(provider.state(hashes=False)["tasks"]) == before


@pytest.mark.usefixtures("provider")
def test_a_tenant_sees_only_its_own_tasks(gateway: Gateway, stranger: Gateway) -> None:
    task_id = gateway.submit("images/generations", {"prompt": "private"})["task_id"]
    for path in (f"/tasks/{task_id}", f"/kling/v1/images/generations/{task_id}"):
        answer = stranger.request("GET", path)
        assert (answer.status_code, answer.json()["code"]) == (404, 1203)
    assert stranger.request("GET", "/tasks").json()["data"]["tasks"] == []


def test_an_idempotency_key_makes_one_task(gateway: Gateway, provider: Controls) -> None:
    key = {"Idempotency-Key": f"once-{uuid.uuid4().hex}"}
    first, again = (gateway.request("POST", CREATE, json={"prompt": "once"}, headers=key) for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200)
    task_id = first.json()["data"]["task_id"]
    assert again.json()["data"]["task_id"] == task_id
    other = gateway.request("POST", CREATE, json={"prompt": "twice"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, 1201)
    assert provider.state(hashes=False)["paid"][task_id] == 1


@pytest.mark.usefixtures("provider")
def test_an_external_task_id_is_taken_once(gateway: Gateway, stranger: Gateway) -> None:
    body = {"prompt": "mine", "external_task_id": f"mine-{uuid.uuid4().hex}"}
    assert gateway.request("POST", CREATE, json=body).status_code == 200
    again = gateway.request("POST", CREATE, json=body)
    assert (again.status_code, again.json()["code"]) == (400, 1201)
    assert "already exists" in again.json()["message"]
    assert stranger.request("POST", CREATE, json=body).status_code == 200
