"""Events: which change is told, as what, and what it says."""

import json
from dataclasses import replace

import pytest

from relay.domain.events import (
    ARCHIVING_FAILED,
    RESULTS_DELAYED,
    RESULTS_STORED,
    STATUS_CHANGED,
    event_between,
    quarantine_event,
    undeliverable_event,
)
from relay.domain.task import Change, Failure, FailureCode, Result, Status, Task
from relay.domain.webhook import Attempt, Delivery
from tests.support.tasks import EXPIRED, FAILED, NOON, PROCESSING, PROVIDER_ID, REJECTED, SUCCEED, VIDEO, reported, task_of

TASK = task_of(external_task_id="order-1")
STORED = replace(VIDEO, bucket="results", key="results/a/0.mp4", bytes=9, sha256="0" * 64, media_type="video/mp4")
DONE = TASK.moved_to(SUCCEED, at=NOON + 9)


def test_a_new_task_is_told_with_all_that_is_known_of_it() -> None:
    event = event_between(None, TASK)

    assert event is not None
    assert event.detail_type == STATUS_CHANGED
    assert event.detail == {
        "schema_version": "1.2",
        "event_id": f"{TASK.task_id}:1",
        "version": 1,
        "tenant": "acme",
        "provider": "kling",
        "operation": "videos/text2video",
        "task_id": TASK.task_id,
        "provider_task_id": None,
        "external_task_id": "order-1",
        "has_callback": False,
        "status": "submitted",
        "previous_status": None,
        "status_message": "",
        "created_at": NOON,
        "updated_at": NOON,
        "progress": None,
        "provider_error": None,
        "results": [],
    }


@pytest.mark.parametrize("change", [PROCESSING, SUCCEED, FAILED, EXPIRED, REJECTED, reported(Status.SUBMITTED, 5, "queued")])
def test_every_change_of_the_state_is_told_under_its_version(change: Change) -> None:
    after = TASK.moved_to(change, at=NOON + 1)

    event = event_between(TASK, after)

    assert event is not None
    assert event.detail_type == STATUS_CHANGED
    assert event.detail["event_id"] == f"{TASK.task_id}:2"
    assert (event.detail["previous_status"], event.detail["status"]) == ("submitted", change.status.value)


def test_a_success_names_its_results_but_not_their_place_in_the_document() -> None:
    event = event_between(TASK, DONE)

    assert event is not None
    assert event.detail["results"] == [{"kind": "video", "url": VIDEO.url, "id": "v-1", "duration": "5.1"}]
    assert event.detail["provider_task_id"] == PROVIDER_ID
    assert "failure" not in event.detail


@pytest.mark.parametrize(
    ("change", "failure"),
    [
        (FAILED, {"code": "provider", "message": "Content policy violation"}),
        (EXPIRED, {"code": "expired", "message": "no verdict in time"}),
        (REJECTED, {"code": "rejected", "message": "content security policy", "provider_code": 1301, "http_status": 400}),
    ],
)
def test_a_failure_says_whose_it_is(change: Change, failure: dict[str, object]) -> None:
    event = event_between(TASK, TASK.moved_to(change, at=NOON + 1))

    assert event is not None
    assert event.detail["failure"] == failure


def test_stored_results_are_told_with_their_place_and_digest() -> None:
    event = event_between(DONE, DONE.archived((STORED,), at=NOON + 10))

    assert event is not None
    assert event.detail_type == RESULTS_STORED
    assert (event.detail["status"], event.detail["previous_status"], event.detail["version"]) == ("succeed", "succeed", 3)
    (result,) = event.detail["results"]
    assert (result["bucket"], result["key"], result["bytes"]) == ("results", "results/a/0.mp4", 9)
    assert (result["sha256"], result["media_type"]) == ("0" * 64, "video/mp4")


def test_results_that_could_not_be_stored_are_told_and_so_is_their_rescue() -> None:
    failure = Failure(code=FailureCode.ARCHIVE, message="HTTP 404")
    failed = DONE.archived((replace(VIDEO, error="HTTP 404"),), at=NOON + 10, failure=failure)

    told, mended = event_between(DONE, failed), event_between(failed, failed.archived((STORED,), at=NOON + 11))

    assert told is not None
    assert mended is not None
    assert (told.detail_type, told.detail["results"][0]["error"]) == (ARCHIVING_FAILED, "HTTP 404")
    assert told.detail["failure"] == {"code": "archive", "message": "HTTP 404"}
    assert (mended.detail_type, mended.detail["version"]) == (RESULTS_STORED, 4)


def test_a_delay_is_told_and_so_is_its_end() -> None:
    late = DONE.delayed(at=NOON + 10)
    failure = Failure(code=FailureCode.ARCHIVE, message="HTTP 404")
    ends = [late.archived((STORED,), at=NOON + 11), late.archived((VIDEO,), at=NOON + 11, failure=failure)]

    told = event_between(DONE, late)

    assert told is not None
    assert (told.detail_type, told.detail["version"], told.detail["status"]) == (RESULTS_DELAYED, 3, "succeed")
    assert told.detail["results"] == [{"kind": "video", "url": VIDEO.url, "id": "v-1", "duration": "5.1"}]
    for end, kind in zip(ends, (RESULTS_STORED, ARCHIVING_FAILED), strict=True):
        event = event_between(late, end)
        assert event is not None
        assert (event.detail_type, event.detail["version"]) == (kind, 4)


@pytest.mark.parametrize(
    "after",
    [
        TASK,
        replace(TASK, provider_task_id=PROVIDER_ID, request=None, due_at=NOON + 5),
        replace(TASK, attempts=2),
        replace(TASK, polls=3, due_at=NOON + 5),
    ],
    ids=["nothing", "accepted", "another attempt", "postponed"],
)
def test_what_is_no_new_version_is_not_told(after: Task) -> None:
    assert event_between(TASK, after) is None


def test_an_event_is_json_and_tells_nothing_that_is_only_the_owners() -> None:
    task = replace(DONE, idempotency_key="secret-key", callback_url="https://client.example/hook?secret", request="secret")

    event = event_between(TASK, task)

    assert event is not None
    assert "secret" not in json.dumps(event.detail)


def test_a_result_is_described_by_what_is_known_zero_included() -> None:
    task = replace(DONE, results=(Result(path="p", kind="image", url="", index=0, bytes=0),))
    event = event_between(TASK, task)

    assert event is not None
    assert event.detail["results"] == [{"kind": "image", "url": "", "index": 0, "bytes": 0}]


def test_a_quarantined_callback_is_told_with_where_it_lies_and_why() -> None:
    event = quarantine_event("a", "quarantine/a/17-00ff", "results", "task_status is none of these", NOON)

    assert event.detail_type == "Task Callback Quarantined"
    assert event.detail == {
        "schema_version": "1.2",
        "event_id": "a:17-00ff",
        "task_id": "a",
        "bucket": "results",
        "key": "quarantine/a/17-00ff",
        "reason": "task_status is none of these",
        "created_at": NOON,
    }


def test_that_a_client_wants_to_be_called_is_told_but_not_where() -> None:
    event = event_between(None, task_of(callback_url="https://client.example/hook?token=hush"))

    assert event is not None
    assert event.detail["has_callback"] is True
    assert "client.example" not in json.dumps(event.detail)


def test_a_webhook_that_was_given_up_is_told_with_its_last_attempt() -> None:
    task = task_of(callback_url="https://client.example/hook", external_task_id="order-1")
    delivery = replace(Delivery.of_task(task), attempt=10)
    last = Attempt(at=NOON, version=1, status=Status.SUBMITTED, error="no answer in time", took_ms=15_000)

    event = undeliverable_event(task, delivery, last, NOON + 9)

    assert event.detail_type == "Task Webhook Undeliverable"
    assert event.detail == {
        "schema_version": "1.2",
        "event_id": f"{task.task_id}:1:undeliverable",
        "tenant": "acme",
        "operation": "videos/text2video",
        "task_id": task.task_id,
        "external_task_id": "order-1",
        "task_version": 1,
        "status": "submitted",
        "attempts": 10,
        "http_status": None,
        "reason": "no answer in time",
        "created_at": NOON + 9,
    }
