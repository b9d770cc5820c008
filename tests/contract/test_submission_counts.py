"""What counts the submissions of a key, in memory and on DynamoDB."""

import uuid
from typing import Any

import pytest

from relay.adapters.dynamodb.submission_counts import DynamoSubmissionCounts
from relay.adapters.dynamodb.tasks import DynamoTaskStore
from relay.ports import SubmissionCounts
from tests.contract.conftest import client_of, table_of
from tests.support.fakes.submission_counts import FakeSubmissionCounts

MINUTE = 28_712_000


@pytest.fixture(params=["fake", "moto", "repeating"])
def counts(request: pytest.FixtureRequest) -> SubmissionCounts:
    """An empty one."""
    if request.param == "fake":
        return FakeSubmissionCounts()
    client = client_of(request)
    return DynamoSubmissionCounts(client, table_of(client, name=f"contract-{uuid.uuid4().hex}"))


def test_there_is_room_until_there_is_none(counts: SubmissionCounts) -> None:
    assert [counts.count("key_1", MINUTE, most=3) for _ in range(5)] == [True, True, True, False, False]


def test_a_key_and_a_minute_are_counted_apart(counts: SubmissionCounts) -> None:
    assert counts.count("key_1", MINUTE, most=1)
    assert counts.count("key_2", MINUTE, most=1)
    assert counts.count("key_1", MINUTE + 1, most=1)
    assert not counts.count("key_1", MINUTE, most=1)


def test_a_limit_that_was_changed_counts_from_now_on(counts: SubmissionCounts) -> None:
    assert all(counts.count("key_1", MINUTE, most=2) for _ in range(2))
    assert not counts.count("key_1", MINUTE, most=1)
    assert counts.count("key_1", MINUTE, most=3)


@pytest.fixture
def table(moto_client: Any) -> tuple[Any, str]:
    """A client and an empty table."""
    return moto_client, table_of(moto_client, name=f"contract-{uuid.uuid4().hex}")


def test_a_counter_expires_and_is_no_task(table: tuple[Any, str]) -> None:
    client, name = table
    counts = DynamoSubmissionCounts(client, name)
    for _ in range(3):
        counts.count("key_1", MINUTE, most=2)
    (item,) = client.scan(TableName=name)["Items"]
    assert len(item.pop("owner")["S"]) == 12
    assert item == {
        "task_id": {"S": f"submits#key_1#{MINUTE}"},
        "submits": {"N": "2"},
        "expires_at": {"N": str(MINUTE * 60 + 3600)},
    }
    assert DynamoTaskStore(client, name).get(item["task_id"]["S"]) is None
