"""Redrives dead letters after the operator has fixed their cause, for `relay dlq redrive`.

- archives, resubmissions, webhooks: the dead letters are moved back to their queue.
- changes: the task changes that Lambda could not publish are read from the stream, which keeps them for 24 h. After that,
  the relay publishes the last change of every task that changed in the same period, with the same event id. Only older
  versions of these tasks remain unpublished.
- schedules: the reconciler runs once. That run finds everything that is due.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from relay.adapters.aws import client
from relay.adapters.dynamodb.stream import records_of
from relay.adapters.eventbridge import EventBridgePublisher
from relay.domain.events import Event, event_between
from relay.usecases.publish import publish
from relay_cli.operator.dead_letters import DeadLetters, LostChanges

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from relay.domain.task import Task
    from relay.ports import EventPublisher

QUEUES = ("archives", "resubmissions", "webhooks", "changes", "schedules")
_SLACK = 900_000
"""Longest time in milliseconds between a change's timestamp and its arrival in the stream: the longest run of a function."""


def redrive(queue: str, outputs: Mapping[str, str], invoke: Callable[[str, Mapping[str, Any]], Any], *, wait: int = 2) -> int:
    """Redrive the dead letters of a queue and return their number. A dead letter that fails again stays in its queue.

    `outputs` are the stack's outputs; `invoke` calls a function by its logical id. The queue counts as empty if no message
    arrives within `wait` seconds.
    """
    sqs = client("sqs")
    if queue == "changes":
        lost = LostChanges(client("dynamodb"), client("dynamodbstreams"), outputs["TasksTable"])
        events = EventBridgePublisher(client("events"), outputs["EventBus"])
        letters = DeadLetters(sqs, letters_url(queue, outputs), wait=wait)
        return letters.consume(lambda body: republish(json.loads(body), lost=lost, events=events))
    if queue == "schedules":
        invoke("ReconcileTasks", {})
        return DeadLetters(sqs, letters_url(queue, outputs), wait=wait).consume(lambda _: True)
    return DeadLetters(sqs, letters_url(queue, outputs), wait=wait).move(outputs[f"{queue.title()}QueueUrl"])


def letters_url(queue: str, outputs: Mapping[str, str]) -> str:
    """Return the URL of the dead-letter queue for one of QUEUES."""
    of_lambda = {"changes": "UnpublishedChangesUrl", "schedules": "MissedSchedulesUrl"}
    return outputs[of_lambda.get(queue, f"{queue.title()}DeadLettersUrl")]


def republish(message: Mapping[str, Any], *, lost: LostChanges, events: EventPublisher) -> bool:
    """Publish the changes behind one message of Lambda's on-failure destination.

    Returns False if the event bus did not accept all of them.
    """
    batch = message["DDBStreamBatchInfo"]
    records = lost.records(batch)
    if records is not None:
        changes = [record for record in records if record["eventName"] != "REMOVE"]
        return publish(records_of({"Records": changes}), events=events) is None
    first, last = (_milliseconds(batch[f"approximateArrivalOf{which}Record"]) for which in ("First", "Last"))
    latest = [last_event(task) for task in lost.tasks_changed(first - _SLACK, last + _SLACK)]
    return not latest or not events.publish(latest)


def last_event(task: Task) -> Event:
    """Return the event of a task's last change, built from the task alone.

    The event contains the previous status only if it is certain, which is after archiving. Raises ValueError for a task that
    has no event.
    """
    before = replace(task, archive=None, version=task.version - 1) if task.archive else None
    event = event_between(before, task)
    if event is None:
        raise ValueError(f"task {task.task_id}: its last change has no event")
    return event


def _milliseconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)
