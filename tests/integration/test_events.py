"""The payloads in events/: complete, and named after the functions that take them."""

import json
import re
from typing import Any

import pytest

from relay.adapters.items import task_of
from relay.domain.events import event_between
from tests.integration.world import RESOURCES, event
from tests.unit.cloudformation import ROOT

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


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("publish_events.")])
def test_the_images_of_a_stream_record_are_items_of_ours(name: str) -> None:
    (record,) = event(name)["Records"]
    images: dict[str, Any] = record["dynamodb"]
    versions = [task_of(images[image]).version for image in ("OldImage", "NewImage") if image in images]
    assert versions in ([1], [1, 1], [1, 2], [2, 3], [3, 4], [4])
    assert {"INSERT": 1, "MODIFY": 2, "REMOVE": 1}[record["eventName"]] == len(versions)


def test_the_archiving_message_carries_the_event_of_the_succeed_record() -> None:
    images = event("publish_events.succeed")["Records"][0]["dynamodb"]
    told = event_between(task_of(images["OldImage"]), task_of(images["NewImage"]))
    body = json.loads(event("archive_results.succeed")["Records"][0]["body"])
    assert told
    assert (body["detail-type"], body["detail"]) == (told.detail_type, told.detail)
