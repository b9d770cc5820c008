"""Clients that we did not write, unmodified: what they create they get, and what is refused they raise as their own errors."""

import hashlib
from typing import Any

import httpx
import pytest

from local.gateway import Gateway
from local.simulator import Controls
from tests.interop.conftest import Outcome

OPERATIONS = {
    "kling_api": [
        "videos/text2video",
        "videos/image2video",
        "videos/video-extend",
        "videos/multi-image2video",
        "videos/omni-video",
        "videos/avatar/image2video",
        "images/generations",
        "images/editing/expand",
        "images/omni-image",
        "images/multi-image2image",
    ],
    "klingai_api": ["videos/text2video", "videos/image2video"],
}
EACH = [(client, operation) for client, operations in OPERATIONS.items() for operation in operations]


def outcome_of(request: pytest.FixtureRequest, client: str) -> Outcome:
    outcome: Outcome = request.getfixturevalue(client)
    return outcome


@pytest.mark.parametrize(("client", "operation"), EACH)
def test_an_operation_is_created_and_awaited(
    client: str, operation: str, request: pytest.FixtureRequest, provider: Controls, gateway: Gateway
) -> None:
    result = outcome_of(request, client)["awaited"][operation]
    assert "error" not in result, result
    assert result["created"]["task_status"] == "submitted"
    assert (result["code"], result["data"]["task_status"]) == (0, "succeed")
    task_id = result["created"]["task_id"]
    assert result["data"]["task_id"] == task_id
    assert gateway.task(task_id)["operation"] == operation
    truth = [file["sha256"] for file in provider.task(task_id)["results"] if file["field"] == "url"]
    assert truth
    assert [_downloaded(url) for url in result["files"]] == truth
    assert provider.state(hashes=False)["paid"][task_id] == 1


def _downloaded(url: str) -> str:
    return hashlib.sha256(httpx.get(url, trust_env=False, timeout=60).raise_for_status().content).hexdigest()


@pytest.mark.parametrize("client", OPERATIONS)
def test_no_operation_of_the_client_is_left_out(client: str, request: pytest.FixtureRequest) -> None:
    assert sorted(outcome_of(request, client)["awaited"]) == sorted(OPERATIONS[client])


# ── npm: kling-api ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("case", "status", "code", "message"),
    [
        ("taken", 400, 1201, "already exists"),
        ("wrongField", 400, 1201, "image_list"),
        ("unknownTask", 404, 1203, ""),
        ("wrongSecret", 401, 1000, "Authorization"),
        ("unknownKey", 401, 1002, "Authorization"),
        ("limited", 429, 1302, "send again in"),
    ],
)
def test_kling_api_raises_a_refusal_as_its_own_error(kling_api: Outcome, case: str, status: int, code: int, message: str) -> None:
    error = kling_api["raised"][case]
    assert (error["own"], error["name"]) == (True, "KlingAPIError")
    assert (error["httpStatus"], error["code"]) == (status, code)
    assert message in error["message"]
    assert error["requestId"]


def test_kling_api_raises_a_failed_task_as_its_own_error(kling_api: Outcome) -> None:
    error = kling_api["raised"]["failedTask"]
    assert (error["own"], error["code"]) == (True, 5000)
    assert "risk control" in error["message"]


def test_kling_api_finds_the_relay_healthy_with_a_good_key_only(kling_api: Outcome) -> None:
    assert kling_api["healthy"] == [True, False]
    assert kling_api["costs"]["answered"]["code"] == 0


def test_kling_api_works_below_the_prefix_of_cometapi_too(kling_api: Outcome) -> None:
    answered: dict[str, Any] = kling_api["prefixed"]["answered"]
    assert (answered["code"], answered["data"]["task_status"]) == (0, "submitted")


# ── PyPI: klingai-api ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("case", ["wrongSecret", "unknownKey"])
def test_klingai_api_raises_wrong_credentials_as_its_own_error(klingai_api: Outcome, case: str) -> None:
    error = klingai_api["raised"][case]
    assert (error["own"], error["name"]) == (True, "BadCredentials")


@pytest.mark.parametrize(
    ("case", "status", "code", "message"),
    [("taken", 400, 1201, "already exists"), ("wrongField", 400, 1201, "cfg_scale"), ("unknownTask", 404, 1203, "")],
)
def test_klingai_api_raises_a_refusal_as_requests_does(
    klingai_api: Outcome, case: str, status: int, code: int, message: str
) -> None:
    """It has no error of its own for these: `raise_for_status`."""
    error = klingai_api["raised"][case]
    assert (error["name"], error["httpStatus"], error["code"]) == ("HTTPError", status, code)
    assert message in error["message"]
    assert error["request_id"]


def test_klingai_api_shows_a_failed_task_with_its_reason(klingai_api: Outcome) -> None:
    """It returns what it is told, and has no error for it."""
    data = klingai_api["failedTask"]["data"]
    assert data["task_status"] == "failed"
    assert "risk control" in data["task_status_msg"]


@pytest.mark.parametrize("operation", OPERATIONS["klingai_api"])
def test_klingai_api_lists_what_it_has_created(klingai_api: Outcome, operation: str) -> None:
    listed = klingai_api["listed"][operation]
    assert listed["code"] == 0
    assert klingai_api["awaited"][operation]["created"]["task_id"] in [task["task_id"] for task in listed["data"]]
