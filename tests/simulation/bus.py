"""The bus and its rules: events go to a consumer that checks each, those of successes to `archives`, some to `webhooks`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from relay.domain.events import STATUS_CHANGED, WEBHOOK_UNDELIVERABLE, Event
from relay.domain.task import Status
from relay.domain.webhook import Delivery
from tests.simulation.faults import Decisions, Fault
from tests.simulation.invariants import Invariants

if TYPE_CHECKING:
    from tests.simulation.queues import Queue
    from tests.simulation.webhooks import QueuedWebhooks


class SimulatedBus:
    """EventPublisher."""

    def __init__(self, invariants: Invariants, decisions: Decisions) -> None:
        self.archives: Queue | None = None
        self.webhooks: QueuedWebhooks | None = None
        self._invariants = invariants
        self._decisions = decisions

    def publish(self, events: Sequence[Event]) -> list[int]:
        """Some entries may not be taken, though others behind them are."""
        failed = []
        for number, event in enumerate(events):
            name = event.detail["event_id"]
            if self._decisions.strikes(Fault.ENTRY_NOT_TAKEN, name, 0.05):
                failed.append(number)
                continue
            self._invariants.published(event)
            if event.detail_type == STATUS_CHANGED and event.detail["status"] == Status.SUCCEED:
                self._to_archives(event.detail["task_id"])
            elif event.detail_type != WEBHOOK_UNDELIVERABLE and event.detail.get("has_callback"):
                self._to_webhooks(event.detail)
        return failed

    def _to_webhooks(self, detail: dict[str, Any]) -> None:
        if self.webhooks is None or self.webhooks.first is None:
            raise RuntimeError("the rule has no target")
        name, delivery = detail["event_id"], Delivery.of({"detail": detail})
        if self._decisions.strikes(Fault.RULE_FAILED, name, 0.04):
            self.webhooks.first.bury(name, delivery)
            return
        late = self._decisions.strikes(Fault.HOOK_MESSAGE_LATE, name, 0.1)
        self.webhooks.announce(delivery, delay=self._decisions.between(f"way of {name}", 5, 90) if late else 0.5)
        if self._decisions.strikes(Fault.RULE_REPEATED, name, 0.06):
            self.webhooks.announce(delivery, delay=3)

    def _to_archives(self, task_id: str) -> None:
        if self.archives is None:
            raise RuntimeError("the rule has no target")
        name = task_id[:6]
        if self._decisions.strikes(Fault.RULE_FAILED, name, 0.04):
            self.archives.bury(name, task_id)
            return
        self.archives.send(name, task_id, delay=0.5)
        if self._decisions.strikes(Fault.RULE_REPEATED, name, 0.06):
            self.archives.send(name, task_id, delay=3)
