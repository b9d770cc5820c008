"""Send a stored task to the provider, once, and put down what came of it. Shared by submitting and resubmitting."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from relay.domain.errors import (
    InvalidRequestError,
    NoTaskError,
    OutcomeUnknownError,
    ProviderError,
    ProviderRefusedError,
    TaskConflictError,
)
from relay.domain.task import Change, FailureCode, Snapshot, Task
from relay.usecases.attach import resolved

if TYPE_CHECKING:
    from relay.config import Settings
    from relay.ports import CallbackTokens, Clock, ProviderApi, Resubmissions, TaskStore, UploadStore
    from relay.providers.base import Operation, Provider

SQS_LONGEST_DELAY = 900
_FIRST_DELAY = 4
_DELAY_AFTER_UNKNOWN = 30
"""Seconds: a task that the provider took a moment ago may not be found by a query yet."""
_LARGEST_ANSWER = 65_536
"""Characters of an answer without a task that are kept, to be given again to a repeated request."""


@dataclass(frozen=True, slots=True)
class Order:
    """What it takes to send a task: the body for the provider, and the base of our callback URL."""

    body: dict[str, Any]
    public_url: str

    def to_json(self) -> str:
        """As it is kept until the provider has the task."""
        return json.dumps({"body": self.body, "public_url": self.public_url}, separators=(",", ":"), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> Order:
        """The reverse of `to_json`."""
        kept = json.loads(text)
        return cls(kept["body"], kept["public_url"])


def send(
    task: Task,
    order: Order,
    *,
    provider: Provider,
    settings: Settings,
    tasks: TaskStore,
    api: ProviderApi,
    tokens: CallbackTokens,
    resubmissions: Resubmissions,
    uploads: UploadStore,
    clock: Clock,
) -> Task:
    """Send the create request; returns the task as it stands then.

    Accepted: the provider's id is stored. Refused for good, or answered at once by an untyped operation: the task is failed.
    Anything else: another attempt is queued, and the reconciler is told to look only after it.
    """
    callback_url = f"{order.public_url}/callbacks/{tokens.path(task.task_id, provider.name)}"
    operation = provider.operation(task.operation)
    try:
        body = resolved(order.body, tenant=task.tenant, uploads=uploads, seconds=settings.task_deadline)
    except InvalidRequestError as gone:
        refusal = ProviderRefusedError(gone.message, status=400, code=gone.code)
        return _refused(task, refusal, tasks=tasks, clock=clock)
    request = provider.create_request(operation, body, task_id=task.task_id, callback_url=callback_url)
    try:
        snapshot = provider.read_created(api.send(request, timeout=settings.submit_timeout))
    except ProviderRefusedError as refusal:
        return _refused(task, refusal, tasks=tasks, clock=clock)
    except ProviderError as error:
        if isinstance(error, NoTaskError) and not operation.is_typed:
            return _answered(task, error, tasks=tasks, clock=clock)
        unknown = isinstance(error, OutcomeUnknownError)
        if unknown and not may_repeat(operation, settings):
            return task  # perhaps paid, and nobody to ask: only a callback can tell, and the deadline ends the wait
        queue_attempt(task, settings=settings, tasks=tasks, resubmissions=resubmissions, clock=clock,
                      least=_DELAY_AFTER_UNKNOWN if unknown else 0)  # fmt: skip
        return task
    return accept(task, snapshot, due_at=None, tasks=tasks)  # due since a moment ago, when it was written


def may_repeat(operation: Operation, settings: Settings) -> bool:
    """Whether "no such task" proves that a create was not accepted: the provider must find the operation's tasks by our ids."""
    return settings.external_ids_honoured and operation.is_typed


def accept(task: Task, snapshot: Snapshot, *, due_at: int | None, tasks: TaskStore) -> Task:
    """The provider has the task: store its id, and when to ask about it where that has changed."""
    provider_task_id = snapshot.provider_task_id or ""
    tasks.accepted(task.task_id, provider_task_id, due_at=due_at)
    return replace(task, provider_task_id=provider_task_id, request=None)


def queue_attempt(
    task: Task, *, settings: Settings, tasks: TaskStore, resubmissions: Resubmissions, clock: Clock, least: int = 0
) -> None:
    """Queue another attempt after a jittered, exponential delay of at least `least` seconds."""
    delay = max(least, backoff(task.attempts + task.polls, first=_FIRST_DELAY, longest=SQS_LONGEST_DELAY, seed=task.task_id))
    tasks.postponed(task.task_id, due_at=clock() + (delay + settings.first_poll_after) * 1000)
    resubmissions.put(task.task_id, attempt=task.attempts, delay=delay)


def backoff(attempt: int, *, first: int, longest: int, seed: str) -> int:
    """Seconds to wait after `attempt` attempts: doubling, between half and all of it, spread over tasks by their ids."""
    full = min(longest, first << min(attempt, 20))
    share = int(seed[-4:], 16) / 0xFFFF
    return max(1, round(full * (0.5 + share / 2)))


def _refused(task: Task, refusal: ProviderRefusedError, *, tasks: TaskStore, clock: Clock) -> Task:
    change = Change.given_up(FailureCode.REJECTED, refusal.message, provider_code=refusal.code, http_status=refusal.status)
    return _closed(task, change, tasks=tasks, clock=clock)


def _answered(task: Task, answer: NoTaskError, *, tasks: TaskStore, clock: Clock) -> Task:
    """Nothing is left to wait for; the answer is kept where it is small."""
    document = {"answer": answer.document}
    small = len(json.dumps(document)) <= _LARGEST_ANSWER
    change = Change.answered("the provider answered at once: there is no task", document if small else None)
    closed = _closed(task, change, tasks=tasks, clock=clock)
    return replace(closed, document=document) if closed.is_answered else closed


def _closed(task: Task, change: Change, *, tasks: TaskStore, clock: Clock) -> Task:
    with suppress(TaskConflictError):  # a callback was faster: the provider has the task after all
        tasks.change(task.task_id, change, at=clock())
    return tasks.get(task.task_id) or task
