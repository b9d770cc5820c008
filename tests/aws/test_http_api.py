"""Base paths, encoded paths and sizes as API Gateway treats them, and the variables of its access log."""

import base64
import json
import re
from typing import Any

import pytest

from local.emulator.serve import LARGEST_PAYLOAD, LARGEST_REQUEST, payload_size, refusal_of
from relay.domain.errors import RequestTooLargeError
from relay.entrypoint.http import BINARY_LIMIT, REQUEST_LIMIT, VALUES_LIMIT, json_object, without_base_path
from tests.aws.http_api import CONTEXT, LOG_VARIABLES, arrived, decoded
from tests.support.cloudformation import load_template
from tests.support.moto_world import event

TEMPLATE = load_template()
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]
ROUTES = [
    f"{each['Properties']['Method']} {each['Properties']['Path']}"
    for function in RESOURCES.values()
    for each in function["Properties"].get("Events", {}).values()
    if each["Type"] == "HttpApi" and "Path" in each["Properties"]
]
VALUES = {"{proxy+}": "kling/v1/videos/text2video/a%20b", "{task_id}": "0f", "{token}": "xyz"}


@pytest.mark.parametrize(
    ("path", "raw"),
    [
        ("/a%20b", "/a b"),
        ("/a%2Fb", "/a/b"),
        ("/%E7%8C%AB", "/猫"),
        ("/50%25", "/50%25"),
        ("/a%252Fb", "/a%252Fb"),
        ("/a%3Fb", "/a"),
    ],
)
def test_a_path_arrives_decoded(path: str, raw: str) -> None:
    assert decoded(path) == raw


@pytest.mark.parametrize("stripped", [False, True])
@pytest.mark.parametrize("base", ["", "/relay", "/v1", "/kling/v1", "/tasks", "/a/b"])
@pytest.mark.parametrize("route", ROUTES)
def test_a_base_path_changes_no_route(route: str, base: str, stripped: bool) -> None:
    path = re.sub(r"{.+?}", lambda name: VALUES[name[0]], route.partition(" ")[2])
    received = arrived(event("query_tasks.tasks"), route, path, base=base, stripped=stripped)
    assert without_base_path(received)["rawPath"] == decoded(path)
    assert without_base_path(received)["requestContext"]["domainName"] == f"media.example.com{'' if stripped else base}"


def test_a_request_without_a_route_keeps_its_path() -> None:
    received = event("query_tasks.tasks") | {"routeKey": "$default", "rawPath": "/relay/tasks", "pathParameters": None}
    received["requestContext"]["http"]["path"] = "/relay/tasks"
    assert without_base_path(received)["rawPath"] == "/relay/tasks"


@pytest.mark.parametrize(("given", "task_id"), [("50%25", "50%"), ("a%2520b", "a%20b"), ("%252F", "%2F")])
def test_a_percent_sign_in_an_id_arrives_once(given: str, task_id: str) -> None:
    received = arrived(event("query_tasks.tasks"), "GET /tasks/{task_id}", f"/tasks/{given}")
    assert without_base_path(received)["rawPath"] == f"/tasks/{task_id}"


def test_the_access_log_names_only_variables_of_an_http_api() -> None:
    text = RESOURCES["Gateway"]["Properties"]["AccessLogSettings"]["Format"]
    variables = re.findall(r"\$context[A-Za-z0-9_.]+", text)
    assert len(variables) > 5
    assert [name for name in variables if not LOG_VARIABLES.fullmatch(name)] == []
    assert {name.rpartition(".")[2] for name in variables if ".authorizer." in name} == CONTEXT
    assert set(json.loads(text)) >= {"route_key", "status", "tenant", "key", "error", "authorizer_error"}


HEADERS = [(b"content-type", b"application/json"), *((b"x-header-%d" % number, b"x" * 500) for number in range(20))]
"""More than a client sends: an HTTP API takes 10,240 bytes of request line and headers."""


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"image": "A" * (REQUEST_LIMIT - 20)}),
        json.dumps({"list": ["0"] * (VALUES_LIMIT - 10), "image": "A" * (REQUEST_LIMIT - 200_000)}),
    ],
)
def test_the_largest_request_that_is_taken_reaches_a_function(body: str) -> None:
    assert len(body) <= REQUEST_LIMIT
    assert refusal_of(body.encode(), HEADERS) is None


@pytest.mark.parametrize(
    ("body", "headers", "refusal"),
    [
        (b"x" * (LARGEST_REQUEST + 1), HEADERS, (413, b"HTTP content length exceeded 10485760 bytes.")),
        (b"x" * LARGEST_PAYLOAD, HEADERS, (413, b'{"message":"Request Too Long"}')),
        (b'"' * 3_200_000, HEADERS, (413, b'{"message":"Request Too Long"}')),
        (b"\0" * 4_800_000, [(b"content-type", b"image/png")], (413, b'{"message":"Request Too Long"}')),
        (b"\0" * 4_600_000, [(b"content-type", b"image/png")], None),
        (b"x" * 6_000_000, HEADERS, None),
    ],
)
def test_a_request_that_aws_refuses(body: bytes, headers: list[tuple[bytes, bytes]], refusal: tuple[int, bytes] | None) -> None:
    assert refusal_of(body, headers) == refusal


def test_the_largest_binary_body_that_is_taken_reaches_a_function() -> None:
    assert refusal_of(b"\0" * BINARY_LIMIT, [(b"content-type", b"multipart/form-data; boundary=x"), *HEADERS[1:]]) is None


def test_a_binary_body_above_that_is_refused_by_the_relay_itself() -> None:
    body = json.dumps({"image": "A" * BINARY_LIMIT}).encode()
    given = {"headers": {}, "isBase64Encoded": True, "body": base64.b64encode(body).decode()}
    assert refusal_of(body, [(b"content-type", b"application/octet-stream")]) is None
    with pytest.raises(RequestTooLargeError, match="at most 4000000: upload"):
        json_object(given)
    assert json_object(given | {"isBase64Encoded": False, "body": body.decode()})


def test_quotes_and_backslashes_count_twice() -> None:
    plain, escaped = payload_size(b"x" * 1000, HEADERS), payload_size(b'"\\' * 500, HEADERS)
    assert escaped - plain == 1000
