"""Replicate's API beside Kling's: predictions, errors in its own form, and each switch."""

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from local.simulator import Controls
from tests.support.cloudformation import ROOT
from tests.unit.local.simulator.receiver import Receiver

FIXTURES = ROOT / "tests" / "fixtures" / "replicate"
MODEL = "models/black-forest-labs/flux-schnell/predictions"
BODY = {"version": "0" * 64, "input": {"prompt": "a paper boat"}}
type Json = dict[str, Any]


@pytest.fixture
def api(simulator: Controls) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{simulator.url}/replicate/v1", headers=simulator.headers, trust_env=False) as client:
        yield client


def documented(name: str) -> Json:
    document: Json = json.loads((FIXTURES / f"{name}.json").read_text())
    return document


def ended(api: httpx.Client, simulator: Controls, **body: Any) -> Json:
    created = api.post("predictions", json={**BODY, **body}).json()
    simulator.settle()
    shown: Json = api.get(f"predictions/{created['id']}").json()
    return shown


def test_a_create_looks_as_documented(api: httpx.Client, simulator: Controls) -> None:
    simulator.settings(speed=0)
    answer = api.post(MODEL, json={"input": BODY["input"]})
    shown, known = answer.json(), documented("create_starting")
    assert answer.status_code == 201
    assert set(shown) == set(known)
    assert (shown["status"], shown["output"], shown["version"]) == ("starting", None, "hidden")
    assert shown["model"] == known["model"]
    assert re.fullmatch("[0-9a-z]{26}", shown["id"])


def test_a_success_has_every_documented_field_and_its_files(api: httpx.Client, simulator: Controls) -> None:
    shown = ended(api, simulator, input={"prompt": "a paper boat", "num_outputs": 2})
    assert set(documented("query_succeeded_array")) - set(shown) == set()
    assert shown["status"] == "succeeded"
    files = [hashlib.sha256(httpx.get(url, trust_env=False).content).hexdigest() for url in shown["output"]]
    assert files == [file["sha256"] for file in simulator.task(shown["id"])["results"]]


def test_a_failure_says_why(api: httpx.Client, simulator: Controls) -> None:
    shown = ended(api, simulator, input={"prompt": "[risk]"})
    assert (shown["status"], shown["output"]) == ("failed", None)
    assert "risk control" in shown["error"]


@pytest.mark.parametrize(
    ("output", "kind"), [("list", list), ("url", str), ("object", dict), ("text", str)], ids=["list", "url", "object", "text"]
)
def test_an_output_has_the_chosen_shape(api: httpx.Client, simulator: Controls, output: str, kind: type) -> None:
    simulator.settings(options={"replicate.output": output})
    shown = ended(api, simulator)["output"]
    assert isinstance(shown, kind)
    assert ("http://" in json.dumps(shown)) is (output != "text")
    simulator.fault("result_none", next=1)
    assert "http://" not in json.dumps(ended(api, simulator)["output"])


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "detail"),
    [
        ("POST", "predictions", {"input": {"prompt": "x"}}, 422, "version is required"),
        ("POST", "predictions", {"version": "1"}, 422, "input is required"),
        ("POST", MODEL, {"input": {}}, 422, "prompt is required"),
        ("GET", "predictions/nothing", None, 404, "Not found."),
        ("POST", "predictions/nothing/cancel", None, 404, "Not found."),
        ("GET", "files", None, 404, "Not found."),
    ],
)
def test_a_refusal_has_replicates_form(api: httpx.Client, method: str, path: str, body: Json, status: int, detail: str) -> None:
    answer = api.request(method, path, json=body)
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert set(answer.json()) == {"title", "detail", "status"}
    assert detail in answer.json()["detail"]


def test_a_key_may_come_as_a_token(api: httpx.Client, simulator: Controls) -> None:
    key = simulator.headers["Authorization"].partition(" ")[2]
    assert api.get("predictions", headers={"Authorization": f"Token {key}"}).status_code == 200
    assert api.get("predictions", headers={"Authorization": "Token no"}).status_code == 401


def test_kling_answers_its_errors_in_its_own_form_beside(simulator: Controls) -> None:
    answer = httpx.get(f"{simulator.url}/kling/v1/nothing", headers=simulator.headers, trust_env=False)
    assert set(answer.json()) == {"code", "message", "request_id"}
    assert httpx.get(f"{simulator.url}/replicate/v1/predictions", trust_env=False).json()["status"] == 401


def test_the_list_has_the_newest_first(api: httpx.Client, simulator: Controls) -> None:
    ids = [ended(api, simulator)["id"] for _ in range(3)]
    page = api.get("predictions").json()
    assert [each["id"] for each in page["results"]] == ids[::-1]
    assert (page["previous"], page["next"]) == (None, None)


def test_a_prediction_is_cancelled_only_where_the_route_exists(api: httpx.Client, simulator: Controls) -> None:
    simulator.settings(speed=0)
    prediction = f"predictions/{api.post('predictions', json=BODY).json()['id']}"
    assert api.post(f"{prediction}/cancel").status_code == 404
    assert api.get(prediction).json()["status"] == "starting"
    simulator.settings(options={"replicate.cancel": True})
    assert api.post(f"{prediction}/cancel").json()["status"] == "canceled"
    shown = api.get(prediction).json()
    assert (shown["status"], shown["error"]) == ("canceled", None)


def test_a_new_prediction_may_be_hidden_for_a_while(api: httpx.Client, simulator: Controls) -> None:
    simulator.settings(options={"replicate.hidden_seconds": 3600})
    prediction = f"predictions/{api.post('predictions', json=BODY).json()['id']}"
    assert api.get(prediction).status_code == 404
    simulator.settings(options={})
    assert api.get(prediction).status_code == 200


def test_webhooks_come_for_the_events_that_were_asked_for(api: httpx.Client, simulator: Controls, receiver: Receiver) -> None:
    hook = {"webhook": receiver.url, "webhook_events_filter": ["start", "completed"]}
    ended(api, simulator, **hook)
    assert receiver.bodies == [], "CometAPI does not pass them on by itself"
    simulator.settings(options={"replicate.webhooks": True})
    prediction = ended(api, simulator, **hook)
    told = [json.loads(body) for body in receiver.bodies]
    assert [each["status"] for each in told] == ["processing", "succeeded"]
    assert set(told[1]) == set(documented("callback_completed_succeeded"))
    assert told[1]["output"] == prediction["output"]
    ended(api, simulator, webhook=receiver.url)
    assert [json.loads(body)["status"] for body in receiver.bodies[2:]] == ["succeeded"]


@pytest.mark.parametrize(
    ("fault", "statuses"), [("callback_contradict", ["succeeded", "failed"]), ("callback_duplicate", ["succeeded"] * 2)]
)
def test_faults_of_callbacks_speak_replicates_words(
    api: httpx.Client, simulator: Controls, receiver: Receiver, fault: str, statuses: list[str]
) -> None:
    simulator.settings(options={"replicate.webhooks": True})
    simulator.fault(fault, operation="predictions")
    ended(api, simulator, webhook=receiver.url)
    assert [json.loads(body)["status"] for body in receiver.bodies] == statuses


def test_a_create_whose_response_is_lost_was_accepted(api: httpx.Client, simulator: Controls) -> None:
    simulator.fault("close", next=1, operation="predictions")
    with pytest.raises(httpx.RemoteProtocolError):
        api.post("predictions", json=BODY)
    assert len(api.get("predictions").json()["results"]) == 1
