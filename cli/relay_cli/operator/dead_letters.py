"""DeadLetters and LostChanges: what failed for good, and what is left of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from relay.adapters.dynamodb.items import is_task, number, task_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from relay.domain.task import Task

_AT_ONCE = 10
_LONGEST_READ = 1000
_GONE = frozenset({"TrimmedDataAccessException", "ResourceNotFoundException"})


class DeadLetters:
    """The messages of a dead-letter queue; `wait` in seconds until it counts as empty."""

    def __init__(self, client: Any, queue_url: str, *, wait: int) -> None:
        self._client = client
        self._queue_url = queue_url
        self._wait = wait

    def move(self, target_url: str) -> int:
        """Back into a queue; returns how many. A crash may send a message twice, and loses none.

        Not by a message move task of SQS: it would leave nobody to say when it is done, and its source must be the dead-letter
        queue of a queue for every message in it, while some were put there by a rule.
        """

        def send(body: str) -> bool:
            self._client.send_message(QueueUrl=target_url, MessageBody=body)
            return True

        return self.each(send)

    def each(self, take: Callable[[str], bool]) -> int:
        """Give every message's body to `take`, once; one that is taken (True) is deleted after it. Returns how many were."""
        taken = 0
        while messages := self._received():
            for message in messages:
                if take(message["Body"]):
                    self._client.delete_message(QueueUrl=self._queue_url, ReceiptHandle=message["ReceiptHandle"])
                    taken += 1
        return taken

    def _received(self) -> list[dict[str, Any]]:
        found = self._client.receive_message(QueueUrl=self._queue_url, MaxNumberOfMessages=_AT_ONCE, WaitTimeSeconds=self._wait)
        return list(found.get("Messages", ()))


class LostChanges:
    """The changes of tasks that Lambda gave up on: it names them by their place in the stream and by their time."""

    def __init__(self, dynamodb: Any, streams: Any, table: str) -> None:
        self._dynamodb = dynamodb
        self._streams = streams
        self._table = table

    def records(self, batch: Mapping[str, Any]) -> list[dict[str, Any]] | None:
        """The records of a `DDBStreamBatchInfo` as the stream still has them (24 h); None when it has them no more."""
        try:
            iterator = self._streams.get_shard_iterator(
                StreamArn=batch["streamArn"],
                ShardId=batch["shardId"],
                ShardIteratorType="AT_SEQUENCE_NUMBER",
                SequenceNumber=batch["startSequenceNumber"],
            )["ShardIterator"]
            return self._until(iterator, int(batch["endSequenceNumber"]))
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:
                return None
            raise

    def _until(self, iterator: str | None, last: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for _ in range(_LONGEST_READ):  # an answer may be empty though more follow
            answer = self._streams.get_records(ShardIterator=iterator)
            found += [record for record in answer["Records"] if int(record["dynamodb"]["SequenceNumber"]) <= last]
            iterator = answer.get("NextShardIterator")
            read = [int(record["dynamodb"]["SequenceNumber"]) for record in answer["Records"]]
            if max(read, default=0) >= last or not iterator:
                return found
        raise TimeoutError(f"the stream does not come to its record {last}: try again")

    def tasks_changed(self, first: int, last: int) -> Iterator[Task]:
        """The tasks whose last change was between two times in ms: a scan of the whole table."""
        values = {":first": number(first), ":last": number(last)}
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._table,
            FilterExpression="updated_at BETWEEN :first AND :last",
            ExpressionAttributeValues=values,
            ConsistentRead=True,
        )
        for page in pages:
            yield from (task_of(item) for item in page["Items"] if is_task(item))
