"""Webhooks, from the deployed functions to the receivers of docs/webhooks.md."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.gateway import EventLog, Gateway
from local.simulator import Controls
from local.stack import ACCESS_KEY, SECRET_KEY, TENANT, Stack
from relay.adapters import aws
from relay_cli.operator import webhooks
from tests.e2e.conftest import until
from tests.e2e.receivers import documented_receiver, front

TEXT = "videos/text2video"


@pytest.fixture
def outputs(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The stack's, with the operator's clients led to it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", stack.aws_endpoint_url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", stack.region)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    aws.client.cache_clear()
    aws._session.cache_clear()
    yield stack.outputs
    aws.client.cache_clear()
    aws._session.cache_clear()


def _webhook(gateway: Gateway, task_id: str) -> Any:
    return gateway.task(task_id)["webhook"]


@pytest.mark.parametrize("language", ["python", "js"])
def test_a_documented_receiver_gets_every_status(
    gateway: Gateway, provider: Controls, outputs: dict[str, str], language: str, tmp_path: Path
) -> None:
    (secret, *_) = webhooks.secrets_of(TENANT, outputs)
    provider.fault("stall", next=1, params={"at": "submitted"})
    with documented_receiver(language, secret, tmp_path) as receiver:
        task_id = gateway.submit(TEXT, {"prompt": "A cat", "callback_url": receiver.url})["task_id"]
        for status, version in (("submitted", 1), ("processing", 2), ("succeed", 4)):
            if status != "submitted":
                provider.advance(task_id, status=status)
            until(lambda told=(f"{task_id}:{version}", status): told in receiver.told(), f"{status} is told")  # type: ignore[misc]
        assert [status for _, status in receiver.told()] == ["submitted", "processing", "succeed"]


def test_a_receiver_that_fails_twice_gets_each_status_in_order(
    gateway: Gateway, provider: Controls, events: EventLog, outputs: dict[str, str], tmp_path: Path
) -> None:
    """Each status is refused twice; what is taken at last was verified by both packages, and its URL has the bytes."""
    (secret, *_) = webhooks.secrets_of(TENANT, outputs)
    provider.fault("stall", next=1, params={"at": "submitted"})
    with contextlib.ExitStack() as stack:
        behind = [stack.enter_context(documented_receiver(language, secret, tmp_path)) for language in ("python", "js")]
        client = stack.enter_context(front(behind, failures=2))
        task_id = gateway.submit(TEXT, {"prompt": "A cat", "callback_url": client.url})["task_id"]
        until(lambda: len(client.taken) == 1, "submitted is taken")
        provider.advance(task_id, status="processing")
        until(lambda: len(client.taken) == 2, "processing is taken")
        provider.advance(task_id, status="succeed")
        until(lambda: len(client.taken) == 3, "succeed is taken")
        until(lambda: _webhook(gateway, task_id)["version"] == 4, "the last attempt is on record")
        until(lambda: _webhook(gateway, task_id)["state"] == "delivered", "it was delivered")

    ids = [f"{task_id}:{version}" for version in (1, 2, 4)]
    told = [json.loads(body) for _, body in client.taken]
    assert [each["task_status"] for each in told] == ["submitted", "processing", "succeed"]
    assert [headers["webhook-id"] for headers, _ in client.taken] == ids
    assert [receiver.told() for receiver in behind] == [list(zip(ids, ["submitted", "processing", "succeed"], strict=True))] * 2
    assert dict(client.requests) == dict.fromkeys(ids, 3)
    assert [attempt["http_status"] for attempt in _webhook(gateway, task_id)["attempts"]] == [500, 500, 204] * 3

    (video,) = told[-1]["task_result"]["videos"]
    truth = provider.task(task_id)["results"][0]
    assert gateway.download(video["url"]).sha256 == truth["sha256"]
    assert (video["id"], video["duration"]) == (truth["id"], truth["duration"])
    events.collect()
    assert "hush" not in json.dumps(events.by_task[task_id])


def test_a_url_that_would_never_be_called_is_refused(gateway: Gateway) -> None:
    answer = gateway.request("POST", f"/kling/v1/{TEXT}", json={"prompt": "A cat", "callback_url": "http://10.0.0.1/"})
    assert (answer.status_code, answer.json()["code"]) == (400, 1201)
    assert answer.json()["message"].startswith("callback_url: ")
