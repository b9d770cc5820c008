"""EventBridgePublisher: the bus that consumers subscribe to."""

import json
from collections.abc import Sequence
from itertools import batched
from typing import Any

from relay.domain.events import SOURCE, Event

_BATCH = 10  # PutEvents takes no more


class EventBridgePublisher:
    """EventPublisher on one bus."""

    def __init__(self, client: Any, bus: str) -> None:
        self._client = client
        self._bus = bus

    def publish(self, events: Sequence[Event]) -> list[int]:
        """PutEvents, ten at a time; an entry may fail though the call succeeds."""
        failed: list[int] = []
        for batch in batched(enumerate(events), _BATCH, strict=False):
            answer = self._client.put_events(Entries=[self._entry(event) for _, event in batch])
            failed += [number for (number, _), entry in zip(batch, answer["Entries"], strict=True) if entry.get("ErrorCode")]
        return failed

    def _entry(self, event: Event) -> dict[str, Any]:
        return {
            "Source": SOURCE,
            "DetailType": event.detail_type,
            "Detail": json.dumps(event.detail, separators=(",", ":"), ensure_ascii=False),
            "EventBusName": self._bus,
        }
