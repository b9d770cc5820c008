"""The clients' endpoints and the queues of webhooks: what a client gets never goes back, and every id says one thing."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from relay.domain.task import Status
from relay.domain.webhook import Answer, Delivery, DeliveryOutcome, url_id
from tests.simulation.faults import Decisions, Fault
from tests.simulation.invariants import Invariants, must
from tests.simulation.scheduler import Scheduler
from tests.support.fakes.webhooks import FakeWebhookQueue

if TYPE_CHECKING:
    from tests.simulation.queues import Queue

_OVER = frozenset({Status.SUCCEED.value, Status.FAILED.value})
_CHANCES = (
    (Fault.HOOK_REFUSED, 0.12),
    (Fault.HOOK_SILENT, 0.06),
    (Fault.HOOK_SLOW, 0.08),
    (Fault.HOOK_LOST, 0.06),
    (Fault.HOOK_BUSY, 0.05),
    (Fault.HOOK_GONE, 0.01),
)


class SimulatedEndpoints:
    """WebhookSender; checks what arrives, and answers with at most one fault."""

    def __init__(
        self, invariants: Invariants, scheduler: Scheduler, decisions: Decisions, told: Callable[[bytes], tuple[str, str]]
    ) -> None:
        self.taken: set[str] = set()
        """The event ids of what was answered 2xx, whether or not the answer arrived."""
        self.gone: set[str] = set()
        """Endpoints that have answered 410."""
        self._over: dict[str, str] = {}
        self._said: dict[str, str] = {}
        self._invariants = invariants
        self._scheduler = scheduler
        self._decisions = decisions
        self._told = told

    def post(self, url: str, body: bytes, *, tenant: str, event_id: str) -> Answer:
        """A request arrives at once; its answer may take a while, in which others work."""
        task_id, status = self._told(body)
        name = f"{event_id[:6]}:{event_id.rpartition(':')[2]}"
        rule = "a webhook tells what is stored"
        must(event_id.partition(":")[0] == task_id, rule, f"{name} tells of {task_id[:6]}")
        must(self._invariants.status_of(event_id) == status, rule, f"{name} says {status}")
        must(self._said.setdefault(event_id, status) == status, "one id for each event", f"{name} says {status}")
        after = self._over.get(task_id)
        must(after is None or status in _OVER, "webhooks never go back", f"{name}, {status}, after {after} was taken")
        fault = self._decisions.one_of(_CHANCES, self._decisions.visit(f"webhook {event_id}"))
        if fault is not None:
            self._scheduler.say(f"! {fault}: {name}, {status}")
        if fault is Fault.HOOK_GONE:
            self.gone.add(url_id(tenant, url))
        if fault in {None, Fault.HOOK_SLOW, Fault.HOOK_LOST}:
            self._take(task_id, event_id, status)
        return self._answer(fault, event_id)

    def _take(self, task_id: str, event_id: str, status: str) -> None:
        self.taken.add(event_id)
        if status in _OVER:
            self._over[task_id] = event_id

    def _answer(self, fault: Fault | None, event_id: str) -> Answer:
        match fault:
            case Fault.HOOK_REFUSED:
                return Answer(took_ms=90, http_status=500)
            case Fault.HOOK_BUSY:
                return Answer(took_ms=20, http_status=429, retry_after=120)
            case Fault.HOOK_GONE:
                return Answer(took_ms=20, http_status=410)
            case Fault.HOOK_SILENT | Fault.HOOK_LOST:
                self._scheduler.pause(15_000)
                return Answer(took_ms=15_000, error="no answer in time")
            case Fault.HOOK_SLOW:
                took = round(self._decisions.between(f"slow {event_id}", 2100, 14_000))
                self._scheduler.pause(took)
                return Answer(took_ms=took, http_status=200)
        return Answer(took_ms=80, http_status=204)


class QueuedWebhooks(FakeWebhookQueue):
    """FakeWebhookQueue on queues that deliver."""

    def __init__(self) -> None:
        super().__init__()
        self.first: Queue | None = None
        self.retries: Queue | None = None

    def announce(self, delivery: Delivery, *, delay: float) -> None:
        """What a rule puts into the queue `webhooks`."""
        if self.first is not None:
            self.first.send(_named(delivery), delivery, delay=delay)

    def put(self, delivery: Delivery, *, now: int) -> None:
        """With its delay."""
        super().put(delivery, now=now)
        if self.retries is not None:
            self.retries.send(_named(delivery), delivery, delay=self.messages[-1][1], continues=True)

    def bury(self, delivery: Delivery) -> None:
        """Into the dead letters of the first queue, where a redrive takes them from."""
        super().bury(delivery)
        if self.first is not None:
            self.first.bury(_named(delivery), self.buried[-1])


def _named(delivery: Delivery) -> str:
    return f"{delivery.task_id[:6]}:{delivery.version} attempt {delivery.attempt}"


SETTLED = frozenset({DeliveryOutcome.DELIVERED, DeliveryOutcome.GONE})
"""What a task's webhooks have come to when all is calm."""
