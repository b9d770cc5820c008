"""Deliver a webhook: announce one version of a task at its client's callback_url; at least once, and never backwards."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from relay.domain.errors import UnavailableError
from relay.domain.events import undeliverable_event
from relay.domain.webhook import Answer, Attempt, Delivery, DeliveryLog, Endpoint, Outcome, endpoint_id

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from relay.domain.task import Task
    from relay.ports import Clock, EventPublisher, TaskStore, WebhookQueue, Webhooks, WebhookSender

LONGEST_RUN = 60
"""Seconds: the function's timeout. A claim that is older is nobody's any more."""
_GONE_BEFORE = Answer(took_ms=0, error="the URL answered 410 before")
_RESTS = Answer(took_ms=0, error="the endpoint does not answer: no further request was made")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """An attempt that is ours to make; `answer` where it is known without a request."""

    task: Task
    url: str
    delivery: Delivery
    endpoint: Endpoint
    identity: str
    lane: int | None
    log: DeliveryLog
    answer: Answer | None


def deliver(
    delivery: Delivery,
    *,
    schedule: Sequence[int],
    body_of: Callable[[Task], bytes],
    tasks: TaskStore,
    webhooks: Webhooks,
    sender: WebhookSender,
    queue: WebhookQueue,
    events: EventPublisher,
    clock: Clock,
) -> Outcome:
    """Make the attempt that a message asks for, unless it is too early, overtaken, or the endpoint rests.

    `schedule`: seconds to wait after each attempt. The next attempt is queued before this one is concluded: a crash in between
    repeats a request and loses none.
    """
    now = clock()
    if delivery.due_at > now:
        queue.put(delivery, now=now)
        return Outcome.WAITING
    task = tasks.get(delivery.task_id)
    if task is None or task.callback_url is None:
        return Outcome.SUPERSEDED
    claim = _claimed(task, task.callback_url, delivery, schedule=schedule, webhooks=webhooks, now=now)
    if isinstance(claim, Delivery):
        queue.put(claim, now=now)
        return Outcome.WAITING
    if claim is None:
        return Outcome.SUPERSEDED
    answer = claim.answer or sender.post(
        claim.url, body_of(delivery.snapshot_of(task)), tenant=task.tenant, event_id=delivery.event_id
    )
    outcome = _concluded(claim, answer, schedule=schedule, webhooks=webhooks, queue=queue, events=events, at=now, now=clock())
    if claim.answer is None:
        _learn(claim, answer, schedule=schedule, webhooks=webhooks, now=clock())
    return outcome


def _claimed(
    task: Task, url: str, delivery: Delivery, *, schedule: Sequence[int], webhooks: Webhooks, now: int
) -> _Claim | Delivery | None:
    """The claim; or the delivery as it is to be looked at again; or None when there is nothing to do."""
    delivery = replace(delivery, since=delivery.since or now)
    identity = endpoint_id(task.tenant, url)
    endpoint = webhooks.endpoint(identity)
    answer = _GONE_BEFORE if endpoint.is_gone else None
    if answer is None and endpoint.rests_until > now:
        if now < delivery.since + sum(schedule) * 1000:
            return delivery.put_off(endpoint.rests_until, now=now)
        answer = _RESTS
    until = now + LONGEST_RUN * 1000
    lane = endpoint.lane_of(task.task_id, now=now) if answer is None else None
    if lane is not None and not webhooks.claim_lane(identity, lane, now=now, until=until):
        return delivery.put_off(now, now=now)
    log = webhooks.begin(delivery, now=now, until=until, expires_at=task.expires_at)
    if log is not None and not log.is_busy:
        return _Claim(task=task, url=url, delivery=delivery, endpoint=endpoint, identity=identity, lane=lane, log=log,
                      answer=answer)  # fmt: skip
    if lane is not None:
        webhooks.keep_endpoint(identity, endpoint, lane=lane, now=now)
    return None if log is None else delivery.put_off(now, now=now)


def _learn(claim: _Claim, answer: Answer, *, schedule: Sequence[int], webhooks: Webhooks, now: int) -> None:
    """What the request's end says of the endpoint; last of all, since an endpoint that is gone is told of but once."""
    endpoint = claim.endpoint.after(answer, schedule, now=now)
    if claim.lane is not None or endpoint != claim.endpoint:
        webhooks.keep_endpoint(claim.identity, endpoint, lane=claim.lane, now=now)


def _concluded(
    claim: _Claim,
    answer: Answer,
    *,
    schedule: Sequence[int],
    webhooks: Webhooks,
    queue: WebhookQueue,
    events: EventPublisher,
    at: int,
    now: int,
) -> Outcome:
    delivery = claim.delivery
    attempts = claim.log.with_attempt(_attempt(delivery, answer, at))
    outcome, again = Outcome.DELIVERED, None
    if answer.is_gone or answer is _GONE_BEFORE:
        outcome = Outcome.GONE
    elif not answer.is_success:
        again = None if answer is _RESTS else delivery.retried(answer, schedule, now=now)
        outcome = Outcome.RETRYING if again else Outcome.UNDELIVERABLE
    if again:
        queue.put(again, now=now)
    if outcome is Outcome.UNDELIVERABLE:
        queue.bury(delivery)
    told = outcome is Outcome.UNDELIVERABLE or answer.is_gone
    if told and events.publish([undeliverable_event(claim.task, delivery, attempts[-1], now)]):
        raise UnavailableError("the event of a webhook that is undeliverable was not taken")
    webhooks.conclude(delivery, attempts, outcome, again=again)
    return outcome


def _attempt(delivery: Delivery, answer: Answer, at: int) -> Attempt:
    return Attempt(
        at=at,
        version=delivery.version,
        status=delivery.status,
        http_status=answer.http_status,
        error=answer.error,
        took_ms=answer.took_ms,
    )
