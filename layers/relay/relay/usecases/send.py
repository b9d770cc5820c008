"""Send a stored task to the provider, once, and record the outcome. Submitting and resubmitting share this."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from relay.domain.errors import (
    InvalidRequestError,
    Meaning,
    NoTaskError,
    OutcomeUnknownError,
    ProviderBusyError,
    ProviderError,
    ProviderRefusedError,
    TaskConflictError,
)
from relay.domain.retry_after import seconds_of
from relay.domain.task import (
    RANKS,
    STATUS_MESSAGE_LIMIT,
    Acceptance,
    Change,
    Failure,
    FailureCode,
    Rank,
    Reason,
    Snapshot,
    Task,
)
from relay.providers.base import OurId
from relay.usecases.apply import apply
from relay.usecases.attach import resolved

if TYPE_CHECKING:
    from relay.config import Settings
    from relay.ports import Relay, TaskStore
    from relay.providers.base import Operation

SQS_LONGEST_DELAY = 900
_FIRST_DELAY = 4
_LONGEST_RETRY_AFTER = 3600
"""Seconds."""
_NO_CHANNEL_MS = 600_000
"""How long a model may have no channel before the task is refused: a gateway's channels come back, a wrong name does not."""
_DELAY_AFTER_UNKNOWN = 30
"""Seconds: a query may not find a task yet that the provider accepted a moment ago."""
NOT_ACCEPTED = "the provider could not accept the task before its deadline"
_TAKEN = "the provider still has an older task with this external_task_id: use a new external_task_id"
_LARGEST_ANSWER = 65_536
"""Characters: a larger response without a task is not stored for repeated requests."""


@dataclass(frozen=True, slots=True)
class StoredRequest:
    """What is needed to send a task: the body for the provider, and the base of our callback URL."""

    body: dict[str, Any]
    public_url: str

    def to_json(self) -> str:
        """The form in which it is stored until the provider has accepted the task."""
        return json.dumps({"body": self.body, "public_url": self.public_url}, separators=(",", ":"), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> StoredRequest:
        """The reverse of `to_json`."""
        stored = json.loads(text)
        return cls(stored["body"], stored["public_url"])


def send(task: Task, request: StoredRequest, relay: Relay) -> Task:
    """Send the create request; returns the task with the outcome recorded.

    Accepted: the provider's id is stored. Refused, or answered without a task by an untyped operation: the task is closed as
    failed, but a refusal waits while an earlier attempt may have been accepted. Any other outcome: the task says why it waits,
    another attempt is queued, and the reconciler polls only after it.
    """
    settings, provider = relay.settings, relay.providers[task.provider]
    callback_url = f"{request.public_url}/callbacks/{relay.tokens.path(task.task_id, provider.name)}"
    operation = provider.operation(task.operation)
    try:
        body = resolved(request.body, task.tenant, relay.uploads, seconds=settings.task_deadline)
    except InvalidRequestError as deleted:
        refusal = ProviderRefusedError(deleted.message, status=400, code=deleted.code)
        return _close_as_refused(task, refusal, relay)
    create = provider.create_request(operation, body, task_id=task.task_id, callback_url=callback_url)
    retry_after = 0
    try:
        response = relay.api.send(create, timeout=settings.submit_timeout)
        retry_after = min(seconds_of(response.headers.get("retry-after", ""), at=relay.clock()) or 0, _LONGEST_RETRY_AFTER)
        snapshot = provider.read_created(operation, response)
    except ProviderError as error:
        if error.meaning is Meaning.FINAL or (error.meaning is Meaning.NO_CHANNEL and _has_waited_for_a_channel(task, relay)):
            return _close_as_refused(task, error, relay)
        if isinstance(error, NoTaskError) and not operation.is_known:
            return _close_as_answered(task, error, relay)
        return _wait(task, error, relay, is_repeatable=may_repeat(operation, settings), least=retry_after)
    accepted = record_acceptance(task, snapshot, relay.tasks, due_at=None)  # `create` stored the time of the first poll
    if RANKS[snapshot.status] is not Rank.FINAL:
        return accepted
    apply(task.task_id, snapshot, response.body, relay)
    return relay.tasks.get(task.task_id) or accepted


def _has_waited_for_a_channel(task: Task, relay: Relay) -> bool:
    return relay.clock() - task.created_at >= _NO_CHANNEL_MS


def _wait(task: Task, error: ProviderError, relay: Relay, *, is_repeatable: bool, least: int) -> Task:
    """Not accepted now, or perhaps: say why the task waits, and queue another attempt unless it could pay twice."""
    reason = Reason.of(error, at=relay.clock())
    relay.notices.waits(task.task_id, reason)
    is_unknown = isinstance(error, OutcomeUnknownError)
    if is_unknown and not is_repeatable:  # no query can tell: only a callback can, and the deadline ends the wait
        relay.tasks.postpone(task.task_id, due_at=task.due_at or task.deadline_at, reason=reason)
        return replace(task, reason=reason)
    is_unsent = isinstance(error, ProviderBusyError) and not task.unresolved_at
    acceptance = Acceptance.UNSENT if is_unsent else Acceptance.UNKNOWN
    least = max(least, _DELAY_AFTER_UNKNOWN if is_unknown else 0)
    queue_attempt(task, relay, acceptance=acceptance, reason=reason, least=least)
    return replace(task, acceptance=acceptance, reason=reason)


def may_repeat(operation: Operation, settings: Settings) -> bool:
    """Whether "no such task" proves that a create was not accepted: the provider must find the operation's tasks by our ids."""
    return settings.external_ids_honoured and operation.our_id is OurId.ALWAYS


def record_acceptance(task: Task, snapshot: Snapshot, tasks: TaskStore, *, due_at: int | None) -> Task:
    """The provider has accepted the task: store its id, and the time of the next poll unless that does not change."""
    provider_task_id = snapshot.provider_task_id or task.provider_task_id
    tasks.record_acceptance(task.task_id, provider_task_id, due_at=due_at)
    return replace(
        task, acceptance=Acceptance.ACCEPTED, provider_task_id=provider_task_id, request=None, unresolved_at=0, refusal=None
    )


def queue_attempt(
    task: Task, relay: Relay, *, acceptance: Acceptance | None = None, reason: Reason | None = None, least: int = 0
) -> None:
    """Queue another attempt after an exponential back-off with jitter, of at least `least` seconds.

    `acceptance` and `reason`: what is known now; None: what the task says. If another invocation scheduled the task meanwhile,
    nothing is queued, so that messages do not multiply.
    """
    delay = max(least, backoff(task.attempts + task.polls, first=_FIRST_DELAY, longest=SQS_LONGEST_DELAY, seed=task.task_id))
    # Not after the deadline, and different for each poll: the time identifies the message.
    due_at = min(relay.clock() + (delay + relay.settings.first_poll_after) * 1000, task.deadline_at + 1 + task.polls)
    acceptance, reason = acceptance or task.acceptance, reason or task.reason
    if relay.tasks.schedule_attempt(task, due_at=due_at, acceptance=acceptance, reason=reason):
        put_attempt(task, relay, due_at=due_at, delay=delay)


def seconds_until_attempt(task: Task, relay: Relay) -> int:
    """How long the attempt that was scheduled last must still wait; 0 or less: its time has come."""
    return round(((task.due_at or 0) - relay.clock()) / 1000) - relay.settings.first_poll_after


def put_attempt(task: Task, relay: Relay, *, due_at: int, delay: int) -> None:
    """Queue the message of an attempt. SQS delays it by at most 15 minutes: `resubmit` queues one that comes too early again."""
    relay.resubmissions.put(task.task_id, attempt=task.attempts, due_at=due_at, delay=min(delay, SQS_LONGEST_DELAY))


def close_as_taken(task: Task, relay: Relay) -> Task:
    """The provider has an older task with our id, so it cannot accept this one; a new submission gets another id."""
    refusal = Failure(code=FailureCode.REJECTED, message=_TAKEN, provider_code=1201, http_status=400)
    return close(task, Change.refused(refusal, resolved_before=relay.clock()), relay)


def expire(task: Task, message: str, relay: Relay, *, code: FailureCode = FailureCode.EXPIRED) -> bool:
    """Close a task without a final status as failed, with the reason why it waited; False if it has ended at this moment."""
    if task.reason:
        message = f"{message}; the provider's last response: {task.reason.message}"
    try:
        relay.tasks.change(task.task_id, Change.given_up(code, message), at=relay.clock())
    except TaskConflictError:
        return False
    return True


def backoff(attempt: int, *, first: int, longest: int, seed: str) -> int:
    """Seconds to wait after `attempt` attempts: doubling, with a jitter between half and all of it that `seed` determines."""
    full = min(longest, first << min(attempt, 20))
    share = int(seed[-4:], 16) / 0xFFFF
    return max(1, round(full * (0.5 + share / 2)))


def _close_as_refused(task: Task, refusal: ProviderError, relay: Relay) -> Task:
    """Close it, or put the refusal on hold while an earlier attempt may have been accepted."""
    message, now = refusal.message[:STATUS_MESSAGE_LIMIT], relay.clock()
    failure = Failure(code=FailureCode.REJECTED, message=message, provider_code=refusal.code, http_status=refusal.status)
    if not task.unresolved_at:
        return close(task, Change.refused(failure), relay)
    reason = Reason.of(refusal, at=now)
    relay.tasks.hold_refusal(task.task_id, failure, due_at=task.due_after(relay.settings.first_poll_after, at=now), reason=reason)
    return relay.tasks.get(task.task_id) or task


def _close_as_answered(task: Task, answer: NoTaskError, relay: Relay) -> Task:
    """The operation was synchronous: no task will follow. A small response is stored for repeated requests."""
    document = {"answer": answer.document}
    small = len(json.dumps(document)) <= _LARGEST_ANSWER
    change = Change.answered("the provider answered synchronously: there is no task", document if small else None)
    closed = close(task, change, relay)
    return replace(closed, document=document) if closed.is_answered else closed


def close(task: Task, change: Change, relay: Relay) -> Task:
    """The task after a change of our own, or its current state if the change does not fit any more."""
    with suppress(TaskConflictError):  # a callback was faster: the provider has accepted the task
        relay.tasks.change(task.task_id, change, at=relay.clock())
    return relay.tasks.get(task.task_id) or task
