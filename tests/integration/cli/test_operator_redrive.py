"""Operator code for redriving: the dead letters of each queue are retried."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from relay import bootstrap
from relay.adapters import aws
from relay.domain.task import Archive
from relay_cli.operator import redrive
from tests.support.moto_world import Json, MotoWorld, event, video
from tests.support.upstream import File


class Deployed:
    """A MotoWorld with dead-letter queues, stack outputs and functions."""

    def __init__(self, world: MotoWorld) -> None:
        self.world = world
        self.invoked: list[str] = []
        for name in ("resubmissions-dead", "archives-dead", "unpublished", "missed"):
            world.queues[name] = world.sqs.create_queue(QueueName=name)["QueueUrl"]
        self.outputs = {
            "TasksTable": "tasks",
            "EventBus": "bus",
            "ResubmissionsQueueUrl": world.queues["resubmissions"],
            "ResubmissionsDeadLettersUrl": world.queues["resubmissions-dead"],
            "ArchivesQueueUrl": world.queues["archives"],
            "ArchivesDeadLettersUrl": world.queues["archives-dead"],
            "WebhooksQueueUrl": world.queues["webhooks"],
            "WebhooksDeadLettersUrl": world.queues["webhooks-dead"],
            "UnpublishedChangesUrl": world.queues["unpublished"],
            "MissedSchedulesUrl": world.queues["missed"],
        }

    def invoke(self, logical_id: str, _payload: Any) -> Any:
        self.invoked.append(logical_id)

    def put_dead_letter(self, queue: str, body: Json) -> None:
        self.world.sqs.send_message(QueueUrl=self.world.queues[queue], MessageBody=json.dumps(body))

    def redrive(self, queue: str) -> int:
        return redrive.redrive(queue, self.outputs, self.invoke, wait=0)

    def fail_to_publish(self, *, shard: str | None = None) -> None:
        """Put Lambda's on-failure record, as AWS documents it, into the queue: it covers every change in the stream."""
        world = self.world
        description = world.streams.describe_stream(StreamArn=world.stream_arn)["StreamDescription"]
        numbers = [record["dynamodb"]["SequenceNumber"] for record in world.records()]
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        batch = {
            "shardId": shard or description["Shards"][0]["ShardId"],
            "startSequenceNumber": numbers[0],
            "endSequenceNumber": numbers[-1],
            "approximateArrivalOfFirstRecord": now,
            "approximateArrivalOfLastRecord": now,
            "batchSize": len(numbers),
            "streamArn": world.stream_arn,
        }
        condition = {"requestId": "5d2b0f4c", "condition": "RetryAttemptsExhausted", "approximateInvokeCount": 101}
        self.put_dead_letter("unpublished", {"requestContext": condition, "version": "1.0", "DDBStreamBatchInfo": batch})


@pytest.fixture
def deployed(world: MotoWorld) -> Deployed:
    return Deployed(world)


@pytest.mark.parametrize("queue", ["archives", "resubmissions", "webhooks"])
def test_dead_letters_are_moved_back_to_their_queue(deployed: Deployed, queue: str) -> None:
    letters = [{"task_id": f"task-{number}", "attempt": 3} for number in range(23)]
    for letter in letters:
        deployed.put_dead_letter(f"{queue}-dead", letter)
    assert deployed.redrive(queue) == 23
    assert sorted(deployed.world.messages(queue), key=str) == sorted(letters, key=str)
    assert deployed.world.messages(f"{queue}-dead") == []
    assert deployed.redrive(queue) == 0


def test_a_redriven_task_is_archived(deployed: Deployed) -> None:
    world = deployed.world
    task_id = world.succeeded(world.outside.file("a.mp4", File(status=503)))
    world.publish()
    (message,) = world.messages("archives")
    assert world.archive(task_id, messages=[message], receives=8) == {"batchItemFailures": []}
    world.messages("archives")
    world.outside.file("a.mp4", File(body=video(100)))
    assert deployed.redrive("archives") == 1
    assert world.archive(task_id, messages=world.messages("archives")) == {"batchItemFailures": []}
    assert world.task(task_id).archive is Archive.STORED


def test_unpublished_changes_are_read_from_the_stream_for_24_hours(deployed: Deployed) -> None:
    world = deployed.world
    task_id = world.submitted()
    world.callback("processing", task_id)
    world.callback("succeed", task_id)
    deployed.fail_to_publish()
    world.callback("succeed_images", world.submitted("generations"))  # after the batch: published normally
    assert deployed.redrive("changes") == 1
    published = world.messages("events")
    assert [(each["detail"]["task_id"], each["detail"]["version"]) for each in published] == [
        (task_id, 1),
        (task_id, 2),
        (task_id, 3),
    ]
    assert [each["detail"]["previous_status"] for each in published] == [None, "submitted", "processing"]
    assert [message["detail"]["task_id"] for message in world.messages("archives")] == [task_id]
    assert deployed.redrive("changes") == 0


class TrimmedStream:
    """The stream after 24 h."""

    def __init__(self, world: MotoWorld) -> None:
        self.exceptions = world.streams.exceptions

    def get_shard_iterator(self, **_: str) -> Json:
        raise self.exceptions.TrimmedDataAccessException({"Error": {"Code": "TrimmedDataAccessException"}}, "GetShardIterator")


def test_after_24_hours_the_last_change_of_each_task_is_published(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    world, real, made = deployed.world, bootstrap.now, aws.client
    monkeypatch.setattr(bootstrap, "now", lambda: real() - 3_600_000)
    world.submitted()
    monkeypatch.setattr(bootstrap, "now", real)
    stored = world.succeeded(world.outside.file("a.mp4", File(body=video(100))))
    world.archive(stored)
    failed = world.submitted()
    world.callback("failed", failed)
    deployed.fail_to_publish()
    stream = TrimmedStream(world)
    monkeypatch.setattr(redrive, "client", lambda service: stream if service == "dynamodbstreams" else made(service))
    assert deployed.redrive("changes") == 1
    published = {each["detail"]["task_id"]: each for each in world.messages("events")}
    assert published.keys() == {stored, failed}
    assert published[stored]["detail-type"] == "Task Results Stored"
    assert (published[stored]["detail"]["event_id"], published[stored]["detail"]["previous_status"]) == (f"{stored}:3", "succeed")
    assert published[failed]["detail-type"] == "Task Status Changed"
    assert (published[failed]["detail"]["event_id"], published[failed]["detail"]["status"]) == (f"{failed}:2", "failed")


def test_a_batch_that_the_event_bus_rejects_stays_in_the_queue(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    deployed.world.submitted()
    deployed.fail_to_publish()
    with monkeypatch.context() as patch:
        patch.setattr("relay.adapters.eventbridge.EventBridgePublisher.publish", lambda _self, events: list(range(len(events))))
        assert deployed.redrive("changes") == 0
    url = deployed.world.queues["unpublished"]
    name = "ApproximateNumberOfMessagesNotVisible"
    attributes = deployed.world.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"]
    assert attributes[name] == "1"


def test_missed_schedules_start_the_reconciler_once(deployed: Deployed) -> None:
    for _ in range(3):
        deployed.put_dead_letter("missed", event("reconcile_tasks.schedule"))
    assert deployed.redrive("schedules") == 3
    assert deployed.invoked == ["ReconcileTasks"]
    assert deployed.world.messages("missed") == []
