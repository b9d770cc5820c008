"""`relay dlq redrive QUEUE`: what failed for good is tried again, after its cause was mended.

archives, resubmissions, webhooks: the dead letters go back into their queue. changes: the changes that Lambda could not
publish are read from the stream while it has them, which is for 24 h; later every task whose last change falls into their time
is announced again as it stands, with the same event id, so that only versions that were overtaken stay untold. schedules: the
reconciler runs once; it finds all that is due.
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
"""Milliseconds between a change's own time and its arrival in the stream, at the most: a function's longest run."""


def redrive(queue: str, outputs: Mapping[str, str], invoke: Callable[[str, Mapping[str, Any]], Any], *, wait: int = 2) -> int:
    """Try the dead letters of a queue again; returns how many were. What cannot be done stays where it is.

    A queue is empty when nothing comes for `wait` seconds.
    """
    sqs = client("sqs")
    if queue == "changes":
        lost = LostChanges(client("dynamodb"), client("dynamodbstreams"), outputs["TasksTable"])
        events = EventBridgePublisher(client("events"), outputs["EventBus"])
        letters = DeadLetters(sqs, letters_url(queue, outputs), wait=wait)
        return letters.each(lambda body: republish(json.loads(body), lost=lost, events=events))
    if queue == "schedules":
        invoke("ReconcileTasks", {})
        return DeadLetters(sqs, letters_url(queue, outputs), wait=wait).each(lambda _: True)
    return DeadLetters(sqs, letters_url(queue, outputs), wait=wait).move(outputs[f"{queue.title()}QueueUrl"])


def letters_url(queue: str, outputs: Mapping[str, str]) -> str:
    """The queue of dead letters that is meant."""
    of_lambda = {"changes": "UnpublishedChangesUrl", "schedules": "MissedSchedulesUrl"}
    return outputs[of_lambda.get(queue, f"{queue.title()}DeadLettersUrl")]


def republish(message: Mapping[str, Any], *, lost: LostChanges, events: EventPublisher) -> bool:
    """Publish what one message of Lambda's on-failure destination stands for; False when the bus did not take all of it."""
    batch = message["DDBStreamBatchInfo"]
    records = lost.records(batch)
    if records is not None:
        changes = [record for record in records if record["eventName"] != "REMOVE"]
        return publish(records_of({"Records": changes}), events=events) is None
    first, last = (_milliseconds(batch[f"approximateArrivalOf{which}Record"]) for which in ("First", "Last"))
    announced = [last_event(task) for task in lost.tasks_changed(first - _SLACK, last + _SLACK)]
    return not announced or not events.publish(announced)


def last_event(task: Task) -> Event:
    """The event of a task's last change, from the task alone: what it was before is told only where that is certain."""
    before = replace(task, archive=None, version=task.version - 1) if task.archive else None
    event = event_between(before, task)
    if event is None:
        raise ValueError("a change that is none")
    return event


def _milliseconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)
