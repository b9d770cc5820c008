"""FakeWebhooks, FakeWebhookQueue, FakeWebhookSender: deliveries to the clients, without AWS and without the clients."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from relay.domain.webhook import Answer, Attempt, Delivery, DeliveryLog, DeliveryOutcome, Endpoint

OK = Answer(took_ms=80, http_status=200)
BROKEN = Answer(took_ms=80, http_status=500)
SILENT = Answer(took_ms=15_000, error="no answer in time")


@dataclass(slots=True)
class _Item:
    """A task's item in the table."""

    log: DeliveryLog
    next_attempt: int
    busy_until: int = 0
    settled: int = 0


class FakeWebhooks:
    """Webhooks as dictionaries."""

    def __init__(self) -> None:
        self.endpoints: dict[str, Endpoint] = {}
        self.items: dict[str, _Item] = {}
        self._lanes: dict[tuple[str, int], int] = {}

    def endpoint(self, endpoint_id: str) -> Endpoint:
        """Unknown ones are new."""
        return self.endpoints.get(endpoint_id, Endpoint())

    def claim_lane(self, endpoint_id: str, lane: int, *, now: int, until: int) -> bool:
        """One at a time."""
        if self._lanes.get((endpoint_id, lane), 0) > now:
            return False
        self._lanes[endpoint_id, lane] = until
        return True

    def keep_endpoint(self, endpoint_id: str, endpoint: Endpoint, *, lane: int | None, now: int) -> None:  # noqa: ARG002 - keeps it
        """The last one wins, except that gone URLs are remembered."""
        known = self.endpoint(endpoint_id).has_gone_urls
        self.endpoints[endpoint_id] = replace(endpoint, has_gone_urls=known or endpoint.has_gone_urls)
        if lane is not None:
            self._lanes.pop((endpoint_id, lane), None)

    def begin(self, delivery: Delivery, *, now: int, until: int, expires_at: int) -> DeliveryLog | None:  # noqa: ARG002 - keeps it
        """Forwards only, and one at a time."""
        item = self.items.get(delivery.task_id)
        if item is not None:
            is_over = item.settled >= delivery.version or item.log.version > delivery.version
            if is_over or (item.log.version == delivery.version and item.next_attempt > delivery.attempt):
                return None
            if item.busy_until > now:
                return replace(item.log, is_busy=True)
        log = replace(item.log, version=delivery.version) if item else DeliveryLog(version=delivery.version)
        settled = item.settled if item else 0
        self.items[delivery.task_id] = _Item(log, delivery.attempt, until, settled)
        return log

    def conclude(
        self, delivery: Delivery, attempts: Sequence[Attempt], outcome: DeliveryOutcome, *, again: Delivery | None = None
    ) -> None:
        """Only the attempt that was begun."""
        item = self.items[delivery.task_id]
        if (item.log.version, item.next_attempt) != (delivery.version, delivery.attempt):
            return
        due_at = again.due_at if again else None
        settled = delivery.version if outcome in {DeliveryOutcome.DELIVERED, DeliveryOutcome.GONE} else item.settled
        log = DeliveryLog(version=delivery.version, outcome=outcome, attempts=tuple(attempts), due_at=due_at)
        self.items[delivery.task_id] = _Item(log, delivery.attempt + 1, 0, settled)

    def log(self, task_id: str) -> DeliveryLog | None:
        """As it is shown."""
        item = self.items.get(task_id)
        return item.log if item else None


class FakeWebhookQueue:
    """WebhookQueue; who plays the queue takes from `messages`: a delivery, and the delay in seconds."""

    def __init__(self) -> None:
        self.messages: list[tuple[Delivery, int]] = []
        self.buried: list[Delivery] = []

    def put(self, delivery: Delivery, *, now: int) -> None:
        """As SQS takes it: whole seconds, a quarter of an hour at the most."""
        self.messages.append((delivery, min(900, max(0, -((now - delivery.due_at) // 1000)))))

    def bury(self, delivery: Delivery) -> None:
        """As it is redriven."""
        self.buried.append(delivery.anew())


class FakeWebhookSender:
    """WebhookSender; `answer` says what the client answers to (URL, body)."""

    def __init__(self, answer: Callable[[str, bytes], Answer] = lambda _url, _body: OK) -> None:
        self.answer = answer
        self.sent: list[tuple[str, str, bytes]] = []
        """(event id, URL, body)"""

    def post(self, url: str, body: bytes, *, tenant: str, event_id: str) -> Answer:  # noqa: ARG002 - does not sign
        """Kept, and answered."""
        self.sent.append((event_id, url, body))
        return self.answer(url, body)
