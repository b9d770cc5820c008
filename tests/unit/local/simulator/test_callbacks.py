"""The callbacks that are sent to callback_url, and every fault of theirs."""

import json
from collections import Counter
from typing import Any

import httpx
import pytest

from local.simulator import Controls
from local.simulator.faults.malformed import VARIANTS
from tests.unit.local.simulator.receiver import Receiver

T2V = "/videos/text2video"
ALL = ["submitted", "processing", "succeed"]


def submit(provider: httpx.Client, receiver: Receiver, **more: Any) -> str:
    body = {"prompt": "a cat", "callback_url": receiver.url, **more}
    return str(provider.post(T2V, json=body).json()["data"]["task_id"])


def test_every_change_is_told_in_the_shape_of_the_protocol(
    simulator: Controls, provider: httpx.Client, receiver: Receiver
) -> None:
    task_id = submit(provider, receiver, watermark_info={"enabled": True})
    simulator.settle()
    submitted, processing, succeed = receiver.callbacks
    base = {"task_id", "task_status", "created_at", "updated_at"}
    assert set(submitted) == base
    assert set(processing) == base | {"task_status_msg"}
    assert set(succeed) == base | {"task_status_msg", "task_result"}
    assert receiver.statuses == ALL
    assert {each["task_id"] for each in receiver.callbacks} == {task_id}
    assert set(succeed["task_result"]) == {"videos"}
    assert set(succeed["task_result"]["videos"][0]) == {"id", "url", "duration"}
    assert {each["content-type"] for each in receiver.headers} == {"application/json; charset=utf-8"}


def test_a_failure_is_told_with_its_reason(simulator: Controls, provider: httpx.Client, receiver: Receiver) -> None:
    submit(provider, receiver, prompt="[risk]", external_task_id="e")
    simulator.settle()
    last = receiver.callbacks[-1]
    assert last["task_status"] == "failed"
    assert last["task_status_msg"] == "Failure to pass the risk control system"
    assert last["task_info"] == {"external_task_id": "e"}
    assert "task_result" not in last


def test_a_callback_that_is_refused_is_not_sent_again(simulator: Controls, provider: httpx.Client, receiver: Receiver) -> None:
    receiver.status = 503
    submit(provider, receiver)
    log = simulator.settle()["callbacks"]
    assert receiver.statuses == ALL
    assert [(each["task_status"], each["status"]) for each in log] == [(status, 503) for status in ALL]
    assert all(each["url"] == receiver.url and each["at"] for each in log)


def test_a_redirect_is_not_followed(simulator: Controls, provider: httpx.Client, receiver: Receiver) -> None:
    receiver.status, receiver.location = 307, f"{receiver.url}/elsewhere"
    submit(provider, receiver)
    assert [each["status"] for each in simulator.settle()["callbacks"]] == [307] * 3
    assert len(receiver.bodies) == 3


def test_a_receiver_that_is_not_there_changes_nothing(simulator: Controls, provider: httpx.Client) -> None:
    provider.post(T2V, json={"prompt": "a", "callback_url": "http://127.0.0.1:9/"})
    state = simulator.settle()
    assert state["tasks"][0]["status"] == "succeed"
    assert [each["status"] for each in state["callbacks"]] == [None] * 3
    assert {each["error"] for each in state["callbacks"]} == {"ClientConnectorError"}


def test_nobody_beyond_loopback_is_called(simulator: Controls, provider: httpx.Client) -> None:
    provider.post(T2V, json={"prompt": "a", "callback_url": "https://example.com/"})
    assert {each["error"] for each in simulator.settle()["callbacks"]} == {"not a loopback host"}


def test_a_host_that_is_named_may_be_called(simulator: Controls, provider: httpx.Client) -> None:
    for hosts, refused in (([], True), (["127.0.0.2"], False)):
        simulator.settings(callback_hosts=hosts)
        task = provider.post(T2V, json={"prompt": "a", "callback_url": "http://127.0.0.2:9/"}).json()["data"]
        simulator.settle()
        errors = {each["error"] for each in simulator.task(task["task_id"])["callbacks"]}
        assert (errors == {"not a loopback host"}) is refused


def test_a_task_without_callback_url_tells_nobody(simulator: Controls, provider: httpx.Client) -> None:
    provider.post(T2V, json={"prompt": "a"})
    assert simulator.settle()["callbacks"] == []


@pytest.mark.parametrize("concurrent", [False, True])
def test_duplicates(simulator: Controls, provider: httpx.Client, receiver: Receiver, concurrent: bool) -> None:
    simulator.fault("callback_duplicate", params={"on": ["succeed"], "times": 3, "concurrent": concurrent})
    submit(provider, receiver)
    assert simulator.settle()["faults"]["injected"] == {"callback_duplicate": 1}
    assert receiver.statuses == [*ALL, "succeed", "succeed"]
    assert len(set(receiver.bodies)) == 3


def test_drops_are_logged_and_counted(simulator: Controls, provider: httpx.Client, receiver: Receiver) -> None:
    simulator.fault("callback_drop", params={"on": ["processing", "succeed"]})
    submit(provider, receiver)
    state = simulator.settle()
    assert receiver.statuses == ["submitted"]
    assert [each["error"] for each in state["callbacks"]] == ["", "dropped", "dropped"]
    assert state["faults"]["injected"] == {"callback_drop": 2}
    assert state["tasks"][0]["status"] == "succeed"


def test_reordering_tells_the_end_first(simulator: Controls, provider: httpx.Client, receiver: Receiver) -> None:
    simulator.fault("callback_reorder")
    submit(provider, receiver)
    simulator.settle()
    assert receiver.statuses == ALL[::-1]


def test_a_delayed_callback_is_overtaken(simulator: Controls, provider: httpx.Client, receiver: Receiver) -> None:
    simulator.fault("callback_delay", params={"on": ["processing"], "seconds": 0.06})
    submit(provider, receiver)
    simulator.settle()
    assert receiver.statuses == ["submitted", "succeed", "processing"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_each_malformed_body_is_no_callback(
    simulator: Controls, provider: httpx.Client, receiver: Receiver, variant: str
) -> None:
    simulator.fault("callback_malformed", params={"on": ["succeed"], "variant": variant})
    submit(provider, receiver)
    simulator.settle()
    try:
        body = json.loads(receiver.bodies[-1])
    except ValueError:
        body = None
    understood = isinstance(body, dict) and {"task_id", "task_status"} <= body.keys() and body["task_status"] in ALL
    assert not understood
    assert len(receiver.bodies) == 3


def test_malformed_bodies_are_drawn_from_the_seed(simulator: Controls, provider: httpx.Client, receiver: Receiver) -> None:
    simulator.fault("callback_malformed", params={"on": ["succeed"]})
    drawn = []
    for _ in range(2):
        for each in range(6):
            submit(provider, receiver, external_task_id=str(each))
        log = simulator.settle()["callbacks"]
        drawn.append(Counter(entry["body"][:2] for entry in log if entry["task_status"] == "succeed"))
        simulator.reset()
        simulator.settings(speed=1000.0)
        simulator.fault("callback_malformed", params={"on": ["succeed"]})
    assert drawn[0] == drawn[1]
    assert len(drawn[0]) > 1


def test_an_unknown_status_is_sent(simulator: Controls, provider: httpx.Client, receiver: Receiver) -> None:
    simulator.fault("callback_unknown_status", params={"on": ["processing"], "value": "thinking"})
    submit(provider, receiver)
    simulator.settle()
    assert receiver.statuses == ["submitted", "thinking", "succeed"]


def test_a_contradiction_follows_the_verdict(simulator: Controls, provider: httpx.Client, receiver: Receiver) -> None:
    simulator.fault("callback_contradict")
    submit(provider, receiver)
    simulator.settle()
    assert receiver.statuses == [*ALL, "failed"]


@pytest.mark.parametrize(("through", "expected"), [("submitted", ALL[:1]), ("succeed", ALL)])
def test_a_callback_comes_before_the_create_answer(
    simulator: Controls, provider: httpx.Client, receiver: Receiver, through: str, expected: list[str]
) -> None:
    simulator.settings(speed=0 if through == "submitted" else 1000.0)
    simulator.fault("callback_early", params={"through": through})
    task_id = submit(provider, receiver)
    assert receiver.statuses == expected
    assert receiver.callbacks[0]["task_id"] == task_id


def test_without_that_fault_the_answer_comes_first(simulator: Controls, provider: httpx.Client, receiver: Receiver) -> None:
    simulator.settings(speed=0)
    for _ in range(5):
        submit(provider, receiver)
    log = simulator.settle()["callbacks"]
    assert receiver.statuses == ["submitted"] * 5
    assert all(entry["status"] == 200 for entry in log)
