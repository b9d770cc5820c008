"""Publish the events of task changes: the table's stream is the outbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.domain.events import event_between

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.ports import EventPublisher, Record


def publish(records: Sequence[Record], events: EventPublisher) -> str | None:
    """Publish in order; returns the sequence number of the first failed record, or None when the bus accepted all events.

    Records after a failed one are published again with it: at least once, and never a later version without the earlier one.
    """
    numbers, entries = [], []
    for record in records:
        event = event_between(record.before, record.after) if record.after else None
        if event:
            numbers.append(record.sequence_number)
            entries.append(event)
    failed = events.publish(entries) if entries else []
    return numbers[min(failed)] if failed else None
