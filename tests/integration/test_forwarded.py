"""What is passed on to the provider: operations that it answers at once, and those that the relay does not know."""

import base64
import json

import pytest

from relay.providers.kling.translator import Kling
from tests.support.moto_world import PROVIDER_KEY, TENANT, MotoWorld, event, with_body, with_path, with_tenant
from tests.support.upstream import refusal

VOICES = "general/custom-voices"
SPOKEN = {"code": 0, "message": "SUCCEED", "request_id": "theirs", "data": {"task_result": {"audios": [{"id": "a-1"}]}}}
COSTS = ("/account/costs", "/kling/account/costs", "/v1/account/costs", "/kling/v1/account/costs")


@pytest.mark.parametrize("case", ["identify_face", "init_selection", "tts"])
@pytest.mark.parametrize("prefix", ["/kling/v1/", "/v1/"])
def test_a_synchronous_answer_is_the_providers(world: MotoWorld, case: str, prefix: str) -> None:
    payload = event(f"submit_task.{case}")
    operation = payload["rawPath"].removeprefix("/kling/v1/")
    world.outside.next_answers = [(200, SPOKEN)]

    body = {**json.loads(payload["body"]), "relay_deadline_seconds": 60}
    answer = world.call("submit_task", with_body(with_path(payload, prefix + operation), body))

    assert (answer["statusCode"], json.loads(answer["body"])) == (200, SPOKEN)
    (sent,) = world.outside.sent
    assert (sent.method, sent.path, sent.body) == ("POST", f"/kling/v1/{operation}", json.loads(payload["body"]))
    assert sent.headers["authorization"] == f"Bearer {PROVIDER_KEY}"
    assert world.dynamodb.scan(TableName="tasks")["Items"] == []


def test_the_largest_answer_fits_lambdas_response_unchanged(world: MotoWorld) -> None:
    """As a text, each of its quotes and backslashes would take two bytes, and 4 MiB could be 8."""
    large = json.dumps({**SPOKEN, "data": '"\\' * 1_000_000}).encode()
    assert 4_000_000 < len(large) < 4_194_304
    world.outside.next_answers = [(200, large)]

    answer = world.call("submit_task", event("submit_task.tts"))

    assert answer["isBase64Encoded"]
    assert base64.b64decode(answer["body"]) == large
    assert len(json.dumps(answer)) < 6_291_456


@pytest.mark.parametrize("path", COSTS)
def test_the_costs_of_the_account_are_asked_for_with_the_query_as_it_came(world: MotoWorld, path: str) -> None:
    world.outside.next_answers = [(200, SPOKEN)]

    answer = world.call("query_tasks", with_path(event("query_tasks.account_costs"), path))

    assert (answer["statusCode"], json.loads(answer["body"])) == (200, SPOKEN)
    (sent,) = world.outside.sent
    assert (sent.method, sent.path) == ("GET", "/kling/account/costs?start_time=1722769557708&end_time=1722855957708")


@pytest.mark.parametrize(("function", "case"), [("submit_task", "tts"), ("query_tasks", "account_costs")])
def test_nothing_is_passed_on_for_a_stranger(world: MotoWorld, function: str, case: str) -> None:
    answer = world.http(function, with_tenant(event(f"{function}.{case}"), None, code="1002", message="unknown"))

    assert (answer.status, answer.code) == (401, 1002)
    assert world.outside.sent == []


@pytest.mark.parametrize(
    ("upstream", "expected"),
    [
        ((400, refusal(1201, "voice_id is unknown")), (400, 1201)),
        ((429, refusal(1303, "parallel task over resource pack limit")), (429, 1303)),
        ((401, refusal(1002, "Authorization is invalid")), (503, 5001)),
        ((500, refusal(5000, "Server internal error")), (504, 5002)),
        ((200, b"<html></html>"), (504, 5002)),
    ],
)
def test_a_failure_says_whose_it_is(
    world: MotoWorld, upstream: tuple[int, dict[str, object] | bytes], expected: tuple[int, int]
) -> None:
    world.outside.next_answers = [upstream]

    answer = world.call("submit_task", event("submit_task.tts"))

    body = json.loads(answer["body"])
    assert (answer["statusCode"], body["code"]) == expected
    assert body["request_id"]
    assert ("billed" in body["message"]) == (expected[1] == 5002)
    assert len(world.outside.sent) == 1


def test_a_wrong_field_is_named_before_anything_is_sent(world: MotoWorld) -> None:
    answer = world.http("submit_task", with_body(event("submit_task.tts"), {"text": "Hello"}))

    assert (answer.status, answer.code) == (400, 1201)
    assert answer.message.startswith("voice_id: expected a value")
    assert world.outside.sent == []


def test_an_operation_that_nobody_knows_makes_a_task_that_its_path_finds(world: MotoWorld) -> None:
    given = json.loads(event("submit_task.unknown_operation")["body"]) | {"external_task_id": "voice-1"}

    created = world.submit("unknown_operation", given)

    assert (created.status, created.code) == (200, 0)
    assert f"warning: {VOICES} is not known to this relay" in created.message
    task_id = created.data["task_id"]
    (sent,) = world.outside.sent
    assert (sent.path, sent.body["external_task_id"], sent.body["voice_name"]) == (f"/kling/v1/{VOICES}", task_id, "Ann")
    task = world.task(task_id)
    assert (task.tenant, task.operation, task.provider_task_id) == (TENANT, VOICES, "P00000000000000001")
    voices = [{"voice_id": "v-1", "voice_name": "Ann", "trial_url": "https://provider.example/ann.mp3"}]
    assert world.callback("succeed", task_id, task_result={"voices": voices}).data == {"status": "applied"}
    for path in (f"/kling/v1/{VOICES}/{task_id}", f"/v1/{VOICES}/voice-1"):
        shown = world.http("query_tasks", with_path(event("query_tasks.single"), path)).data
        assert (shown["task_status"], shown["task_result"]["voices"]) == ("succeed", voices)
    listed = world.http("query_tasks", with_path(event("query_tasks.list"), f"/v1/{VOICES}", {"pageSize": "5"})).data
    assert [each["task_id"] for each in listed] == [task_id]
    page = world.http("query_tasks", with_path(event("query_tasks.tasks"), "/tasks", {"operation": VOICES})).data
    assert [each["operation"] for each in page["tasks"]] == [VOICES]


@pytest.mark.parametrize("path", ["/v1/general/nothing", "/v1/chat/completions", "/kling/v1/videos", "/v1/audio/tts"])
def test_a_list_of_an_operation_that_nobody_ever_used_is_not_there(world: MotoWorld, path: str) -> None:
    answer = world.http("query_tasks", with_path(event("query_tasks.list"), path))

    assert (answer.status, answer.code) == (404, 1202)


def test_an_answer_at_once_is_the_clients_though_nobody_expected_it(world: MotoWorld) -> None:
    world.outside.next_answers = [(200, SPOKEN)]
    payload = with_path(event("submit_task.unknown_operation"), "/kling/v1/videos/image-recognize")

    first, again = (world.call("submit_task", payload) for _ in range(2))

    assert json.loads(first["body"]) == json.loads(again["body"]) == SPOKEN
    assert (first["statusCode"], again["statusCode"]) == (200, 200)
    assert len(world.outside.sent) == 1
    assert world.messages("resubmissions") == []
    world.publish()
    statuses = [(each["detail"]["status"], each["detail"].get("failure", {}).get("code")) for each in world.messages("events")]
    assert statuses == [("submitted", None), ("failed", "answered")]


def test_an_operation_with_three_segments_is_asked_for_by_its_path(world: MotoWorld) -> None:
    task_id = world.submitted("avatar", external_task_id="a1")
    shown = world.http("query_tasks", event("query_tasks.three_segments"))
    assert shown.data["task_id"] == task_id
    listed = world.http("query_tasks", with_path(event("query_tasks.list"), "/v1/videos/avatar/image2video"))
    assert [each["task_id"] for each in listed.data] == [task_id]
    assert "videos/avatar/image2video" in Kling.operations
