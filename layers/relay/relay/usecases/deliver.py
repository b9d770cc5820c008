"""Deliver a webhook: announce one version of a task at its client's callback_url, at least once and never out of order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from relay.domain.errors import UnavailableError
from relay.domain.events import undeliverable_event
from relay.domain.webhook import Answer, Attempt, Delivery, DeliveryLog, DeliveryOutcome, Endpoint, origin_id, url_id
from relay.usecases.view import webhook_body

if TYPE_CHECKING:
    from relay.domain.task import Task
    from relay.ports import Relay

LONGEST_RUN = 60
"""Seconds: the function's timeout. An older claim has lost its owner."""
_GONE_BEFORE = Answer(took_ms=0, error="the URL answered 410 before")
_RESTS = Answer(took_ms=0, error="the endpoint does not answer: no further request was made")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """An attempt that this invocation makes; `identity` is that of the origin. `answer`: known without a request."""

    task: Task
    url: str
    delivery: Delivery
    endpoint: Endpoint
    identity: str
    lane: int | None
    log: DeliveryLog
    answer: Answer | None


def deliver(delivery: Delivery, relay: Relay) -> DeliveryOutcome:
    """Make the attempt that a message asks for, unless it is too early or overtaken, or the endpoint is in back-off.

    The next attempt is queued before this one is concluded: a crash in between repeats a request and loses none.
    """
    now = relay.clock()
    if delivery.due_at > now:
        relay.webhook_queue.put(delivery, now=now)
        return DeliveryOutcome.WAITING
    task = relay.tasks.get(delivery.task_id)
    if task is None or task.callback_url is None:
        return DeliveryOutcome.SUPERSEDED
    claim = _claim(task, task.callback_url, delivery, relay, now=now)
    if isinstance(claim, Delivery):
        relay.webhook_queue.put(claim, now=now)
        return DeliveryOutcome.WAITING
    if claim is None:
        return DeliveryOutcome.SUPERSEDED
    answer = claim.answer or relay.webhook_sender.post(
        claim.url, webhook_body(delivery.snapshot_of(task), relay), tenant=task.tenant, event_id=delivery.event_id
    )
    outcome = _conclude(claim, answer, relay, at=now)
    if claim.answer is None:
        _record_health(claim, answer, relay)
    return outcome


def _claim(task: Task, url: str, delivery: Delivery, relay: Relay, *, now: int) -> _Claim | Delivery | None:
    """The claim; or the delivery with the time of its next look; or None when there is nothing to do."""
    schedule, webhooks = relay.settings.webhook_schedule, relay.webhooks
    delivery = replace(delivery, since=delivery.since or now)
    identity = origin_id(task.tenant, url)
    endpoint = webhooks.endpoint(identity)
    is_gone = endpoint.has_gone_urls and webhooks.endpoint(url_id(task.tenant, url)).is_gone
    answer = _GONE_BEFORE if is_gone else None
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


def _record_health(claim: _Claim, answer: Answer, relay: Relay) -> None:
    """Record how the endpoint behaved. Runs last: the "gone" event must be published exactly once."""
    now = relay.clock()
    if answer.is_gone:
        relay.webhooks.keep_endpoint(url_id(claim.task.tenant, claim.url), Endpoint(is_gone=True), lane=None, now=now)
    endpoint = claim.endpoint.after(answer, relay.settings.webhook_schedule, now=now)
    if claim.lane is not None or endpoint != claim.endpoint:
        relay.webhooks.keep_endpoint(claim.identity, endpoint, lane=claim.lane, now=now)


def _conclude(claim: _Claim, answer: Answer, relay: Relay, *, at: int) -> DeliveryOutcome:
    """Queue the next attempt or bury the delivery, announce a final failure, and record the outcome."""
    now = relay.clock()
    delivery = claim.delivery
    attempts = claim.log.with_attempt(_attempt(delivery, answer, at))
    outcome, again = DeliveryOutcome.DELIVERED, None
    if answer.is_gone or answer is _GONE_BEFORE:
        outcome = DeliveryOutcome.GONE
    elif not answer.is_success:
        again = None if answer is _RESTS else delivery.retried(answer, relay.settings.webhook_schedule, now=now)
        outcome = DeliveryOutcome.RETRYING if again else DeliveryOutcome.UNDELIVERABLE
    if again:
        relay.webhook_queue.put(again, now=now)
    if outcome is DeliveryOutcome.UNDELIVERABLE:
        relay.webhook_queue.bury(delivery)
    announced = outcome is DeliveryOutcome.UNDELIVERABLE or answer.is_gone
    if announced and relay.events.publish([undeliverable_event(claim.task, delivery, attempts[-1], now)]):
        raise UnavailableError("the bus did not accept the event of an undeliverable webhook")
    relay.webhooks.conclude(delivery, attempts, outcome, again=again)
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
