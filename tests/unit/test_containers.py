"""The largest snapshots that are read fit everything that is made of them: item, event, messages and webhook."""

import json
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.adapters.dynamodb.items import failure_texts, item_of, json_text, reason_text, results_text
from relay.adapters.eventbridge import EventBridgePublisher
from relay.adapters.sqs import SqsWebhooks
from relay.domain.errors import Meaning, UnreadableSnapshotError
from relay.domain.events import Event, event_between, quarantine_event, undeliverable_event
from relay.domain.task import Change, Failure, FailureCode, Reason, Snapshot, Task
from relay.domain.webhook import Attempt, Delivery
from relay.providers.kling.translator import Kling
from relay.usecases.receive import CALLBACK_LIMIT
from tests.support.tasks import NOON, task_of

KLING = Kling()
ITEM_LIMIT = 409_600
"""https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html"""
EVENT_LIMIT = 262_144
"""Of an event as SQS and Lambda carry it: queues that were made before 2026 take no more."""
ENVELOPE = 1024
"""What EventBridge adds to a detail."""
WEBHOOK_LIMIT = 1_048_576
"""Common servers take 1 MB of JSON."""
PRESIGNED = "https://bucket.s3.amazonaws.com/".ljust(2600, "x")
CHARACTERS = ["x", "é", "猫", "😀", "\x01", '"', "\\"]


def read(urls: int, url: str, *, filler: str, name: str = "images", extra: int = 0) -> Snapshot:
    """The snapshot of a query, which may be larger than a callback."""
    entry = {"index": 2**31 - 1, "id": filler * 256, "duration": filler * 32, "url": url}
    document = {
        "task_id": filler * 256,
        "task_status": "succeed",
        "task_status_msg": filler * 5000,
        "task_info": {"note": "x" * extra},
        "task_result": {name: [entry] * urls},
    }
    return KLING.read_callback(json.dumps(document).encode())


def largest(urls: int, character: str, **rest: Any) -> Snapshot | None:
    """The one with the longest URLs that are still read."""
    low, high, found = 20, 4097, None
    while low < high:
        length = (low + high) // 2
        try:
            found, low = read(urls, "https://c/".ljust(length, character), **rest), length + 1
        except UnreadableSnapshotError:
            high = length
    return found


def life_of(snapshot: Snapshot, filler: str) -> Iterator[tuple[Task, Task]]:
    """Each change of a task with this success, as (before, after): told, stored, or given up on."""
    created = task_of(
        tenant="t" * 64,
        operation="o" * 140,
        external_task_id=filler * 256,
        idempotency_key="k" * 255,
        callback_url="https://c/".ljust(2048, "猫"),
    )
    yield created, (told := created.moved_to(Change.reported(snapshot), at=NOON))
    file: dict[str, Any] = {"bucket": "b" * 63, "key": "k" * 64, "bytes": 10**12, "sha256": "0" * 64, "media_type": "m" * 80}
    yield told, told.archived(tuple(replace(result, **file) for result in told.results), at=NOON)
    failure = Failure(code=FailureCode.ARCHIVE, message="😀" * 1024)
    yield told, told.archived(tuple(replace(result, error="😀" * 256) for result in told.results), at=NOON, failure=failure)


def size_of_item(task: Task) -> int:
    written = {
        **item_of(task),
        "results": results_text(task.results),
        "document": json_text(task.document),
        "archive": {"S": "stored"},
        "owner": {"S": "o" * 32},
        "reason": reason_text(task.reason) if task.reason else None,
        **failure_texts(task.failure),
    }
    values = {name: next(iter(value.values())) for name, value in written.items() if value}
    return sum(len(name.encode()) + len(value.encode()) for name, value in values.items())


def size_of_event(event: Event) -> int:
    detail: str = EventBridgePublisher(None, "bus")._entry(event)["Detail"]
    return len(detail.encode()) + ENVELOPE


def messages_of(delivery: Delivery) -> list[str]:
    sent: list[str] = []
    queue = SimpleNamespace(send_message=lambda MessageBody, **_: sent.append(MessageBody))  # noqa: N803
    queues = SqsWebhooks(queue, retries_url="retries", dead_letters_url="dead")
    queues.put(delivery, now=NOON)
    queues.bury(delivery)
    return sent


@settings(max_examples=40, deadline=None)
@given(
    urls=st.sampled_from([1, 2, 17, 40, 63, 64]),
    character=st.sampled_from(CHARACTERS),
    filler=st.sampled_from(CHARACTERS),
    name=st.sampled_from(["images", "videos", "x" * 64, "猫" * 64, "a/" * 5000]),
    extra=st.sampled_from([0, 1000, 60_000, 70_000]),
)
def test_the_largest_success_that_is_read_fits_everything(urls: int, character: str, filler: str, name: str, extra: int) -> None:
    snapshot = largest(urls, character, filler=filler, name=name, extra=extra)
    if snapshot is None:
        assert filler not in {"x", "é"}  # the ids alone are too large
        return
    for before, after in life_of(snapshot, filler):
        event = event_between(before, after)
        assert event is not None
        assert size_of_event(event) <= EVENT_LIMIT
        assert size_of_item(after) <= ITEM_LIMIT
        assert all(len(message.encode()) <= EVENT_LIMIT for message in messages_of(Delivery.of_task(after)))
        shown = KLING.view(after, {result.path: PRESIGNED for result in after.results})
        assert len(json.dumps(shown).encode()) <= WEBHOOK_LIMIT


@pytest.mark.parametrize("count", [1, 64])
def test_sixty_four_files_with_long_signed_urls_are_read(count: int) -> None:
    entries = [{"index": number, "id": "i" * 36, "url": f"https://c/{number:02}?".ljust(2048, "x")} for number in range(count)]
    body = json.dumps({"task_id": "1", "task_status": "succeed", "task_result": {"images": entries}})
    assert len(body) < CALLBACK_LIMIT
    assert len(KLING.read_callback(body.encode()).results) == count


@pytest.mark.parametrize(("count", "url"), [(64, "x" * 4000), (40, "猫" * 4000), (7, "\x01" * 4000)])
def test_results_that_no_event_or_item_could_carry_are_not_understood(count: int, url: str) -> None:
    with pytest.raises(UnreadableSnapshotError, match="more than 163840 bytes"):
        read(count, f"https://c/{url}", filler="x")


@pytest.mark.parametrize("filler", CHARACTERS)
def test_the_other_events_are_small(filler: str) -> None:
    task = task_of(external_task_id=filler * 256, reason=Reason(meaning=Meaning.BUSY, message=filler * 500, at=NOON))
    last = Attempt(at=NOON, version=1, status=task.status, error=filler * 1024)
    for event in (
        quarantine_event(task.task_id, "quarantine/" + "k" * 100, "b" * 63, filler * 1024, NOON),
        undeliverable_event(task, Delivery.of_task(task), last, NOON),
        event_between(None, task),
    ):
        assert event is not None
        assert size_of_event(event) <= EVENT_LIMIT // 8
