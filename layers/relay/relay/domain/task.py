"""Task: its statuses, their ranks, and all allowed transitions."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Any

from relay.domain.errors import Meaning, ProviderError, TaskConflictError, UnreadableSnapshotError

if TYPE_CHECKING:
    from collections.abc import Sequence

STATUS_MESSAGE_LIMIT = 1024
_REASON_LIMIT = 500
"""Characters."""
RESULTS_LIMIT = 163_840
"""Bytes of a snapshot's results as JSON. With all that is added later, the task fits an event of 256 KB and an item of 400 KB."""
OLDEST_OF_OURS_MS = 12 * 3_600_000
"""A provider's task that is older than ours by more than this belongs to an earlier, forgotten task with the same id.

The store keeps tasks for at least a day, so half a day separates the two and tolerates clocks in another time zone.
"""
VISIBLE_AFTER_MS = 600_000
"""A query finds an accepted task at the latest this long after its create; "no such task" proves nothing before."""
KEY_GENERATIONS = 16
"""Tasks that one external_task_id may stand for, one after the other: each but the last was refused."""
_CANCELLED = "cancelled by the client: the provider may still finish the task and charge for it"
_CANCELLED_UNSENT = "cancelled by the client before the provider accepted it: it is not sent again and costs nothing"
DUE_SHARDS = 4
"""Partitions of the index of due tasks: each adds 1,000 writes a second."""


class Status(StrEnum):
    """The four statuses of the callback protocol: the only ones that clients see."""

    SUBMITTED = "submitted"
    PROCESSING = "processing"
    SUCCEED = "succeed"
    FAILED = "failed"

    @classmethod
    def stored(cls, value: str) -> Status:
        """The status with this stored value. One of a later version, seen after a rollback, is shown as processing."""
        return cls(value) if value in set(cls) else cls.PROCESSING


class Rank(IntEnum):
    """How final a status is. A change never lowers the rank.

    GIVEN_UP is every failure that the relay decided itself: expired, rejected, unknown, cancelled. The provider's final status
    still replaces it, since a task that we gave up on may have been accepted, paid and finished.
    """

    SUBMITTED = 0
    PROCESSING = 1
    GIVEN_UP = 2
    FINAL = 3


RANKS = {
    Status.SUBMITTED: Rank.SUBMITTED,
    Status.PROCESSING: Rank.PROCESSING,
    Status.SUCCEED: Rank.FINAL,
    Status.FAILED: Rank.FINAL,
}


class Acceptance(StrEnum):
    """What the relay knows about the create: did the provider accept the task?

    `unsent`: certainly not accepted, so it is sent again without a query. `unknown`: an attempt may have been accepted, so only
    a query or a callback can tell. `accepted`: the provider has the task. `refused`: no attempt was or will be accepted.
    """

    UNSENT = "unsent"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    REFUSED = "refused"


class FailureCode(StrEnum):
    """Why a task failed.

    `provider`: the provider reported the failure. `rejected`: it refused the create. `expired`: no final status came in time.
    `unknown`: the provider may have accepted the task, and no query can tell. `answered`: an untyped operation was synchronous,
    so there is no task. `cancelled`: the client cancelled it. `archive`: the results could not be stored (the status stays
    `succeed`). `no_results`: the provider reported a success without files.
    """

    PROVIDER = "provider"
    REJECTED = "rejected"
    EXPIRED = "expired"
    UNKNOWN = "unknown"
    ANSWERED = "answered"
    CANCELLED = "cancelled"
    ARCHIVE = "archive"
    NO_RESULTS = "no_results"

    @classmethod
    def _missing_(cls, value: object) -> FailureCode | None:
        """A code of a later version, which may have stored tasks before a rollback: kept as it is."""
        if not isinstance(value, str):
            return None
        code = str.__new__(cls, value)
        code._name_, code._value_ = value.upper(), value
        return code


class Archive(StrEnum):
    """Whether a succeeded task's files are stored. `pending`: not yet, and that was announced."""

    PENDING = "pending"
    STORED = "stored"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """`provider_code` and `http_status` come from the provider's refusal; 0 without one."""

    code: FailureCode
    message: str
    provider_code: int = 0
    http_status: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a task waits: what the last response of the provider means, or that none came. `at` in ms.

    `provider_code` and `http_status` are those of the response; 0 without one.
    """

    meaning: Meaning
    message: str
    at: int
    provider_code: int = 0
    http_status: int = 0

    @classmethod
    def of(cls, error: ProviderError, *, at: int) -> Reason:
        """The error as a reason."""
        return cls(
            meaning=error.meaning,
            message=error.message[:_REASON_LIMIT],
            at=at,
            provider_code=error.code,
            http_status=error.status,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One file of a succeeded task.

    `path` is its place in the provider's document ("task_result/videos/0/url"); `bytes`, `sha256` (hex), `media_type`, `bucket`
    and `key` are set once it is stored, `error` when archiving gave up.
    """

    path: str
    kind: str
    url: str
    index: int | None = None
    id: str | None = None
    duration: str | None = None
    bucket: str | None = None
    key: str | None = None
    bytes: int | None = None
    sha256: str | None = None
    media_type: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What the provider says about a task at one moment. `created_at` and `updated_at` in ms; None if unknown.

    `document` is the rest of its task object (task_info, deductions, task_result with the URLs of `results` blanked), kept so
    that the relay's responses are as complete as the provider's. Raises UnreadableSnapshotError if the results are too large.
    """

    status: Status
    provider_task_id: str | None = None
    external_task_id: str | None = None
    message: str = ""
    created_at: int | None = None
    updated_at: int | None = None
    results: tuple[Result, ...] = ()
    document: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        if not is_storable(self.results):
            raise UnreadableSnapshotError(f"the result files have more than {RESULTS_LIMIT} bytes of paths, URLs and ids")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A new state for a task, caused by a callback, a query, a refusal or the deadline. Times in ms.

    `acceptance`: what it proves about the create; None: nothing. `resolved_before`: attempts from before this
    time are proven missing. `only_unsent`: it fits only while no attempt may have been accepted or is under way. `due_at`: of
    a success, when its files are late.
    """

    status: Status
    rank: Rank
    message: str = ""
    snapshot_at: int = 0
    acceptance: Acceptance | None = None
    resolved_before: int = 0
    only_unsent: bool = False
    provider_task_id: str | None = None
    results: tuple[Result, ...] = ()
    document: dict[str, Any] | None = None
    failure: Failure | None = None
    due_at: int | None = None

    @classmethod
    def reported(cls, snapshot: Snapshot, *, due_at: int | None = None) -> Change:
        """The provider reported it, in a callback or in the response to a query."""
        message = snapshot.message[:STATUS_MESSAGE_LIMIT]
        return cls(
            status=snapshot.status,
            rank=RANKS[snapshot.status],
            message=message,
            snapshot_at=snapshot.updated_at or 0,
            acceptance=Acceptance.ACCEPTED,
            provider_task_id=snapshot.provider_task_id,
            results=snapshot.results,
            document=snapshot.document,
            failure=Failure(code=FailureCode.PROVIDER, message=message) if snapshot.status is Status.FAILED else None,
            due_at=due_at,
        )

    @classmethod
    def answered(cls, message: str, document: dict[str, Any] | None) -> Change:
        """The operation was synchronous: there is no task. `document` holds the response."""
        return replace(cls.given_up(FailureCode.ANSWERED, message), document=document, acceptance=Acceptance.ACCEPTED)

    @classmethod
    def refused(cls, failure: Failure, *, resolved_before: int = 0) -> Change:
        """The provider refused the task finally. It fits only while no attempt may have been accepted."""
        change = cls.given_up(failure.code, failure.message, provider_code=failure.provider_code, http_status=failure.http_status)
        return replace(change, acceptance=Acceptance.REFUSED, resolved_before=resolved_before)

    @classmethod
    def cancelled(cls, acceptance: Acceptance) -> Change:
        """The client cancelled a task of this acceptance. Only an unsent one is certain to cost nothing."""
        is_unsent = acceptance is Acceptance.UNSENT
        change = cls.given_up(FailureCode.CANCELLED, _CANCELLED_UNSENT if is_unsent else _CANCELLED)
        return replace(change, only_unsent=is_unsent)

    @classmethod
    def without_results(cls, message: str) -> Change:
        """The provider confirmed a success without files. A later success with files replaces it."""
        return replace(cls.given_up(FailureCode.NO_RESULTS, message), acceptance=Acceptance.ACCEPTED)

    @classmethod
    def given_up(cls, code: FailureCode, message: str, *, provider_code: int = 0, http_status: int = 0) -> Change:
        """The relay decides: the task was refused finally, or its deadline passed."""
        message = message[:STATUS_MESSAGE_LIMIT]
        failure = Failure(code=code, message=message, provider_code=provider_code, http_status=http_status)
        return cls(status=Status.FAILED, rank=Rank.GIVEN_UP, message=message, failure=failure)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One generation task of one tenant. Times are Unix milliseconds.

    `due_at`: the time of the next poll, or of a success, when its files are late; None: the reconciler has nothing to do.
    """

    task_id: str
    tenant: str
    provider: str
    operation: str
    created_at: int
    updated_at: int
    deadline_at: int
    due_at: int | None
    expires_at: int
    """When the table deletes the task (TTL), in Unix seconds."""
    fingerprint: str
    status: Status = Status.SUBMITTED
    rank: Rank = Rank.SUBMITTED
    version: int = 1
    attempts: int = 1
    """The number of create requests that were sent to the provider, or begun."""
    acceptance: Acceptance = Acceptance.UNKNOWN
    unresolved_at: int = 0
    """The latest time at which the outcome of an attempt before the present one was still unknown; 0: of none."""
    refusal: Failure | None = None
    """A final refusal that is on hold, since an earlier attempt may have been accepted."""
    reason: Reason | None = None
    """Why the task waits, or waited when it was given up; None: nothing is wrong."""
    polls: int = 0
    snapshot_at: int = 0
    """The provider's `updated_at` of the last snapshot applied; 0 before the first."""
    message: str = ""
    provider_task_id: str | None = None
    external_task_id: str | None = None
    idempotency_key: str | None = None
    callback_url: str | None = None
    request: str | None = None
    """The stored request, as JSON, or `s3:{key}` when it is large; removed once the provider has accepted the task."""
    results: tuple[Result, ...] = ()
    document: dict[str, Any] | None = None
    failure: Failure | None = None
    archive: Archive | None = None

    @property
    def is_over(self) -> bool:
        """The task has ended. A late final status from the provider still replaces a failure of our own."""
        return self.rank >= Rank.GIVEN_UP

    @property
    def is_cancelled(self) -> bool:
        """The client cancelled it, and no success came later."""
        return self.failure is not None and self.failure.code is FailureCode.CANCELLED

    @property
    def is_answered(self) -> bool:
        """The operation was synchronous, so there is no task. `document["answer"]` is the response, unless it was too large."""
        return self.failure is not None and self.failure.code is FailureCode.ANSWERED

    @property
    def status_message(self) -> str:
        """The provider's message, or ours; before there is one, why the task waits."""
        return self.message or (self.reason.message if self.reason and not self.is_over else "")

    def due_after(self, seconds: int, *, at: int) -> int:
        """The time (ms) of a poll that many seconds after `at`, but not after the deadline, when the task has to end."""
        return min(at + seconds * 1000, self.deadline_at)

    def is_ours(self, snapshot: Snapshot) -> bool:
        """Whether the provider's task can be this one, and not one of a forgotten task with the same id."""
        return not snapshot.created_at or self.created_at <= snapshot.created_at + OLDEST_OF_OURS_MS

    def unresolved_after_missing(self, *, at: int) -> int:
        """`unresolved_at` after a query at `at` (ms) did not find the task: 0 once that is proof, else `at`."""
        if self.acceptance is Acceptance.UNSENT:
            return 0
        begun = self.unresolved_at or (self.created_at if self.attempts == 1 else at)
        return 0 if begun + VISIBLE_AFTER_MS <= at else at

    def moved_to(self, change: Change, *, at: int) -> Task:
        """The task after `change`; raises TaskConflictError when it is stale, repeated, or comes after the final status.

        A higher rank always wins. If the rank is the same and not final, only a newer snapshot with another message wins.
        A refusal fits only if no attempt may have been accepted. Of a cancelled task, only a success is news.
        """
        if change.only_unsent and self.acceptance is not Acceptance.UNSENT:
            raise TaskConflictError("an attempt began meanwhile")
        if self.is_cancelled and change.status is Status.FAILED:
            raise TaskConflictError("the task was cancelled")
        if change.acceptance is Acceptance.REFUSED and (
            self.acceptance is Acceptance.ACCEPTED or self.unresolved_at > change.resolved_before
        ):
            raise TaskConflictError("an attempt may have been accepted")
        news = change.rank > self.rank or (
            change.rank == self.rank <= Rank.PROCESSING
            and change.snapshot_at > self.snapshot_at
            and change.message != self.message
        )
        if not news:
            raise TaskConflictError(f"{self.status} at version {self.version} is not followed by {change.status}")
        over = change.rank >= Rank.GIVEN_UP
        settled = change.acceptance is not None
        return replace(
            self,
            acceptance=change.acceptance or self.acceptance,
            unresolved_at=0 if settled else self.unresolved_at,
            refusal=None if settled else self.refusal,
            reason=None if settled else self.reason,
            status=change.status,
            rank=change.rank,
            version=self.version + 1,
            updated_at=at,
            snapshot_at=change.snapshot_at,
            message=change.message,
            provider_task_id=self.provider_task_id or change.provider_task_id,
            results=change.results,
            document=change.document,
            failure=change.failure,
            due_at=change.due_at if over else self.due_at,
            request=None if change.provider_task_id or over else self.request,
        )

    def archived(self, results: tuple[Result, ...], *, at: int, failure: Failure | None = None) -> Task:
        """The task with its files stored, or given up on with `failure`; raises TaskConflictError if that was decided before."""
        if self.status is not Status.SUCCEED or self.archive is Archive.STORED or (failure and self.archive is Archive.FAILED):
            raise TaskConflictError(f"results of a task that is {self.status}, archive {self.archive}")
        return replace(
            self,
            results=results,
            archive=Archive.FAILED if failure else Archive.STORED,
            failure=failure,
            version=self.version + 1,
            updated_at=at,
            due_at=None,
        )

    def delayed(self, *, at: int) -> Task:
        """The task with the announcement that its files are late; raises TaskConflictError if it has none, or archiving ended."""
        if self.status is not Status.SUCCEED or self.archive:
            raise TaskConflictError(f"a task that is {self.status}, archive {self.archive}")
        return replace(self, archive=Archive.PENDING, version=self.version + 1, updated_at=at, due_at=None)


def is_storable(results: Sequence[Result]) -> bool:
    """Whether the results of a snapshot are small enough for every container that they come into."""
    text = json.dumps([asdict(result) for result in results], ensure_ascii=False)
    return len(text.encode("utf-8", "surrogatepass")) <= RESULTS_LIMIT


def derived_task_id(tenant: str, kind: str, value: str, generation: int = 0) -> str:
    """The id of the task that a tenant's key determines: 32 hex digits, the same for the same arguments.

    `generation` counts the refused tasks before it: a refused create does not use up its key, as at the provider.
    """
    text = json.dumps([tenant, kind, value, generation])
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def fingerprint_of(operation: str, body: dict[str, Any]) -> str:
    """A hash of the operation and the body that identifies a request; the order of the fields does not matter."""
    text = json.dumps([operation, body], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def due_shard_of(task_id: str) -> int:
    """The partition of the `due` index that a task is in."""
    return hashlib.sha256(task_id.encode()).digest()[0] % DUE_SHARDS
