"""The fault rules, and the faults of requests and of a task's progress."""

from typing import Any

import httpx
import pytest

from local.simulator import Controls
from local.simulator.common.errors import TABLE, AdminError
from local.simulator.common.randomness import Randomness
from local.simulator.faults.rules import REQUEST_FAULTS, Faults
from local.simulator.protocol.kling.provider import Kling

T2V = "/videos/text2video"
CLIP = {"prompt": "a cat"}


def facts(external: str = "", operation: str = "videos/text2video") -> dict[str, set[str]]:
    return {"external_task_id": {external}, "operation": {operation}}


def drawn(faults: Faults, times: int = 1, **about: str) -> int:
    return sum(len(faults.draw(REQUEST_FAULTS, facts(**about))) for _ in range(times))


def test_a_rule_for_the_next_ones_is_used_up() -> None:
    faults = Faults(Randomness(7), Kling.operations)
    faults.add({"fault": "hang", "next": 2})
    assert [drawn(faults) for _ in range(4)] == [1, 1, 0, 0]


def test_a_rule_for_an_id_or_an_operation_meets_nothing_else() -> None:
    faults = Faults(Randomness(7), Kling.operations)
    faults.add({"fault": "hang", "external_task_id": "e"})
    faults.add({"fault": "close", "operation": "videos/lip-sync"})
    assert drawn(faults) == 0
    assert drawn(faults, external="e") == 1
    assert drawn(faults, operation="videos/lip-sync") == 1
    assert drawn(faults, external="e", operation="videos/lip-sync") == 2


def test_a_probability_is_met_about_as_often_and_the_same_for_the_same_seed() -> None:
    def run(seed: int) -> list[int]:
        faults = Faults(Randomness(seed), Kling.operations)
        faults.add({"fault": "hang", "probability": 0.3})
        return [drawn(faults) for _ in range(400)]

    assert 80 < sum(run(7)) < 160
    assert run(7) == run(7) != run(8)


def test_a_removed_rule_meets_nobody() -> None:
    faults = Faults(Randomness(7), Kling.operations)
    first = faults.add({"fault": "hang"})
    faults.add({"fault": "close"})
    faults.remove(first.number)
    assert drawn(faults) == 1
    faults.remove()
    assert drawn(faults) == 0


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"fault": "callback_dorp"},
        {"fault": "hang", "nxt": 1},
        {"fault": "hang", "params": {"minutes": 1}},
        {"fault": "hang", "params": 7},
        {"fault": "refuse", "params": {"code": 1}},
        {"fault": "callback_malformed", "params": {"variant": "odd"}},
        {"fault": "callback_drop", "at": "query"},
        {"fault": "hang", "at": "night"},
        {"fault": "hang", "operation": "videos/tex2video"},
    ],
)
def test_a_rule_that_could_mean_nothing_is_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(AdminError):
        Faults(Randomness(7), Kling.operations).add(rule)


@pytest.mark.parametrize("code", TABLE)
def test_any_code_of_the_table_can_be_refused_with(simulator: Controls, provider: httpx.Client, code: int) -> None:
    simulator.fault("refuse", next=1, params={"code": code})
    answer = provider.post(T2V, json=CLIP)
    assert (answer.status_code, answer.json()["code"]) == (TABLE[code][0], code)
    assert answer.json()["message"] == TABLE[code][1]
    assert simulator.state()["tasks"] == []
    assert provider.post(T2V, json=CLIP).status_code == 200


def test_a_refusal_can_follow_a_task_that_was_made(simulator: Controls, provider: httpx.Client) -> None:
    simulator.fault("refuse", params={"code": 5002, "accept": True})
    assert provider.post(T2V, json=CLIP | {"external_task_id": "e"}).status_code == 504
    state = simulator.settle()
    assert state["paid"] == {"e": 1}
    assert state["tasks"][0]["status"] == "succeed"


@pytest.mark.parametrize("html", [True, False])
def test_plain_server_errors(simulator: Controls, provider: httpx.Client, html: bool) -> None:
    simulator.fault("http_error", params={"status": 502, "html": html})
    answer = provider.post(T2V, json=CLIP)
    assert answer.status_code == 502
    if html:
        assert answer.headers["content-type"].startswith("text/html")
        assert answer.text.startswith("<html>")
    else:
        assert set(answer.json()) == {"error"}
    assert simulator.state()["tasks"] == []


@pytest.mark.parametrize(("accept", "paid"), [(True, {"e": 1}), (False, {})])
def test_no_answer_ever_comes(simulator: Controls, provider: httpx.Client, accept: bool, paid: dict[str, int]) -> None:
    simulator.fault("hang", next=1, params={"accept": accept})
    with pytest.raises(httpx.ReadTimeout):
        provider.post(T2V, json=CLIP | {"external_task_id": "e"}, timeout=0.05)
    assert simulator.settle()["paid"] == paid


def test_an_answer_comes_late(simulator: Controls, provider: httpx.Client) -> None:
    simulator.fault("hang", params={"seconds": 0.03})
    answer = provider.post(T2V, json=CLIP)
    assert answer.json()["code"] == 0
    assert answer.elapsed.total_seconds() >= 0.03


@pytest.mark.parametrize(("accept", "paid"), [(True, {"e": 1}), (False, {})])
def test_the_connection_breaks(simulator: Controls, provider: httpx.Client, accept: bool, paid: dict[str, int]) -> None:
    simulator.fault("close", next=1, params={"accept": accept})
    with pytest.raises(httpx.TransportError):
        provider.post(T2V, json=CLIP | {"external_task_id": "e"})
    state = simulator.settle()
    assert state["paid"] == paid
    assert state["faults"]["injected"] == {"close": 1}
    again = provider.post(T2V, json=CLIP | {"external_task_id": "e"})
    assert again.json()["code"] == (1201 if accept else 0)


def test_hanging_and_closing_make_the_task_unless_told_otherwise(simulator: Controls, provider: httpx.Client) -> None:
    for fault in ("hang", "close"):
        simulator.fault(fault, next=1)
        with pytest.raises(httpx.TransportError):
            provider.post(T2V, json=CLIP | {"external_task_id": fault}, timeout=0.05)
    assert simulator.settle()["paid"] == {"hang": 1, "close": 1}


def test_queries_go_wrong_too_and_only_if_told(simulator: Controls, provider: httpx.Client) -> None:
    simulator.fault("refuse", at="query", next=1, external_task_id="e", params={"code": 1201, "message": "not yet"})
    task_id = provider.post(T2V, json=CLIP | {"external_task_id": "e"}).json()["data"]["task_id"]
    assert provider.get(f"{T2V}/{task_id}").json()["message"] == "not yet"
    assert provider.get(f"{T2V}/{task_id}").json()["code"] == 0


def test_a_chosen_task_fails(simulator: Controls, provider: httpx.Client) -> None:
    simulator.fault("fail", external_task_id="bad", params={"message": "there is no human in the video"})
    for external in ("good", "bad"):
        provider.post(T2V, json=CLIP | {"external_task_id": external})
    simulator.settle()
    assert simulator.task("good")["status"] == "succeed"
    assert simulator.task("bad")["message"] == "there is no human in the video"


@pytest.mark.parametrize("at", ["submitted", "processing"])
def test_a_chosen_task_never_ends_and_keeps_its_slot(simulator: Controls, provider: httpx.Client, at: str) -> None:
    simulator.fault("stall", next=1, params={"at": at})
    provider.post(T2V, json=CLIP)
    state = simulator.settle()
    assert state["tasks"][0]["status"] == at
    assert state["slots"] == {"video": 1}


def test_a_rule_meets_a_task_that_exists_already(simulator: Controls, provider: httpx.Client) -> None:
    simulator.settings(speed=0)
    task_id = provider.post(T2V, json=CLIP).json()["data"]["task_id"]
    simulator.fault("fail", task_id=task_id, params={"message": "late"})
    simulator.advance(task_id)
    assert simulator.advance(task_id)["message"] == "late"


def test_a_success_can_be_empty_handed(simulator: Controls, provider: httpx.Client) -> None:
    simulator.fault("result_none")
    task_id = provider.post(T2V, json=CLIP).json()["data"]["task_id"]
    simulator.settle()
    task = provider.get(f"{T2V}/{task_id}").json()["data"]
    assert (task["task_status"], task["task_result"]) == ("succeed", {})
