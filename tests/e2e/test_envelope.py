"""Whatever the relay refuses, and whoever asks: a code of Kling's, a message and the request's id, as JSON."""

import uuid
from typing import Any

import httpx
import pytest

from local.gateway import Gateway
from local.stack import Stack

CREATE = "/kling/v1/videos/text2video"
JSON = {"Content-Type": "application/json"}
LARGE = b'{"prompt":"' + b"a" * 5_500_000 + b'"}'

REFUSALS: dict[str, tuple[str, str, dict[str, Any], int, int]] = {
    "no JSON": ("POST", CREATE, {"content": b"{", "headers": JSON}, 400, 1200),
    "a wrong field": ("POST", CREATE, {"json": {"prompt": ""}}, 400, 1201),
    "a wrong page": ("GET", CREATE + "?pageNum=x", {}, 400, 1201),
    "a key that is unknown": ("GET", "/tasks", {"headers": {"Authorization": "Bearer crk_x"}}, 401, 1002),
    "a path that does not exist": ("GET", "/nowhere", {}, 404, 1202),
    "the root": ("GET", "/", {}, 404, 1202),
    "a path that is cut off": ("POST", "/kling/v1", {"json": {}}, 404, 1202),
    "a method that does not exist": ("DELETE", "/tasks", {}, 404, 1202),
    "another method": ("PUT", CREATE, {"json": {}}, 404, 1202),
    "a task that does not exist": ("GET", CREATE + "/none", {}, 404, 1203),
    "a callback with another token": ("POST", f"/callbacks/{'a' * 32}/kling.{'b' * 43}", {"json": {}}, 404, 1203),
    "a callback without a token": ("POST", f"/callbacks/{'a' * 32}", {"json": {}}, 404, 1202),
    "a callback that is read": ("GET", f"/callbacks/{'a' * 32}/kling.{'b' * 43}", {}, 404, 1202),
    "a body that is too large": (
        "POST",
        CREATE,
        {"content": LARGE, "headers": JSON},
        413,
        1200,
    ),
}


def check(answer: httpx.Response, status: int, code: int) -> None:
    """The envelope, and nothing beside it."""
    body = answer.json()
    assert (answer.status_code, body["code"]) == (status, code), body
    assert answer.headers["content-type"] == "application/json"
    assert body.keys() == {"code", "message", "request_id"}
    assert body["message"]
    assert body["request_id"]


@pytest.mark.parametrize(("method", "path", "options", "status", "code"), REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_is_an_envelope(
    gateway: Gateway, method: str, path: str, options: dict[str, Any], status: int, code: int
) -> None:
    check(gateway.request(method, path, **options), status, code)


def test_a_key_that_came_with_another_body_is_an_envelope(gateway: Gateway) -> None:
    key = {"Idempotency-Key": uuid.uuid4().hex}
    assert gateway.request("POST", CREATE, json={"prompt": "one"}, headers=key).status_code == 200
    check(gateway.request("POST", CREATE, json={"prompt": "other"}, headers=key), 422, 1201)


def test_a_probe_by_head_finds_the_relay_healthy(stack: Stack) -> None:
    answer = httpx.head(stack.gateway_url + "/health", trust_env=False, timeout=60)
    assert answer.status_code == 200
