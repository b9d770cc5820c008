"""Replicate's own clients, unmodified, with another base URL and key."""

import hashlib
from typing import Any

import httpx
import pytest

from local.gateway import Gateway
from local.simulator import Controls
from tests.interop.conftest import Outcome

CLIENTS = ["replicate_pypi", "replicate_npm"]
FILES = {"model": 2, "version": 1}


@pytest.fixture(params=CLIENTS)
def outcome(request: pytest.FixtureRequest) -> Outcome:
    """What a client did."""
    found: Outcome = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("name", FILES)
def test_a_prediction_is_created_awaited_and_downloaded(
    outcome: Outcome, name: str, gateway: Gateway, provider: Controls
) -> None:
    created, ended = outcome["created"][name], outcome["ended"][name]
    assert (created["status"], created["output"]) == ("starting", None)
    assert (ended["status"], ended["error"]) == ("succeeded", None)
    assert ended["id"] == created["id"]
    assert created["input"]["prompt"] == ended["input"]["prompt"] == "a paper boat"
    task = gateway.task(created["id"])
    assert (task["provider"], task["status"]) == ("replicate", "succeed")
    truth = [file["sha256"] for file in provider.task(task["provider_task_id"])["results"]]
    assert len(truth) == FILES[name]
    assert [_downloaded(url) for url in ended["output"]] == truth
    assert created["urls"]["get"].endswith(f"/replicate/v1/predictions/{created['id']}")


def _downloaded(url: str) -> str:
    return hashlib.sha256(httpx.get(url, trust_env=False, timeout=60).raise_for_status().content).hexdigest()


def test_a_prediction_names_its_model_and_version_from_the_start(outcome: Outcome) -> None:
    by_model, by_version = outcome["created"]["model"], outcome["created"]["version"]
    assert (by_model["model"], by_model["version"]) == ("black-forest-labs/flux-schnell", "hidden")
    assert by_version["version"] == "0123456789abcdef" * 4


def test_a_failed_prediction_says_why(outcome: Outcome) -> None:
    ended = outcome["ended"]["failed"]
    assert ended["status"] == "failed"
    assert "risk control" in ended["error"]


def test_a_cancelled_prediction_has_ended(outcome: Outcome, gateway: Gateway) -> None:
    assert outcome["cancelled"]["status"] == "canceled"
    assert gateway.task(outcome["cancelled"]["id"])["failure"]["code"] == "cancelled"


def test_the_list_has_the_newest_first(outcome: Outcome) -> None:
    ids = [outcome["created"][name]["id"] for name in ("model", "version", "failed")]
    newest = [outcome["cancelled"]["id"], *reversed(ids)]
    assert outcome["listed"][: len(newest)] == newest


@pytest.mark.parametrize(
    ("case", "status", "words"),
    [("wrongInput", 422, "prompt is required"), ("unknown", 404, "no task"), ("wrongKey", 401, "Authorization")],
)
def test_a_refusal_is_raised_as_the_clients_own_error(outcome: Outcome, case: str, status: int, words: str) -> None:
    error: dict[str, Any] = outcome["raised"][case]
    assert (error["own"], error["status"]) == (True, status)
    assert words in error["detail"]
