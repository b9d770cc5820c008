"""Bad input over real HTTP: the status and the envelope that a client sees."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from local.emulator.deploy import create_key_pair
from local.gateway import Gateway
from local.simulator import Controls
from local.stack import Stack
from relay.adapters.dynamodb.submission_counts import DynamoSubmissionCounts
from relay.domain.keys import Issued
from relay_cli.operator.keys import Keys
from tests.support.tokens import signed

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


@pytest.mark.parametrize(
    ("size", "message"),
    [(10_500_000, "HTTP content length exceeded 10485760 bytes."), (6_300_000, '{"message":"Request Too Long"}')],
)
def test_the_gateway_refuses_what_aws_would_refuse(gateway: Gateway, size: int, message: str) -> None:
    answer = gateway.request("POST", CREATE, content=b" " * size, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.text) == (413, message)


def test_a_refused_field_is_named(gateway: Gateway) -> None:
    answer = gateway.request("POST", CREATE, json={"prompt": "cat", "aspect_ratio": "5:5"})
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("aspect_ratio: expected one of 16:9, 9:16, 1:1")


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("POST", "/kling/v1/videos/time-travel", 1202),
        ("GET", "/kling/v1/videos/teleportation", 1202),
        ("GET", "/kling/v1/videos/text2video/no-such-task", 1203),
        ("GET", "/tasks/no-such-task", 1203),
        ("GET", "/nowhere", 1202),
        ("DELETE", "/tasks", 1202),
    ],
)
def test_what_is_not_there_is_a_404_in_the_envelope(gateway: Gateway, method: str, path: str, code: int) -> None:
    answer = gateway.request(method, path, json={"prompt": "cat"} if method == "POST" else None)
    assert (answer.status_code, answer.json()["code"]) == (404, code)


REFUSED_KEYS = {
    "none": ({}, 1001),
    "empty": ({"Authorization": ""}, 1001),
    "not Bearer": ({"Authorization": "Basic YTpi"}, 1002),
    "unknown": ({"Authorization": "Bearer crk_not-a-key"}, 1002),
    "not a JWT": ({"Authorization": "Bearer a.b.c"}, 1002),
}


@pytest.mark.parametrize(("headers", "code"), REFUSED_KEYS.values(), ids=REFUSED_KEYS)
def test_who_has_no_key_is_refused_in_the_envelope(stack: Stack, provider: Controls, headers: dict[str, str], code: int) -> None:
    before = len(provider.state(hashes=False)["tasks"])
    with httpx.Client(base_url=stack.gateway_url, headers=headers, timeout=60, trust_env=False) as nobody:
        for method, path in (("GET", "/tasks"), ("GET", "/v1/videos/text2video/x"), ("POST", CREATE), ("POST", CREATE[6:])):
            answer = nobody.request(method, path, json={"prompt": "cat"} if method == "POST" else None)
            body = answer.json()
            assert (answer.status_code, body["code"]) == (401, code)
            assert body["message"].startswith("Authorization: ")
            assert body["request_id"]
    assert len(provider.state(hashes=False)["tasks"]) == before


@pytest.mark.usefixtures("provider")
def test_over_the_limit_of_its_key_a_client_gets_429_and_its_repeated_request_its_task(stack: Stack) -> None:
    keys = Keys(stack.outputs, stack.client)
    issued = keys.create(f"limited-{uuid.uuid4().hex[:8]}", submits_per_minute=1)
    once = {"Idempotency-Key": uuid.uuid4().hex}
    with Gateway(stack, issued.secret) as limited:
        first = limited.request("POST", CREATE, json={"prompt": "limited"}, headers=once)
        assert first.status_code == 200
        # At most one minute ends between these.
        more = [limited.request("POST", CREATE, json={"prompt": "limited"}) for _ in range(3)]
        refused = [answer for answer in more if answer.status_code == 429]
        again = limited.request("POST", CREATE, json={"prompt": "limited"}, headers=once)
    assert len(refused) >= 2
    assert {answer.json()["code"] for answer in refused} == {1302}
    assert all(1 <= int(answer.headers["Retry-After"]) <= 60 for answer in refused)
    assert again.json()["data"]["task_id"] == first.json()["data"]["task_id"]


def test_those_who_submit_at_once_do_not_share_a_place(stack: Stack) -> None:
    counts = DynamoSubmissionCounts(stack.client("dynamodb"), stack.tasks_table)
    key_id = f"key_{uuid.uuid4().hex}"
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: counts.count(key_id, 28_712_000, most=5), range(40)))
    assert sum(taken) == 5


@pytest.mark.usefixtures("provider")
def test_a_jwt_opens_until_it_expires_or_its_pair_is_revoked(stack: Stack) -> None:
    pair = create_key_pair(stack.aws_endpoint_url, stack.outputs, f"signer-{uuid.uuid4().hex[:8]}")
    with Gateway(stack, signed(pair)) as signer:
        task_id = signer.submit("images/generations", {"prompt": "signed"})["task_id"]
        assert signer.task(task_id)["task_id"] == task_id
    refusals = {
        signed(pair, exp=int(time.time()) - 31): 1004,
        signed(pair, nbf=int(time.time()) + 120): 1003,
        signed(Issued(pair.key, pair.secret[::-1])): 1000,
    }
    for token, code in refusals.items():
        with Gateway(stack, token) as refused:
            answer = refused.request("GET", f"/tasks/{task_id}")
        assert (answer.status_code, answer.json()["code"]) == (401, code)


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
