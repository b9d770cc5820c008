"""The adapter and the fake, side by side through random histories; and the stored shape of a task."""

import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay.adapters.dynamodb.items import failure_text, failure_texts, is_task, item_of
from relay.adapters.dynamodb.items import task_of as task_in
from relay.adapters.dynamodb.tasks import DynamoTaskStore
from relay.domain.errors import Meaning, TaskConflictError, TaskNotFoundError
from relay.domain.task import Acceptance, Archive, Change, Failure, FailureCode, Rank, Reason, Result, Status, Task
from relay.ports import TaskStore
from relay.providers.kling.translator import Kling
from tests.support.fakes.task_store import FakeTaskStore
from tests.support.tasks import BUSY, NOON, PROVIDER_ID, SUCCEED_DUE, task_of

KILOBYTE = 1024

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
moments = st.integers(0, 5)
results = st.lists(
    st.builds(
        Result,
        path=st.sampled_from(["task_result/videos/0/url", "task_result/images/3/watermark_url"]),
        kind=st.sampled_from(["video", "image"]),
        url=texts,
        index=st.none() | st.integers(0, 9),
        id=st.none() | texts,
        bytes=st.none() | st.integers(0, 2**40),
        error=st.none() | texts,
    ),
    max_size=3,
).map(tuple)
documents = st.none() | st.dictionaries(
    texts, st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
)
OTHER_CODES = sorted(set(FailureCode) - {FailureCode.CANCELLED})  # `Change.cancelled` alone brings that one
failures = st.builds(Failure, code=st.sampled_from(OTHER_CODES), message=texts, provider_code=st.integers(0, 5002))
ACCEPTANCE = {Rank.GIVEN_UP: st.sampled_from([None, Acceptance.REFUSED])}
cancellations = st.sampled_from(Acceptance).map(Change.cancelled)
changes = cancellations | st.sampled_from(Rank).flatmap(
    lambda rank: st.builds(
        Change,
        status=st.sampled_from(Status),
        rank=st.just(rank),
        acceptance=ACCEPTANCE.get(rank, st.just(Acceptance.ACCEPTED)),
        resolved_before=st.sampled_from([0, NOON, NOON + 10]),
        message=st.sampled_from(["", "a", "b"]),
        snapshot_at=moments,
        provider_task_id=st.none() if rank is Rank.GIVEN_UP else st.sampled_from([None, PROVIDER_ID, "another"]),
        results=results,
        document=documents,
        failure=st.none() | failures,
        due_at=st.none() | moments.map(lambda due: NOON + due),
    )
)


def _consistent(change: Change) -> Change:
    """Since 0.2.0, only a refusal closes a task as rejected."""
    is_rejected = change.rank is Rank.GIVEN_UP and change.failure is not None and change.failure.code is FailureCode.REJECTED
    return replace(change, acceptance=Acceptance.REFUSED) if is_rejected else change


type Write = Callable[[TaskStore, str], Any]


def _accepted(store: TaskStore, task_id: str) -> None:
    store.record_acceptance(task_id, "the first", due_at=NOON + 7)


def _scheduled(given: tuple[int, Acceptance, bool], store: TaskStore, task_id: str) -> bool:
    """By one who has read the task, perhaps before somebody else scheduled it."""
    due_at, acceptance, is_current = given
    task = store.get(task_id)
    assert task is not None
    seen = task if is_current else replace(task, due_at=NOON - 1)
    return store.schedule_attempt(seen, due_at=NOON + due_at, acceptance=acceptance)


writes: st.SearchStrategy[Write] = st.one_of(
    changes.map(_consistent).flatmap(
        lambda change: moments.map(lambda at: lambda store, task_id: store.change(task_id, change, at=NOON + at))
    ),
    st.just(_accepted),
    st.tuples(st.integers(2, 4), st.sampled_from([0, NOON + 5])).map(
        lambda pair: lambda store, task_id: store.begin_attempt(task_id, pair[0], due_at=NOON + pair[0], unresolved_at=pair[1])
    ),
    st.tuples(moments, st.sampled_from(Acceptance), st.booleans()).map(lambda given: partial(_scheduled, given)),
    failures.map(lambda failure: lambda store, task_id: store.hold_refusal(task_id, failure, due_at=NOON + 9, reason=BUSY)),
    moments.map(lambda due: lambda store, task_id: store.postpone(task_id, due_at=NOON + due)),
    st.tuples(results, st.none() | failures).map(
        lambda pair: lambda store, task_id: store.record_archive(task_id, pair[0], at=NOON, failure=pair[1])
    ),
    results.map(lambda some: lambda store, task_id: store.record_partial_results(task_id, some)),
    st.just(lambda store, task_id: store.record_delay(task_id, at=NOON + 1)),
)


def outcome(write: Write, store: TaskStore, task_id: str) -> Any:
    """What a write returns, or the kind of error that it raises."""
    try:
        return write(store, task_id)
    except (TaskConflictError, TaskNotFoundError) as error:
        return type(error)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=st.lists(writes, min_size=1, max_size=8))
def test_any_history_leaves_the_same_task_in_the_table_as_in_the_fake(moto_store: DynamoTaskStore, history: list[Write]) -> None:
    fake = FakeTaskStore()
    task = task_of(uuid.uuid4().hex)
    for store in (fake, moto_store):
        store.create(task)

    for write in history:
        assert outcome(write, moto_store, task.task_id) == outcome(write, fake, task.task_id)
        assert moto_store.get(task.task_id) == fake.get(task.task_id)

    due = [task_id for task_id in moto_store.due(now=NOON + 10**9, limit=10_000) if task_id == task.task_id]
    assert due == fake.due(now=NOON + 10**9, limit=10)


@given(history=st.lists(writes, min_size=1, max_size=8))
def test_every_write_that_changes_something_is_in_the_stream_in_order(history: list[Write]) -> None:
    store = FakeTaskStore()
    store.create(task_of())
    for write in history:
        outcome(write, store, task_of().task_id)

    assert [record.before for record in store.records] == [None, *(record.after for record in store.records[:-1])]
    assert store.records[-1].after == store.get(task_of().task_id)
    versions = [record.after.version for record in store.records if record.after]
    assert sorted(set(versions)) == list(range(1, versions[-1] + 1))
    assert versions == sorted(versions)


# items.py


@given(
    st.builds(
        task_of,
        tenant=texts,
        created_at=st.integers(0, 10**13 - 1),
        due_at=st.none() | st.integers(0, 10**13),
        fingerprint=texts,
        status=st.sampled_from(Status),
        rank=st.sampled_from(Rank),
        version=st.integers(1, 99),
        attempts=st.integers(1, 99),
        polls=st.integers(0, 99),
        snapshot_at=st.integers(0, 10**13),
        message=texts,
        provider_task_id=st.none() | texts,
        acceptance=st.sampled_from([Acceptance.UNKNOWN, Acceptance.UNSENT]),
        external_task_id=st.none() | texts,
        idempotency_key=st.none() | texts,
        callback_url=st.none() | texts,
        request=st.none() | texts,
    )
)
def test_a_task_as_created_survives_its_item(task: Task) -> None:
    item = item_of(task)

    assert is_task(item)
    has_it = task.provider_task_id is not None or task.rank in {Rank.PROCESSING, Rank.FINAL}
    assert task_in(item) == replace(task, acceptance=Acceptance.ACCEPTED if has_it else task.acceptance)


@pytest.mark.parametrize("change", [Change.cancelled(Acceptance.UNKNOWN), Change.without_results("no file")])
def test_version_0_2_0_reads_a_code_that_it_does_not_know_as_expired(change: Change) -> None:
    task = task_of().moved_to(change, at=NOON)
    assert task.failure
    stored = failure_texts(task.failure)

    assert stored["failure"]
    assert json.loads(stored["failure"]["S"]) == {"code": "expired", "message": task.message}
    assert task_in({**item_of(task), **stored}) == task


@pytest.mark.parametrize("stored", ["", "unsent", "unknown"])
def test_what_version_0_2_0_wrote_is_read_whatever_the_field_says(stored: str) -> None:
    """It knows no acceptance: it writes items without it, and leaves it as it is in items that it changes."""
    item = item_of(task_of(acceptance=Acceptance(stored or "unknown")))
    if not stored:
        del item["acceptance"]
    refusal = failure_text(Failure(code=FailureCode.REJECTED, message="content security policy"))

    assert task_in(item | {"provider_task_id": {"S": PROVIDER_ID}}).acceptance is Acceptance.ACCEPTED
    assert task_in(item | {"rank": {"N": "1"}}).acceptance is Acceptance.ACCEPTED
    assert task_in(item | {"rank": {"N": "2"}, "failure": refusal}).acceptance is Acceptance.REFUSED
    assert task_in(item | {"attempts": {"N": "2"}}).acceptance is Acceptance.UNKNOWN, "it has begun another attempt"


def test_version_0_2_0_sees_a_delayed_task_as_one_that_is_being_archived(moto_store: DynamoTaskStore, moto_client: Any) -> None:
    """It fails for an `archive` that it does not know, ignores other attributes, and leaves a task due when it archives it."""
    task = task_of(uuid.uuid4().hex)
    moto_store.create(task)
    moto_store.change(task.task_id, SUCCEED_DUE, at=NOON)
    late = replace(task.moved_to(SUCCEED_DUE, at=NOON), archive=Archive.PENDING, version=3, updated_at=NOON + 1, due_at=None)

    assert moto_store.record_delay(task.task_id, at=NOON + 1)

    key = {"task_id": {"S": task.task_id}}
    item = moto_client.get_item(TableName=moto_store._table, Key=key)["Item"]
    assert "archive" not in item
    assert task_in(item) == late
    left = item | {"archive": {"S": "stored"}, "due_at": {"N": str(NOON)}, "due_shard": {"S": "0"}}
    assert task_in(left) == replace(late, archive=Archive.STORED, due_at=NOON)
    moto_client.put_item(TableName=moto_store._table, Item=left)
    assert not moto_store.record_delay(task.task_id, at=NOON + 2)
    assert moto_store.get(task.task_id) == replace(late, archive=Archive.STORED)


def test_a_reason_of_a_later_version_stops_no_reader() -> None:
    item = item_of(task_of()) | {"reason": {"S": '{"meaning":"moderated","message":"m","at":7,"advice":"none"}'}}

    assert task_in(item).reason == Reason(meaning=Meaning.UNKNOWN, message="m", at=7)


def bytes_of(item: dict[str, Any]) -> int:
    """The size of an item as DynamoDB counts it: names and values in UTF-8, a number about half a byte a digit."""
    return sum(
        len(name) + (len(value["S"].encode()) if "S" in value else len(value["N"]) // 2 + 2) for name, value in item.items()
    )


def test_a_typical_task_takes_one_write_unit_from_its_creation_to_its_verdict(
    moto_store: DynamoTaskStore, moto_client: Any
) -> None:
    prompt = "A lighthouse on a cliff in a winter storm, waves breaking below, seen from a slowly rising drone. " * 3
    task = task_of(
        external_task_id="order-2026-000123",
        idempotency_key=str(uuid.uuid4()),
        request=f'{{"body":{{"model_name":"kling-v2-6","prompt":"{prompt}","mode":"pro","duration":"5"}},'
        '"public_url":"https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com"}',
    )
    url = "https://cdn.klingai.com/bs2/upload-kling-api/5739745938/text2video/CjI17WevH1IAAAAAAHmgsw-0_raw_video_1.mp4"
    body = (
        b'{"task_id":"CjI17WevH1IAAAAAAHmgsw","task_status":"succeed","task_status_msg":"","task_result":{"videos":[{'
        b'"id":"28444a6c-b923-4d7c-be2c-e0898ea73dc0","url":"%s","duration":"5.1"}]},"created_at":1739744384259,'
        b'"updated_at":1739744621359,"final_unit_deduction":"1"}' % url.encode()
    )
    moto_store.create(task)
    sizes = [bytes_of(item_of(task))]
    moto_store.change(task.task_id, Change.reported(Kling().read_callback(body)), at=NOON + 1)
    (item,) = (
        item
        for item in moto_client.scan(TableName=moto_store._table)["Items"]  # the item itself, not what is read from it
        if item["task_id"]["S"] == task.task_id
    )
    sizes.append(bytes_of(item))

    assert max(sizes) < KILOBYTE, sizes


@pytest.mark.parametrize("attribute", ["results", "document", "failure", "archive", "due_at", "due_shard", "request"])
def test_what_a_task_has_not_is_absent_from_its_item(attribute: str) -> None:
    assert attribute not in item_of(task_of(due_at=None, request=None))
