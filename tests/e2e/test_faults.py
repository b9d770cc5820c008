"""A provider that misbehaves: nothing lost, nothing paid twice, nothing doubled."""

import json
from typing import Any

import httpx
import pytest

from local.gateway import EventLog, Gateway
from local.simulator import Controls
from local.stack import Stack
from tests.e2e.conftest import PATIENCE, Functions, until

TEXT = "videos/text2video"


def _submitted(gateway: Gateway, **body: Any) -> str:
    return str(gateway.submit(TEXT, {"prompt": "A cat", **body})["task_id"])


def _whole(task_id: str, gateway: Gateway, provider: Controls, events: EventLog) -> None:
    """The task ended well: contiguous versions, the provider's bytes, paid once."""
    events.wait_for([task_id], timeout=PATIENCE)
    task = gateway.task(task_id)
    assert (task["status"], task["archive"]) == ("succeed", "stored")
    versions = [event["detail"]["version"] for event in events.of(task_id)]
    assert versions == list(range(1, task["version"] + 1))
    truth = [(file["bytes"], file["sha256"]) for file in provider.task(task_id)["results"]]
    assert [(file["bytes"], file["sha256"]) for file in task["results"]] == truth
    assert provider.state(hashes=False)["paid"][task_id] == 1


@pytest.mark.parametrize(
    ("fault", "params"),
    [
        ("callback_duplicate", {"times": 3}),
        ("callback_reorder", {}),
        ("callback_early", {"through": "succeed"}),
        ("callback_contradict", {}),
        ("result_dead", {"status": 404}),
    ],
)
def test_what_a_provider_may_do_wrong_changes_nothing(
    gateway: Gateway, provider: Controls, events: EventLog, fault: str, params: dict[str, Any]
) -> None:
    provider.fault(fault, next=1, params=params)
    _whole(_submitted(gateway), gateway, provider, events)


def test_lost_callbacks_are_found(gateway: Gateway, provider: Controls, events: EventLog, functions: Functions) -> None:
    provider.fault("callback_drop", next=1)
    task_id = _submitted(gateway)
    until(lambda: provider.task(task_id)["status"] == "succeed", "the provider is done")

    def found() -> bool:
        functions.invoke("ReconcileTasks", {})
        return bool(gateway.task(task_id)["status"] == "succeed")

    until(found, "the reconciler finds the verdict")
    _whole(task_id, gateway, provider, events)


def test_a_callback_that_cannot_be_understood_is_kept_and_announced(
    gateway: Gateway, provider: Controls, events: EventLog, stack: Stack
) -> None:
    provider.fault("callback_unknown_status", next=1, params={"on": ["processing"], "value": "pondering"})
    task_id = _submitted(gateway)
    until(lambda: _quarantined(events, task_id), "a quarantine event")
    event = next(event for event in events.by_task[task_id] if event["detail-type"] == "Task Callback Quarantined")
    kept = stack.client("s3").get_object(Bucket=stack.results_bucket, Key=event["detail"]["key"])["Body"].read()
    assert json.loads(kept)["task_status"] == "pondering"

    def answer() -> Any:  # its event can overtake it
        calls = provider.task(task_id)["callbacks"]
        return next(call["status"] for call in calls if "pondering" in call["body"])

    assert until(answer, "the callback's answer") == 200


def _quarantined(events: EventLog, task_id: str) -> bool:
    events.collect(wait=1)
    return any(event["detail-type"] == "Task Callback Quarantined" for event in events.by_task[task_id])


def test_a_task_that_the_provider_cannot_take_now_is_sent_later(gateway: Gateway, provider: Controls, events: EventLog) -> None:
    provider.fault("refuse", next=1, params={"code": 1303})
    task_id = _submitted(gateway)
    assert gateway.task(task_id)["status"] == "submitted"
    _whole(task_id, gateway, provider, events)
    assert gateway.task(task_id)["attempts"] == 2


def test_a_task_whose_answer_was_lost_is_not_paid_twice(gateway: Gateway, provider: Controls, events: EventLog) -> None:
    provider.fault("close", next=1, params={"accept": True})
    task_id = _submitted(gateway)
    _whole(task_id, gateway, provider, events)
    assert gateway.task(task_id)["attempts"] == 1


def test_a_refusal_is_the_providers_own(gateway: Gateway, provider: Controls) -> None:
    provider.fault("refuse", next=1, params={"code": 1301})
    answer = gateway.request("POST", f"/kling/v1/{TEXT}", json={"prompt": "A cat"})
    assert (answer.status_code, answer.json()["code"]) == (400, 1301)


def test_forged_truncated_and_swapped_tokens_are_a_plain_404(gateway: Gateway, provider: Controls, stack: Stack) -> None:
    one, other = _submitted(gateway), _submitted(gateway)
    until(lambda: bool(provider.task(one)["callbacks"]), "a callback")
    url = provider.task(one)["callbacks"][0]["url"]
    token = url.rsplit("/", 1)[-1]
    body = {"task_id": "1", "task_status": "failed", "task_status_msg": "forged"}
    forged = [
        url[:-1],
        url[:-1] + ("A" if url[-1] != "A" else "B"),
        url.replace(one, other),
        f"{stack.gateway_url}/callbacks/{one}/kling.",
        f"{stack.gateway_url}/callbacks/{one}/{token.replace('kling', 'luma')}",
    ]
    for address in forged:
        answer = httpx.post(address, json=body, trust_env=False)
        assert (answer.status_code, answer.json()["message"]) == (404, "not found")
    assert gateway.task(other)["status_message"] != "forged"
