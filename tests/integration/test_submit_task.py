"""POST /kling/v1/{operation}: what a client is answered, what the provider is sent, what is stored."""

import json
from typing import Any

import pytest

from relay.domain.task import FailureCode, Rank, Status
from relay.providers.kling.translator import Kling
from tests.aws.http_api import arrived
from tests.support.moto_world import PROVIDER_KEY, TENANT, MotoWorld, event, video, with_body, with_path, with_tenant
from tests.support.upstream import refusal

CASES = {
    "generations": "images/generations",
    "multi_image2image": "images/multi-image2image",
    "omni_image": "images/omni-image",
    "expand": "images/editing/expand",
    "virtual_try_on": "images/kolors-virtual-try-on",
    "text2video": "videos/text2video",
    "image2video": "videos/image2video",
    "multi_image2video": "videos/multi-image2video",
    "omni_video": "videos/omni-video",
    "video_extend": "videos/video-extend",
    "motion_control": "videos/motion-control",
    "effects": "videos/effects",
    "avatar": "videos/avatar/image2video",
    "lip_sync": "videos/lip-sync",
    "advanced_lip_sync": "videos/advanced-lip-sync",
    "multi_elements": "videos/multi-elements",
    "text_to_audio": "audio/text-to-audio",
    "video_to_audio": "audio/video-to-audio",
}


@pytest.mark.parametrize(("case", "operation"), CASES.items())
def test_every_operation_is_accepted_and_sent_to_the_provider_once(world: MotoWorld, case: str, operation: str) -> None:
    answer = world.submit(case)
    assert (answer.status, answer.code, answer.message) == (200, 0, "SUCCEED")
    assert answer.data["task_status"] == "submitted"
    (sent,) = world.outside.sent
    assert (sent.method, sent.path) == ("POST", f"/kling/v1/{operation}")
    assert sent.headers["authorization"] == f"Bearer {PROVIDER_KEY}"
    task_id = answer.data["task_id"]
    given = json.loads(event(f"submit_task.{case}")["body"])
    domain = event(f"submit_task.{case}")["requestContext"]["domainName"]
    assert sent.body["callback_url"].startswith(f"https://{domain}/callbacks/{task_id}/kling.")
    assert sent.body == given | {"external_task_id": task_id, "callback_url": sent.body["callback_url"]}
    task = world.task(task_id)
    assert (task.tenant, task.operation, task.version, task.request) == (TENANT, operation, 1, None)
    assert task.provider_task_id == "P00000000000000001"


def test_every_operation_has_its_event() -> None:
    assert list(CASES.values()) == list(Kling.operations)


def test_the_path_without_the_prefix_serves_the_same(world: MotoWorld) -> None:
    payload = with_path(event("submit_task.text2video"), "/v1/videos/text2video")
    assert world.http("submit_task", payload).code == 0


def test_the_task_is_stored_before_it_is_sent(world: MotoWorld) -> None:
    stored: list[Status] = []

    def look(sent: Any) -> tuple[int, Any]:
        stored.append(world.task(sent.body["external_task_id"]).status)
        return 400, refusal(1200, "no")

    world.outside.next_answers = [look]
    world.submit()
    assert stored == [Status.SUBMITTED]


def test_a_callback_before_the_answer_finds_its_task(world: MotoWorld) -> None:
    outcomes = []

    def call_back(sent: Any) -> tuple[int, Any]:
        outcomes.append(world.callback("succeed", sent.body["external_task_id"]).data)
        return 200, {"code": 0, "data": {"task_id": "late", "task_status": "submitted"}}

    world.outside.next_answers = [call_back]
    task = world.task(world.submit().data["task_id"])
    assert outcomes == [{"status": "applied"}]
    assert (task.status, task.version, task.due_at) == (Status.SUCCEED, 2, task.updated_at + 60_000)
    assert task.provider_task_id == "CjI17WevH1IAAAAAAHmgsw"


def test_a_public_url_from_the_settings_is_called_back(world: MotoWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLIC_URL", "https://relay.example.com/")
    task_id = world.submit().data["task_id"]
    assert world.outside.sent[0].body["callback_url"].startswith(f"https://relay.example.com/callbacks/{task_id}/")


@pytest.mark.parametrize("path", ["/kling/v1/videos/text2video", "/v1/videos/text2video"])
def test_behind_a_base_path_the_callback_goes_through_it_too(world: MotoWorld, path: str) -> None:
    payload = event("submit_task.text2video")
    answer = world.http("submit_task", arrived(payload, "POST /{proxy+}", path, base="/media/relay"))
    called_back = f"https://media.example.com/media/relay/callbacks/{answer.data['task_id']}/"
    assert world.outside.sent[0].body["callback_url"].startswith(called_back)


def test_the_clients_own_callback_url_and_id_do_not_go_upstream(world: MotoWorld) -> None:
    body = {"prompt": "a cat", "callback_url": "https://client.example.com/hook", "external_task_id": "order-1"}
    answer = world.submit(body=body)
    assert answer.data["task_info"] == {"external_task_id": "order-1"}
    assert answer.message == "SUCCEED"
    (sent,) = world.outside.sent
    assert sent.body["external_task_id"] == answer.data["task_id"]
    assert "client.example.com" not in json.dumps(sent.body)
    assert world.task(answer.data["task_id"]).callback_url == "https://client.example.com/hook"


def test_a_large_request_is_kept_in_the_bucket_until_it_is_sent(world: MotoWorld) -> None:
    world.outside.next_answers = [(429, refusal(1303, "parallel task over resource pack limit"))]
    prompt = "a cat " * 400
    task = world.task(world.submit(body={"prompt": prompt, "unknown_field": "x" * 5000}).data["task_id"])
    assert task.request
    assert task.request.startswith("s3:requests/")
    kept = json.loads(world.objects()[task.request.removeprefix("s3:")])
    assert kept["body"]["prompt"] == prompt
    assert attempt_again(world, task.task_id) == {"batchItemFailures": []}
    assert world.outside.creates()[-1].body["prompt"] == prompt
    assert world.task(task.task_id).request is None


# ── refusals ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("case", "body", "message"),
    [
        ("text2video", {}, "prompt: expected a text, unless shot_type is 'customize'; got nothing"),
        ("text2video", {"prompt": 7}, "prompt: expected a text; got 7"),
        ("text2video", {"prompt": "a", "duration": "99"}, "duration: expected whole seconds from 3 to 15; got '99'"),
        ("text2video", {"prompt": "a", "aspect_ratio": "2:1"}, "aspect_ratio: expected one of 16:9, 9:16, 1:1; got '2:1'"),
        ("image2video", {"image": ""}, "image: expected at least one of image and image_tail; got nothing"),
        ("video_extend", {}, "video_id: expected a value; got nothing"),
        ("generations", {"prompt": "x" * 2501}, "prompt: expected at most 2500 characters; got 2501"),
        ("virtual_try_on", {"human_image": "https://example.com/a.png"}, "cloth_image: expected a value; got nothing"),
        ("lip_sync", {"input": {"mode": "text2video"}}, "input.video_id: expected one of video_id and video_url; got neither"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named_before_money_is_spent(world: MotoWorld, case: str, body: object, message: str) -> None:
    answer = world.submit(case, body)
    assert (answer.status, answer.code) == (400, 1201)
    assert answer.message == message
    assert "data" not in answer.body
    assert world.outside.sent == []
    assert world.records() == []


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (400, 1301, "content security policy"),
        (400, 1300, "platform policy"),
        (400, 1201, "model is not supported"),
        (404, 1203, "model does not exist"),
    ],
)
def test_the_providers_refusal_is_handed_on_and_ends_the_task(world: MotoWorld, status: int, code: int, message: str) -> None:
    world.outside.next_answers = [(status, refusal(code, message))]
    answer = world.submit()
    assert (answer.status, answer.code, answer.message) == (status, code, message)
    assert len(world.outside.sent) == 1
    assert world.delays("resubmissions") == 0
    task = world.task(world.outside.sent[0].body["external_task_id"])
    assert (task.status, task.rank, task.version) == (Status.FAILED, Rank.GIVEN_UP, 2)
    assert task.failure
    assert (task.failure.code, task.failure.provider_code) == (FailureCode.REJECTED, code)


@pytest.mark.parametrize(("status", "code"), [(401, 1000), (401, 1001), (401, 1002), (429, 1102), (429, 1304), (403, 1103)])
def test_a_refusal_of_the_relay_itself_waits_and_says_so_in_our_words(world: MotoWorld, status: int, code: int) -> None:
    world.outside.next_answers = [(status, refusal(code, "Authorization invalid"))]
    answer = world.submit()
    assert (answer.status, answer.code) == (200, 0)
    assert "the relay's operator must" in answer.body["data"]["task_status_msg"]
    assert "Authorization invalid" not in json.dumps(answer.body)
    assert world.delays("resubmissions") == 1


@pytest.mark.parametrize(
    ("status", "code"), [(429, 1302), (429, 1303), (503, 5001), (500, 5000), (504, 5002), (502, 0), (401, 1004)]
)
def test_what_passes_with_time_is_queued_and_the_client_has_its_task(world: MotoWorld, status: int, code: int) -> None:
    world.outside.next_answers = [(status, refusal(code, "later"))]
    answer = world.submit()
    assert (answer.status, answer.code, answer.data["task_status"]) == (200, 0, "submitted")
    assert world.delays("resubmissions") == 1
    task = world.task(answer.data["task_id"])
    assert (task.status, task.version, task.attempts, task.provider_task_id) == (Status.SUBMITTED, 1, 1, None)
    assert task.request


def test_a_provider_that_does_not_answer_leaves_a_queued_task(world: MotoWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVIDER_URL", "http://127.0.0.1:1")
    answer = world.submit()
    assert (answer.status, answer.data["task_status"]) == (200, "submitted")
    assert world.delays("resubmissions") == 1


# ── resubmissions ──────────────────────────────────────────────────────────────────────────────────────────────────


def attempt_again(world: MotoWorld, task_id: str, attempt: int = 1) -> dict[str, Any]:
    payload = event("resubmit_tasks.attempt")
    payload["Records"][0]["body"] = json.dumps({"task_id": task_id, "attempt": attempt})
    return world.call("resubmit_tasks", payload)


def test_a_refused_slot_is_asked_for_again_and_the_task_is_accepted(world: MotoWorld) -> None:
    world.outside.next_answers = [(429, refusal(1303, "parallel task over resource pack limit"))]
    task_id = world.submit().data["task_id"]
    assert attempt_again(world, task_id) == {"batchItemFailures": []}
    assert [sent.method for sent in world.outside.sent] == ["POST", "POST"]
    assert world.outside.creates()[0].body == world.outside.creates()[1].body
    task = world.task(task_id)
    assert (task.attempts, task.request) == (2, None)
    assert task.provider_task_id


def test_after_an_unknown_outcome_the_task_is_looked_up_and_not_paid_twice(world: MotoWorld) -> None:
    def accept_and_fail(sent: Any) -> tuple[int, Any]:
        world.outside.tasks[sent.body["external_task_id"]] = {"task_id": "paid-once", "task_status": "processing"}
        return 500, refusal(5000, "Server internal error")

    world.outside.next_answers = [accept_and_fail]
    task_id = world.submit().data["task_id"]
    attempt_again(world, task_id)
    assert len(world.outside.creates()) == 1
    task = world.task(task_id)
    assert (task.provider_task_id, task.status) == ("paid-once", Status.PROCESSING)


def test_a_repeated_resubmission_message_sends_nothing(world: MotoWorld) -> None:
    world.outside.next_answers = [(429, refusal(1302, "slow down"))]
    task_id = world.submit().data["task_id"]
    attempt_again(world, task_id)
    attempt_again(world, task_id)
    assert len(world.outside.creates()) == 2


def test_a_resubmission_that_fails_is_delivered_again(world: MotoWorld) -> None:
    payload = event("resubmit_tasks.attempt")
    payload["Records"][0]["body"] = "{}"
    failed = payload["Records"][0]["messageId"]
    assert world.call("resubmit_tasks", payload) == {"batchItemFailures": [{"itemIdentifier": failed}]}


# ── idempotency ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_same_key_and_body_is_the_same_task(world: MotoWorld) -> None:
    first, second = world.submit(idempotency_key="order-7"), world.submit(idempotency_key="order-7")
    assert (second.status, second.code) == (200, 0)
    assert second.data == first.data | {"updated_at": second.data["updated_at"]}
    assert len(world.outside.sent) == 1


def test_the_same_key_with_another_body_is_422(world: MotoWorld) -> None:
    world.submit(idempotency_key="order-7")
    answer = world.submit(body={"prompt": "a dog"}, idempotency_key="order-7")
    assert (answer.status, answer.code) == (422, 1201)
    assert "Idempotency-Key" in answer.message
    assert len(world.outside.sent) == 1


def test_a_repeated_key_gets_the_refusal_again(world: MotoWorld) -> None:
    world.outside.next_answers = [(400, refusal(1301, "content security policy"))]
    first, second = world.submit(idempotency_key="order-7"), world.submit(idempotency_key="order-7")
    for answer in (first, second):
        assert (answer.status, answer.code, answer.message) == (400, 1301, "content security policy")
    assert len(world.outside.sent) == 1


def test_an_external_task_id_is_used_once(world: MotoWorld) -> None:
    body = {"prompt": "a cat", "external_task_id": "order-7"}
    world.submit(body=body)
    answer = world.submit(body=body)
    assert (answer.status, answer.code, answer.message) == (400, 1201, "External_task_id order-7 already exists")
    assert len(world.outside.sent) == 1


def test_a_refused_create_does_not_use_up_its_external_task_id(world: MotoWorld) -> None:
    body = {"prompt": "a cat", "external_task_id": "order-7"}
    world.outside.next_answers = [(400, refusal(1301, "content security policy"))]
    assert world.submit(body=body).code == 1301
    assert world.submit(body=body).code == 0


def test_a_deadline_ends_the_task_earlier_and_is_not_sent(world: MotoWorld) -> None:
    answer = world.submit(body={"prompt": "a cat", "relay_deadline_seconds": 600})

    assert (answer.status, answer.message) == (200, "SUCCEED")
    task = world.task(answer.data["task_id"])
    assert (task.deadline_at, task.due_at) == (task.created_at + 600_000, task.created_at + 120_000)
    (sent,) = world.outside.sent
    assert "relay_deadline_seconds" not in sent.body


def test_the_header_of_a_deadline_wins(world: MotoWorld) -> None:
    body = {"prompt": "a cat", "relay_deadline_seconds": 600}
    answer = world.http("submit_task", with_body(event("submit_task.text2video"), body, x_relay_deadline_seconds="60"))

    task = world.task(answer.data["task_id"])
    assert (task.deadline_at, task.due_at) == (task.created_at + 60_000,) * 2


@pytest.mark.parametrize(("case", "field", "header"), [
    ("text2video", 59, None), ("text2video", "soon", None), ("text2video", None, "86401"), ("tts", 59, None),
])  # fmt: skip
def test_a_deadline_out_of_range_is_refused_with_the_range(
    world: MotoWorld, case: str, field: object, header: str | None
) -> None:
    body = {"prompt": "a cat", "relay_deadline_seconds": field}
    answer = world.http("submit_task", with_body(event(f"submit_task.{case}"), body, x_relay_deadline_seconds=header))

    assert (answer.status, answer.code) == (400, 1201)
    assert "from 60 to 86400" in answer.message
    assert not world.outside.sent


def test_two_tenants_may_use_the_same_key(world: MotoWorld) -> None:
    one = world.submit(idempotency_key="order-7")
    other = world.submit(idempotency_key="order-7", tenant="umbrella")
    assert one.data["task_id"] != other.data["task_id"]


@pytest.mark.parametrize("key", ["", "x" * 256, "schlüssel", "a\x07"])
def test_a_key_that_cannot_be_one_is_refused(world: MotoWorld, key: str) -> None:
    answer = world.submit(idempotency_key=key)
    assert (answer.status, answer.code) == (400, 1201)
    assert answer.message.startswith("Idempotency-Key: expected 1 to 255 printable ASCII characters")


# ── bad input ──────────────────────────────────────────────────────────────────────────────────────────────────────

EMPTY = "the body is empty: expected a JSON object"
BAD_BODIES: dict[str, tuple[object, dict[str, str | None], int, int, str]] = {
    "not JSON": ("prompt=a cat", {}, 400, 1200, "the body is not JSON"),
    "half a document": ('{"prompt": "a', {}, 400, 1200, "the body is not JSON"),
    "nested too deeply": ('{"a":' + "[" * 5000 + "]" * 5000 + "}", {}, 400, 1200,
                          "the body nests too deeply: expected at most 100 levels"),
    "too many values": ('{"a":[' + "{}," * 20_000 + "0]}", {}, 413, 1200,
                        "the body has too many values: expected at most 20000 commas and brackets"),
    "not UTF-8": (b'{"prompt": "\xff\xfe"}', {}, 400, 1200, "the body is not UTF-8"),
    "a file": (video(1000), {}, 400, 1200, "the body is not UTF-8"),
    "a list": ([{"prompt": "a"}], {}, 400, 1200, "the body is not a JSON object"),
    "a text": ('"a cat"', {}, 400, 1200, "the body is not a JSON object"),
    "null": ("null", {}, 400, 1200, "the body is not a JSON object"),
    "empty": ("", {}, 400, 1200, EMPTY),
    "blank": (" \n", {}, 400, 1200, EMPTY),
    "form": ({"prompt": "a"}, {"content_type": "application/x-www-form-urlencoded"}, 400, 1200,
             "Content-Type: expected application/json; got application/x-www-form-urlencoded"),
    "plain text": ({"prompt": "a"}, {"content_type": "text/plain; charset=utf-8"}, 400, 1200,
                   "Content-Type: expected application/json; got text/plain"),
    "6 MB": (json.dumps({"prompt": "a", "image": "x" * 6_000_000}), {}, 413, 1200,
             "the body has 6000028 bytes, expected at most 5242880: upload large files with POST /uploads"),
    "6 MB of base64": (b" " * 6_000_000, {}, 413, 1200,
                       "the body has 6000000 bytes, expected at most 4000000: upload large files with POST /uploads"),
}  # fmt: skip


@pytest.mark.parametrize(("body", "headers", "status", "code", "message"), BAD_BODIES.values(), ids=BAD_BODIES)
def test_a_bad_body_is_refused_and_nothing_is_stored(
    world: MotoWorld, body: object, headers: dict[str, Any], status: int, code: int, message: str
) -> None:
    answer = world.submit(body=body, **headers)
    assert (answer.status, answer.code, answer.message) == (status, code, message)
    assert world.outside.sent == []
    assert world.records() == []


def test_a_body_without_a_content_type_or_with_a_charset_is_taken_as_json(world: MotoWorld) -> None:
    assert world.submit(content_type=None).status == 200
    assert world.submit(content_type="Application/JSON; charset=UTF-8").status == 200


def test_json_in_base64_is_taken(world: MotoWorld) -> None:
    assert world.submit(body=json.dumps({"prompt": "eine Katze schläft"}).encode()).status == 200


def test_numbers_that_json_does_not_know_are_refused(world: MotoWorld) -> None:
    answer = world.submit(body='{"prompt": "a", "unknown_field": NaN}')
    assert (answer.status, answer.code) == (400, 1200)
    assert "finite numbers" in answer.message


@pytest.mark.parametrize("path", ["/kling/v1/videos", "/v1/music/generations", "/v1/videos/Text2Dream"])
def test_an_unknown_operation_is_404_and_says_which_there_are(world: MotoWorld, path: str) -> None:
    answer = world.http("submit_task", with_path(event("submit_task.text2video"), path))
    assert (answer.status, answer.code) == (404, 1202)
    assert path.split("/v1/")[1] in answer.message
    assert "videos/text2video" in answer.message


@pytest.mark.parametrize("path", ["/kling/v1/", "/v1"])
def test_a_path_that_is_no_operations_is_404(world: MotoWorld, path: str) -> None:
    answer = world.http("submit_task", with_path(event("submit_task.text2video"), path))
    assert (answer.status, answer.code) == (404, 1202)
    assert answer.message.startswith("no such path")


@pytest.mark.parametrize(
    ("context", "code", "message"),
    [
        ({}, 1001, "Authorization: expected `Bearer` and a key of this relay"),
        ({"code": "1002", "message": "Authorization: unknown"}, 1002, "Authorization: unknown"),
    ],
)
def test_without_a_tenant_nothing_is_read(world: MotoWorld, context: dict[str, str], code: int, message: str) -> None:
    payload = with_tenant(with_body(event("submit_task.text2video"), "not JSON"), None, **context)
    answer = world.http("submit_task", payload)
    assert (answer.status, answer.code, answer.message) == (401, code, message)
    assert world.outside.sent == []


def test_a_failure_of_our_own_is_500_and_tells_nothing_of_the_inside(world: MotoWorld) -> None:
    world.dynamodb.delete_table(TableName="tasks")
    answer = world.submit()
    assert (answer.status, answer.code) == (500, 5000)
    assert answer.message.startswith("the relay failed")
    assert "dynamodb" not in json.dumps(answer.body).lower()


def test_over_the_limit_of_its_key_a_client_is_told_when_to_come_again(world: MotoWorld) -> None:
    payload = with_tenant(event("submit_task.text2video"), "acme")
    payload["requestContext"]["authorizer"]["lambda"] |= {"key": "key_1", "submits_per_minute": "1"}
    payload["headers"].pop("idempotency-key", None)
    answers = [world.call("submit_task", payload) for _ in range(4)]  # at most one minute ends between them
    refused = [answer for answer in answers if answer["statusCode"] == 429]
    assert 2 <= len(refused) <= 3
    for answer in refused:
        body = json.loads(answer["body"])
        assert (body["code"], body["request_id"]) == (1302, payload["requestContext"]["requestId"])
        assert 1 <= int(answer["headers"]["Retry-After"]) <= 60
    assert len(world.outside.creates()) == 4 - len(refused)
    assert world.call("publish_events", {"Records": world.records()}) == {"batchItemFailures": []}
