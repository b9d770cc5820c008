"""The payloads in events/: complete, and named after the functions that take them."""

import json
import re
from types import SimpleNamespace
from typing import Any

import pytest

from local.emulator.deploy import CALLBACK_KEY
from relay.adapters.dynamodb.items import task_of
from relay.adapters.secrets.cached import Secrets
from relay.adapters.secrets.callback_tokens import HmacCallbackTokens
from relay.domain.events import event_between
from relay.domain.task import derived_task_id
from tests.support.cloudformation import ROOT
from tests.support.moto_world import RESOURCES, event
from tests.support.stream_filter import lets_through

NAMES = sorted(path.stem for path in (ROOT / "events").glob("*.json"))
FUNCTIONS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/app.py"))
HTTP = [name for name in NAMES if name.split(".")[0] in {"submit_task", "query_tasks", "receive_callback", "authorize"}]


def routes(function: str) -> set[str]:
    """The route keys that the template gives a function."""
    name = "".join(word.title() for word in function.split("_"))
    made = RESOURCES[name]["Properties"].get("Events", {}).values()
    paths = [each["Properties"] for each in made]
    return {f"{each['Method']} {each['Path']}" if "Path" in each else "$default" for each in paths}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_has_a_payload(function: str) -> None:
    assert any(name.startswith(f"{function}.") for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_payload_belongs_to_a_function(name: str) -> None:
    assert re.fullmatch(r"[a-z_]+\.[a-z0-9_]+", name)
    assert name.split(".", maxsplit=1)[0] in FUNCTIONS


@pytest.mark.parametrize("name", HTTP)
def test_an_http_payload_fits_a_route_of_the_template(name: str) -> None:
    payload, function = event(name), name.split(".", maxsplit=1)[0]
    key = payload["routeKey"]
    assert key == payload["requestContext"]["routeKey"]
    assert key in (routes("submit_task") if function == "authorize" else routes(function))
    if key != "$default":
        method, template = key.split(" ")
        pattern = re.sub(r"\{(\w+)\+\}", r"(?P<\1>.+)", re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template))
        found = re.fullmatch(pattern, payload["rawPath"])
        assert found
        assert payload.get("pathParameters", {}) == found.groupdict()
        asked = payload["requestContext"]["http"]
        assert (asked["method"], asked["path"]) == (method, payload["rawPath"])
    assert payload["version"] == "2.0"


@pytest.mark.parametrize("name", [name for name in HTTP if name.startswith(("submit_task", "receive_callback"))])
def test_the_announced_length_is_that_of_the_body(name: str) -> None:
    payload = event(name)
    assert int(payload["headers"].get("content-length", "0")) == len(payload.get("body", "").encode())


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("receive_callback.")])
def test_a_callback_has_the_token_of_the_embedded_run_but_for_the_forged_one(name: str) -> None:
    key = SimpleNamespace(get_secret_value=lambda **_: {"SecretString": CALLBACK_KEY})
    path = event(name)["pathParameters"]
    expected = HmacCallbackTokens(Secrets(key, 60), "key").path(path["task_id"], "kling").endswith(path["token"])
    assert expected is (name != "receive_callback.forged")


def test_the_payloads_are_of_the_task_that_the_first_one_makes() -> None:
    """So that they can be sent one after the other: create it, report on it, ask for it."""
    submit = event("submit_task.text2video")
    tenant = submit["requestContext"]["authorizer"]["lambda"]["tenant"]
    task_id = derived_task_id(tenant, "idempotency_key", submit["headers"]["idempotency-key"])
    assert event("receive_callback.succeed")["pathParameters"]["task_id"] == task_id
    assert event("query_tasks.task")["pathParameters"]["proxy"] == f"tasks/{task_id}"
    for name in ("archive_results.succeed", "resubmit_tasks.attempt", "publish_events.created"):
        assert task_id in json.dumps(event(name))


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("publish_events.")])
def test_the_images_of_a_stream_record_are_items_of_ours(name: str) -> None:
    (record,) = event(name)["Records"]
    images: dict[str, Any] = record["dynamodb"]
    versions = [task_of(images[image]).version for image in ("OldImage", "NewImage") if image in images]
    assert versions in ([1], [1, 1], [1, 2], [2, 3], [3, 4], [4])
    assert {"INSERT": 1, "MODIFY": 2, "REMOVE": 1}[record["eventName"]] == len(versions)


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("publish_events.")])
def test_the_stream_tells_of_what_makes_an_event_and_of_nothing_else(name: str) -> None:
    (record,) = event(name)["Records"]
    images = {image: task_of(item) for image, item in record["dynamodb"].items() if image in {"OldImage", "NewImage"}}
    told = event_between(images.get("OldImage"), images["NewImage"]) if "NewImage" in images else None
    assert lets_through(record) is (told is not None)


@pytest.mark.parametrize("kind", ["INSERT", "MODIFY"])
def test_the_stream_does_not_tell_of_what_is_no_task(kind: str) -> None:
    claim = {"task_id": {"S": "key"}, "fingerprint": {"S": "f"}, "expires_at": {"N": "1"}}
    assert not lets_through({"eventName": kind, "dynamodb": {"OldImage": claim, "NewImage": claim}})


def test_the_archiving_message_carries_the_event_of_the_succeed_record() -> None:
    images = event("publish_events.succeed")["Records"][0]["dynamodb"]
    told = event_between(task_of(images["OldImage"]), task_of(images["NewImage"]))
    body = json.loads(event("archive_results.succeed")["Records"][0]["body"])
    assert told
    assert (body["detail-type"], body["detail"]) == (told.detail_type, told.detail)
