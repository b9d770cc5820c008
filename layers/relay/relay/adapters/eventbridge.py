"""EventBridgePublisher: the bus that consumers subscribe to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from relay.domain.events import SOURCE, Event

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# The limits of one PutEvents call: the number of entries, and their bytes in total.
_MOST = 10
_LARGEST = 262_144
_OVERHEAD = 256


class EventBridgePublisher:
    """EventPublisher on one bus."""

    def __init__(self, client: Any, bus: str) -> None:
        self._client = client
        self._bus = bus

    def publish(self, events: Sequence[Event]) -> list[int]:
        """PutEvents, in as few calls as its limits allow. An entry may fail although the call succeeds."""
        failed: list[int] = []
        entries = [self._entry(event) for event in events]
        for start, end in _calls(entries):
            answer = self._client.put_events(Entries=entries[start:end])
            failed += [start + number for number, entry in enumerate(answer["Entries"]) if entry.get("ErrorCode")]
        return failed

    def _entry(self, event: Event) -> dict[str, Any]:
        return {
            "Source": SOURCE,
            "DetailType": event.detail_type,
            "Detail": json.dumps(event.detail, separators=(",", ":"), ensure_ascii=False),
            "EventBusName": self._bus,
        }


def _calls(entries: Sequence[dict[str, Any]]) -> Iterator[tuple[int, int]]:
    """The slices of `entries` that fit into one call each."""
    start = size = 0
    for number, entry in enumerate(entries):
        length = len(entry["Detail"].encode()) + _OVERHEAD
        if number > start and (number - start == _MOST or size + length > _LARGEST):
            yield start, number
            start, size = number, 0
        size += length
    if start < len(entries):
        yield start, len(entries)
