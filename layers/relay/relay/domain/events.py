"""The events that consumers subscribe to. The event of a change is derived from two versions of the task alone."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from relay.domain.task import Archive, FailureCode, Result, Status, Task

if TYPE_CHECKING:
    from relay.domain.webhook import Attempt, Delivery

SOURCE = "comet.relay"
SCHEMA_VERSION = "1.2"

STATUS_CHANGED = "Task Status Changed"
RESULTS_DELAYED = "Task Results Delayed"
RESULTS_STORED = "Task Results Stored"
ARCHIVING_FAILED = "Task Results Archiving Failed"
CALLBACK_QUARANTINED = "Task Callback Quarantined"
WEBHOOK_UNDELIVERABLE = "Task Webhook Undeliverable"

_OF_ARCHIVING = {Archive.PENDING: RESULTS_DELAYED, Archive.STORED: RESULTS_STORED, Archive.FAILED: ARCHIVING_FAILED}
_PRIVATE_RESULT_FIELDS = {"path"}


@dataclass(frozen=True, slots=True)
class Event:
    """One EventBridge entry: `detail_type` and the detail (events/schemas/)."""

    detail_type: str
    detail: dict[str, Any]


def event_between(before: Task | None, after: Task) -> Event | None:
    """The event of the change from `before` (None: created) to `after`; None when nothing that events show has changed.

    The id is `{task_id}:{version}`, so consumers can recognise a repeated delivery and order the events of a task.
    """
    if before is not None and before.version == after.version:
        return None
    if before is not None and after.archive and before.archive is not after.archive:
        kind = _OF_ARCHIVING[after.archive]
    else:
        kind = STATUS_CHANGED
    return Event(kind, _detail(after, before.status if before else None))


def _detail(task: Task, previous: Status | None) -> dict[str, Any]:
    detail: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "event_id": f"{task.task_id}:{task.version}",
        "version": task.version,
        "tenant": task.tenant,
        "provider": task.provider,
        "operation": task.operation,
        "task_id": task.task_id,
        "provider_task_id": task.provider_task_id,
        "external_task_id": task.external_task_id,
        "has_callback": task.callback_url is not None,
        "status": task.status.value,
        "previous_status": previous.value if previous else None,
        "status_message": task.message,
        "created_at": task.created_at,
        "updated_at": task.updated_at,
        "progress": None,
        "provider_error": _provider_error(task),
        "results": [described(result) for result in task.results],
    }
    if task.failure:
        detail["failure"] = {name: value for name, value in asdict(task.failure).items() if value}
    return detail


def _provider_error(task: Task) -> str | None:
    """What the provider said against the task, in its own words or in ours; None: nothing."""
    if task.reason:
        return task.reason.message
    said = task.failure is not None and task.failure.code in {FailureCode.PROVIDER, FailureCode.REJECTED}
    return task.failure.message if task.failure and said else None


def described(result: Result) -> dict[str, Any]:
    """A result as events and the API show it, without unknown fields."""
    return {name: value for name, value in asdict(result).items() if value is not None and name not in _PRIVATE_RESULT_FIELDS}


def quarantine_event(task_id: str, key: str, bucket: str, reason: str, at: int) -> Event:
    """An authenticated callback could not be understood, so it is kept at `key` in the bucket."""
    detail = {
        "schema_version": SCHEMA_VERSION,
        "event_id": f"{task_id}:{key.rsplit('/', 1)[-1]}",
        "task_id": task_id,
        "bucket": bucket,
        "key": key,
        "reason": reason,
        "created_at": at,
    }
    return Event(CALLBACK_QUARANTINED, detail)


def undeliverable_event(task: Task, delivery: Delivery, last: Attempt, at: int) -> Event:
    """The webhook of a task's version could not be delivered; `last` is the last attempt."""
    detail = {
        "schema_version": SCHEMA_VERSION,
        "event_id": f"{delivery.event_id}:undeliverable",
        "tenant": task.tenant,
        "operation": task.operation,
        "task_id": task.task_id,
        "external_task_id": task.external_task_id,
        "task_version": delivery.version,
        "status": delivery.status.value,
        "attempts": delivery.attempt,
        "http_status": last.http_status,
        "reason": last.error or f"HTTP {last.http_status}",
        "created_at": at,
    }
    return Event(WEBHOOK_UNDELIVERABLE, detail)
