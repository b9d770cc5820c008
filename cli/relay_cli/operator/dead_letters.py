"""DeadLetters: reads and moves dead letters. LostChanges: recovers task changes that Lambda could not publish."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from relay.adapters.dynamodb.items import is_task, number, task_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from relay.domain.task import Task

_BATCH = 10  # messages; the most that SQS returns at once
_MOST_READS = 1000  # calls of GetRecords
_TRIMMED = frozenset({"TrimmedDataAccessException", "ResourceNotFoundException"})


class DeadLetters:
    """A dead-letter queue. It counts as empty if no message arrives within `wait` seconds."""

    def __init__(self, client: Any, queue_url: str, *, wait: int) -> None:
        self._client = client
        self._queue_url = queue_url
        self._wait = wait

    def move(self, target_url: str) -> int:
        """Move every message to another queue; return the number. A crash may duplicate a message, but never loses one.

        This does not use SQS's StartMessageMoveTask. That call returns before the messages are moved, and it accepts only
        the dead-letter queue of another queue. Some of our messages were put there by an EventBridge rule.
        """

        def send(body: str) -> bool:
            self._client.send_message(QueueUrl=target_url, MessageBody=body)
            return True

        return self.consume(send)

    def consume(self, handle: Callable[[str], bool]) -> int:
        """Pass the body of each message to `handle` once.

        A message is deleted if `handle` returns True. Returns the number of deleted messages.
        """
        handled = 0
        while messages := self._receive():
            for message in messages:
                if handle(message["Body"]):
                    self._client.delete_message(QueueUrl=self._queue_url, ReceiptHandle=message["ReceiptHandle"])
                    handled += 1
        return handled

    def _receive(self) -> list[dict[str, Any]]:
        answer = self._client.receive_message(QueueUrl=self._queue_url, MaxNumberOfMessages=_BATCH, WaitTimeSeconds=self._wait)
        return list(answer.get("Messages", ()))


class LostChanges:
    """Task changes that Lambda gave up on. Lambda names them by their position in the stream and by their time."""

    def __init__(self, dynamodb: Any, streams: Any, table: str) -> None:
        self._dynamodb = dynamodb
        self._streams = streams
        self._table = table

    def records(self, batch: Mapping[str, Any]) -> list[dict[str, Any]] | None:
        """Return the records of a `DDBStreamBatchInfo` from the stream; None if they are older than 24 h and no longer there.

        Raises TimeoutError if the stream does not return the last record within 1000 reads.
        """
        try:
            iterator = self._streams.get_shard_iterator(
                StreamArn=batch["streamArn"],
                ShardId=batch["shardId"],
                ShardIteratorType="AT_SEQUENCE_NUMBER",
                SequenceNumber=batch["startSequenceNumber"],
            )["ShardIterator"]
            return self._read_until(iterator, int(batch["endSequenceNumber"]))
        except ClientError as error:
            if error.response["Error"]["Code"] in _TRIMMED:
                return None
            raise

    def _read_until(self, iterator: str | None, last: int) -> list[dict[str, Any]]:
        records: list[dict[str, Any]] = []
        for _ in range(_MOST_READS):  # a response may be empty although more records follow
            answer = self._streams.get_records(ShardIterator=iterator)
            records += [record for record in answer["Records"] if int(record["dynamodb"]["SequenceNumber"]) <= last]
            iterator = answer.get("NextShardIterator")
            numbers = [int(record["dynamodb"]["SequenceNumber"]) for record in answer["Records"]]
            if max(numbers, default=0) >= last or not iterator:
                return records
        raise TimeoutError(f"the stream did not return record {last}: try again")

    def tasks_changed(self, first: int, last: int) -> Iterator[Task]:
        """Yield the tasks whose last change was between two Unix times in milliseconds. Scans the whole table."""
        values = {":first": number(first), ":last": number(last)}
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._table,
            FilterExpression="updated_at BETWEEN :first AND :last",
            ExpressionAttributeValues=values,
            ConsistentRead=True,
        )
        for page in pages:
            yield from (task_of(item) for item in page["Items"] if is_task(item))
