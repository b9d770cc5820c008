"""SqsResubmissions: the queue of tasks that the provider could not take."""

import json
from typing import Any


class SqsResubmissions:
    """Resubmissions on one queue."""

    def __init__(self, client: Any, queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def put(self, task_id: str, *, attempt: int, delay: int) -> None:
        """`{"task_id", "attempt"}`, visible after `delay` seconds."""
        body = json.dumps({"task_id": task_id, "attempt": attempt})
        self._client.send_message(QueueUrl=self._queue_url, MessageBody=body, DelaySeconds=delay)
