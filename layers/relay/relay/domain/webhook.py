"""Webhooks: the content of a delivery, the outcome of an attempt, the retry schedule, and the state of an endpoint."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from relay.domain.task import Status, Task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_GONE = 410
_PORTS = {"http": 80, "https": 443}
_BUSY = frozenset({429, 503})
_LONGEST_RETRY_AFTER = 86_400
_LONGEST_REST_FOR_ALL = 900
"""Seconds: the longest that a Retry-After delays the other deliveries to its endpoint."""
_LONGEST_REST = 3600
_LONGEST_WAIT = 900
_PROMPT_MS = 2000
_TRUST_MS = 3_600_000
_SLOW_LANES = 4
_LOG = 20
_COUNTERS = ("attempt", "first", "waits", "since", "due_at")


class DeliveryOutcome(StrEnum):
    """The outcome of handling one message."""

    DELIVERED = "delivered"
    RETRYING = "retrying"
    """The attempt failed, another is queued."""
    WAITING = "waiting"
    """No attempt was made: it is too early, or the endpoint is in back-off or busy."""
    SUPERSEDED = "superseded"
    """Nothing to do: already delivered, or replaced by a newer version."""
    GONE = "gone"
    UNDELIVERABLE = "undeliverable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The outcome of one request: an HTTP status, or an `error` if there was no response; `retry_after` in seconds."""

    took_ms: int
    http_status: int | None = None
    error: str | None = None
    retry_after: int | None = None

    @property
    def is_success(self) -> bool:
        """2xx."""
        return self.http_status is not None and 200 <= self.http_status < 300

    @property
    def is_gone(self) -> bool:
        """HTTP 410: the endpoint wants no more webhooks."""
        return self.http_status == _GONE

    @property
    def asked_to_wait(self) -> int | None:
        """The Retry-After of a 429 or 503, in seconds."""
        return self.retry_after if self.http_status in _BUSY else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One recorded attempt; `at` in ms."""

    at: int
    version: int
    status: Status
    http_status: int | None = None
    error: str | None = None
    took_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryLog:
    """The deliveries of a task: the newest version begun, its outcome, and the last attempts.

    `due_at` (ms) is the time of the next attempt; `is_busy` while another attempt for the task is being made.
    """

    version: int
    outcome: DeliveryOutcome | None = None
    attempts: tuple[Attempt, ...] = ()
    due_at: int | None = None
    is_busy: bool = False

    def with_attempt(self, attempt: Attempt) -> tuple[Attempt, ...]:
        """The attempts with one more, the last twenty."""
        return (*self.attempts, attempt)[-_LOG:]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The announcement of one version of a task: what a message of the queues `webhooks` and `webhook_retries` asks for.

    `attempt` counts requests from 1 and never starts again. `first` is the attempt at which the schedule begins, and `waits`
    counts the postponements without a request. `since` (ms) is the time of the first look, `due_at` (ms) that of the next.
    """

    task_id: str
    tenant: str
    version: int
    status: Status
    message: str
    updated_at: int
    attempt: int = 1
    first: int = 1
    waits: int = 0
    since: int = 0
    due_at: int = 0

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> Self:
        """From a message: an event of the bus, or what `to_message` made of an earlier one."""
        detail = message["detail"]
        counters = {name: int(message[name]) for name in _COUNTERS if name in message}
        return cls(
            task_id=detail["task_id"],
            tenant=detail["tenant"],
            version=detail["version"],
            status=Status.stored(detail["status"]),
            message=detail["status_message"],
            updated_at=detail["updated_at"],
            **counters,
        )

    @classmethod
    def of_task(cls, task: Task) -> Self:
        """The announcement of a task in its current status."""
        return cls(
            task_id=task.task_id,
            tenant=task.tenant,
            version=task.version,
            status=task.status,
            message=task.message,
            updated_at=task.updated_at,
        )

    def to_message(self) -> dict[str, Any]:
        """The fields of the event that a delivery needs, and the counters beside them."""
        detail = {
            "task_id": self.task_id,
            "tenant": self.tenant,
            "version": self.version,
            "status": self.status.value,
            "status_message": self.message,
            "updated_at": self.updated_at,
        }
        return {"detail": detail, **{name: getattr(self, name) for name in _COUNTERS}}

    @property
    def event_id(self) -> str:
        """The `webhook-id`: the same for every attempt."""
        return f"{self.task_id}:{self.version}"

    def share(self) -> float:
        """Jitter from 0 to 1, which is the same for the same attempt."""
        digest = hashlib.sha256(f"{self.event_id}/{self.attempt}/{self.waits}".encode()).digest()
        return int.from_bytes(digest[:4]) / 0xFFFFFFFF

    def snapshot_of(self, task: Task) -> Task:
        """The task as it was at this version; a success always with the files as they are now."""
        if task.version == self.version or self.status is Status.SUCCEED:
            return replace(task, updated_at=self.updated_at)
        return replace(
            task,
            status=self.status,
            message=self.message,
            updated_at=self.updated_at,
            version=self.version,
            results=(),
            document=None,
            failure=None,
        )

    def retried(self, answer: Answer, schedule: Sequence[int], *, now: int) -> Self | None:
        """The next attempt, None after the last; `schedule` has the seconds to wait after each attempt.

        A Retry-After is honoured, up to a day, with up to 10 % added as jitter. Otherwise the jitter is ±10 %.
        """
        made = self.attempt - self.first
        if made >= len(schedule):
            return None
        asked = answer.asked_to_wait
        if asked is None:
            seconds = schedule[made] * (0.9 + 0.2 * self.share())
        else:
            seconds = min(max(asked, schedule[0]), _LONGEST_RETRY_AFTER) * (1 + 0.1 * self.share())
        return replace(self, attempt=self.attempt + 1, waits=0, due_at=now + round(seconds * 1000))

    def anew(self) -> Self:
        """As a dead letter: once it is redriven, the schedule begins again, with an attempt that was not made before."""
        following = self.attempt + 1
        return replace(self, attempt=following, first=following, waits=0, since=0, due_at=0)

    def put_off(self, until: int, *, now: int) -> Self:
        """The same attempt after `until` (ms). Each postponement doubles the additional wait, up to 15 minutes (±50 %)."""
        wait = min(_LONGEST_WAIT, 1 << min(self.waits, 10))
        due_at = max(until, now) + round(wait * 1000 * (0.5 + self.share()))
        return replace(self, waits=self.waits + 1, due_at=due_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """How one tenant's origin (scheme, host and port) behaved lately. Times in ms.

    An endpoint that responds promptly is trusted: its attempts run in parallel. A new one, or one that does not respond, gets one
    request at a time; a slow one gets up to four. After an attempt without a response the endpoint is in back-off.
    Only HTTP 410 applies to a URL: it has an `Endpoint` of its own then, which `is_gone`, and its origin `has_gone_urls`.
    """

    failures: int = 0
    rests_until: int = 0
    trusted_until: int = 0
    is_slow: bool = False
    is_gone: bool = False
    has_gone_urls: bool = False

    def lane_of(self, task_id: str, *, now: int) -> int | None:
        """The back-off lane that an attempt for a task must claim; None when the endpoint is trusted."""
        if self.trusted_until > now:
            return None
        return int(task_id[-2:], 16) % _SLOW_LANES if self.is_slow else 0

    def after(self, answer: Answer, schedule: Sequence[int], *, now: int) -> Self:
        """The endpoint's state after an attempt. Its back-off follows the same schedule, for an hour at most."""
        if answer.http_status is None:
            rest = min(_LONGEST_REST, 0.8 * schedule[min(self.failures, len(schedule) - 1)])
            rests_until = now + round(rest * 1000)
            return replace(self, failures=self.failures + 1, rests_until=rests_until, trusted_until=0, is_slow=False)
        asked = answer.asked_to_wait
        rests_until = now + min(asked, _LONGEST_REST_FOR_ALL) * 1000 if asked else 0
        is_slow = answer.took_ms > _PROMPT_MS
        trusted_until = self.trusted_until
        if is_slow:
            trusted_until = 0
        elif trusted_until - now < _TRUST_MS / 2:
            trusted_until = now + _TRUST_MS
        return replace(
            self,
            failures=0,
            rests_until=rests_until,
            trusted_until=trusted_until,
            is_slow=is_slow,
            has_gone_urls=self.has_gone_urls or answer.is_gone,
        )


def origin_id(tenant: str, url: str) -> str:
    """The id of a URL's origin in the store. Two tenants with the same origin have separate endpoints."""
    parts = urlsplit(url)
    host, port = (parts.hostname or "").removesuffix("."), parts.port or _PORTS.get(parts.scheme)
    return url_id(tenant, f"origin {parts.scheme}://{host}:{port}")


def url_id(tenant: str, url: str) -> str:
    """The id of a tenant's URL in the store."""
    return hashlib.sha256(f"{tenant}\n{url}".encode()).hexdigest()[:32]
