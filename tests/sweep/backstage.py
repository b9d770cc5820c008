"""A look behind moto's API: what a run leaves is read and cleared without a request, which is most of a run's time."""

import json
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.s3.models import s3_backends
from moto.sqs.models import sqs_backends

from tests.support.moto_world import Json

_ACCOUNT, _REGION = "123456789012", "us-east-1"


class Backstage:
    """The table `tasks`, its stream, the queues and the bucket, as moto holds them."""

    def __init__(self) -> None:
        self._seen = 0

    @property
    def _table(self) -> Any:
        return dynamodb_backends[_ACCOUNT][_REGION].get_table("tasks")

    def items(self) -> list[Json]:
        """Every item of the table."""
        return [item.to_json()["Attributes"] for item in self._table.items.values()]

    def new_records(self) -> list[Json]:
        """What the stream got since the last look."""
        shard = self._table.stream_shard
        found: list[Json] = shard.get(shard.starting_sequence_number + self._seen, 10_000)
        self._seen += len(found)
        return found

    @staticmethod
    def _queue(name: str) -> Any:
        return sqs_backends[_ACCOUNT][_REGION].get_queue(name)

    def left(self, queue: str) -> int:
        """How many messages a queue holds, seen or unseen."""
        return len(self._queue(queue)._messages)

    def is_visible(self, queue: str) -> bool:
        """Whether a receive would find a message, or move one to the dead letters."""
        return any(message.visible and not message.delayed for message in self._queue(queue)._messages)

    def drained(self, queue: str) -> list[Json]:
        """All messages of a queue, taken out of it."""
        found = [json.loads(message.body) for message in self._queue(queue)._messages]
        self.purge(queue)
        return found

    def purge(self, queue: str) -> None:
        """Empty a queue."""
        self._queue(queue)._messages = []
        self._queue(queue)._pending_messages = set()

    @property
    def _bucket(self) -> Any:
        return s3_backends[_ACCOUNT]["aws"].buckets["results"]

    def objects(self, prefix: str) -> dict[str, bytes]:
        """Every object of the bucket by its key."""
        return {key: self._bucket.keys[key].value for key in list(self._bucket.keys) if key.startswith(prefix)}

    def uploads(self) -> int:
        """Multipart uploads that nobody ended."""
        return len(self._bucket.multiparts)

    def clear(self, queues: list[str]) -> None:
        """No item, no message, no object; the stream goes on."""
        self._table.items.clear()
        dynamodb_backends[_ACCOUNT][_REGION].get_table("webhooks").items.clear()
        self._bucket.keys.clear()
        self._bucket.multiparts.clear()
        for queue in queues:
            self.purge(queue)
