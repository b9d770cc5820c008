"""SqsResubmissions, SqsWebhooks: the queues that functions send to themselves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from relay.domain.webhook import Delivery

_LONGEST_DELAY = 900


class SqsResubmissions:
    """Resubmissions on one queue."""

    def __init__(self, client: Any, queue_url: str) -> None:
        self._client = client
        self._queue_url = queue_url

    def put(self, task_id: str, *, attempt: int, due_at: int, delay: int) -> None:
        """`{"task_id", "attempt", "due_at"}`, visible after `delay` seconds."""
        body = json.dumps({"task_id": task_id, "attempt": attempt, "due_at": due_at})
        self._client.send_message(QueueUrl=self._queue_url, MessageBody=body, DelaySeconds=delay)


class SqsWebhooks:
    """WebhookQueue: retries in one queue, delayed by at most 15 minutes at a time, and dead letters in another.

    A queue holds 120,000 messages in flight, and a delayed message is not in flight. Retries that were hidden by their
    visibility timeout instead could fill the queue for every tenant. SQS's fair queues use the message group.
    """

    def __init__(self, client: Any, *, retries_url: str, dead_letters_url: str) -> None:
        self._client = client
        self._retries_url = retries_url
        self._dead_letters_url = dead_letters_url

    def put(self, delivery: Delivery, *, now: int) -> None:
        """Visible at its `due_at`, rounded up to seconds, or after 15 minutes if that is sooner."""
        delay = min(_LONGEST_DELAY, max(0, -((now - delivery.due_at) // 1000)))
        self._send(self._retries_url, delivery, DelaySeconds=delay)

    def bury(self, delivery: Delivery) -> None:
        """In the form in which a redrive starts it again."""
        self._send(self._dead_letters_url, delivery.anew())

    def _send(self, url: str, delivery: Delivery, **arguments: Any) -> None:
        body = json.dumps(delivery.to_message(), separators=(",", ":"))  # in ASCII: SQS refuses some characters
        self._client.send_message(QueueUrl=url, MessageBody=body, MessageGroupId=delivery.tenant, **arguments)
