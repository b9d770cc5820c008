"""EventBridgePublisher: the bus that consumers subscribe to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from relay.domain.events import SOURCE, Event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

# One PutEvents call takes 10 entries and, since January 2026, 1 MB instead of 256 KB, as do SQS and asynchronous Lambda:
# https://aws.amazon.com/blogs/compute/more-room-to-build-serverless-services-now-support-payloads-up-to-1-mb
# We keep to 256 KB, the event around the detail included, since consumers' queues may have the former limit.
_MOST = 10
_LARGEST = 262_144
_OVERHEAD = 1024
_NEVER = frozenset({"InvalidArgument", "MalformedDetail", "RedactionFailure"})
"""Error codes that concern the entry itself, so that repeating it never helps:
https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html"""


class EventBridgePublisher:
    """EventPublisher on one bus. `divert(entry, reason)` takes what the bus can never accept; None: such an event has failed."""

    def __init__(self, client: Any, bus: str, *, divert: Callable[[Mapping[str, Any], str], None] | None = None) -> None:
        self._client = client
        self._bus = bus
        self._divert = divert

    def publish(self, events: Sequence[Event]) -> list[int]:
        """PutEvents, in as few calls as its limits allow. An entry may fail although the call succeeds."""
        failed: list[int] = []
        entries = [self._entry(event) for event in events]
        for start, end in _calls(entries):
            failed += [start + number for number in self._put(entries[start:end])]
        return failed

    def _put(self, entries: Sequence[dict[str, Any]]) -> list[int]:
        if self._divert and _size(entries[0]) > _LARGEST:  # it has a call of its own
            self._divert(entries[0], f"{_size(entries[0])} bytes, more than {_LARGEST}")
            return []
        failed = []
        for number, answer in enumerate(self._client.put_events(Entries=entries)["Entries"]):
            code = answer.get("ErrorCode")
            if self._divert and code in _NEVER:
                self._divert(entries[number], code)
            elif code:
                failed.append(number)
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
        length = _size(entry)
        if number > start and (number - start == _MOST or size + length > _LARGEST):
            yield start, number
            start, size = number, 0
        size += length
    if start < len(entries):
        yield start, len(entries)


def _size(entry: Mapping[str, Any]) -> int:
    """Bytes of the event that consumers receive, at most."""
    return len(entry["Detail"].encode()) + _OVERHEAD
