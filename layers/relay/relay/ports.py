"""The ports: what use cases need from outside, as Protocols. Adapters implement them on AWS, fakes in tests; one contract suite
checks both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from relay.config import Settings
    from relay.domain.events import Event
    from relay.domain.keys import ClientKey
    from relay.domain.task import Acceptance, Change, Failure, Result, Status, Task
    from relay.domain.webhook import Answer, Attempt, Delivery, DeliveryLog, DeliveryOutcome, Endpoint
    from relay.providers.base import Provider, ProviderRequest, ProviderResponse


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a tenant's tasks, newest first; `cursor` is None at the end."""

    tasks: list[Task]
    cursor: str | None


class TaskStore(Protocol):
    """The tasks. Every write is one conditional write; a condition that does not hold raises TaskConflictError."""

    def create(self, task: Task) -> None:
        """Store a task that does not exist yet."""

    def claim_key(self, tenant: str, key: str, fingerprint: str, expires_at: int) -> bool:
        """Bind an idempotency key to a request; False when it is bound to another one, or has made a task. `expires_at` in s."""

    def get(self, task_id: str) -> Task | None:
        """The task, read consistently."""

    def change(self, task_id: str, change: Change, *, at: int) -> None:
        """Write what `Task.moved_to` says, without reading first.

        Raises TaskConflictError when stale or repeated, TaskNotFoundError when there is no such task.
        """

    def record_acceptance(self, task_id: str, provider_task_id: str, *, due_at: int | None) -> None:
        """Store the provider's id and remove the stored request. Does not bump the version, so no event is published.

        Without `due_at` the time of the next poll does not change.
        """

    def begin_attempt(self, task_id: str, attempt: int, *, due_at: int, unresolved_at: int = 0) -> Task:
        """Claim attempt number `attempt` (from 2 on), so that nobody else makes it. Its outcome is `unknown` from now on.

        `unresolved_at`: as in `Task`; 0: every earlier attempt is known to have failed.
        """

    def schedule_attempt(self, task: Task, *, due_at: int, acceptance: Acceptance) -> bool:
        """Poll the task again at `due_at`, after the attempt that is about to be queued; counts as a poll.

        False, and nothing is written, if the task is accepted, over, or has been scheduled anew since `task` was read.
        """

    def hold_refusal(self, task_id: str, refusal: Failure, *, due_at: int) -> None:
        """Keep a final refusal on hold, and poll at `due_at`. Does nothing to a task that is accepted or over."""

    def postpone(self, task_id: str, *, due_at: int) -> None:
        """A poll brought no news: poll again at `due_at`. Does nothing to a task that is over."""

    def record_partial_results(self, task_id: str, results: tuple[Result, ...]) -> None:
        """Some files are stored, others not yet: remember which. No new version; does nothing once archiving has ended."""

    def record_archive(self, task_id: str, results: tuple[Result, ...], *, at: int, failure: Failure | None = None) -> Task:
        """Write what `Task.archived` says."""

    def of_tenant(self, tenant: str, *, operation: str | None, status: Status | None, limit: int, cursor: str | None) -> Page:
        """A page of a tenant's tasks; raises InvalidRequestError for a cursor that is not ours."""

    def due(self, *, now: int, limit: int, seen: Collection[str] = ()) -> list[str]:
        """The ids of tasks whose `due_at` has passed: the oldest of each partition of the index in turn.

        Up to `limit` of each partition that are not in `seen`, so tasks that stay due hide no others.
        """


class DocumentStore(Protocol):
    """Small documents, kept verbatim."""

    def put_request(self, name: str, body: bytes) -> str:
        """Keep a large request; returns its key."""

    def get_request(self, key: str) -> bytes:
        """A kept request."""

    def put_callback(self, task_id: str, body: bytes) -> None:
        """Keep the succeed document of a task, as received."""

    def quarantine(self, task_id: str, body: bytes, *, reason: str, at: int) -> tuple[str, str]:
        """Keep a callback that cannot be understood; returns bucket and key."""


@dataclass(frozen=True, slots=True)
class PresignedPut:
    """A PUT that a client may make, with exactly these headers."""

    url: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A client's file as it arrived; `media_type` by its first bytes, None when they are those of no media file."""

    bytes: int
    media_type: str | None


class UploadStore(Protocol):
    """The files that clients put into the bucket by themselves."""

    def put(self, key: str, *, media_type: str, size: int, sha256: str | None, seconds: int) -> PresignedPut:
        """Let one file of that type, size (bytes) and hash (hex) come to `key`, once, in `seconds`."""

    def look(self, key: str) -> UploadedFile | None:
        """What has arrived at `key`."""

    def url(self, key: str, *, seconds: int) -> str:
        """Where anybody can get the file for `seconds`."""

    def read(self, key: str) -> bytes | None:
        """The file itself; None when it is gone."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A result file in the bucket; `sha256` in hex."""

    bucket: str
    key: str
    bytes: int
    sha256: str
    media_type: str


class ResultStore(Protocol):
    """The result files."""

    def store(self, prefix: str, chunks: Iterator[bytes], *, size: int | None) -> StoredFile:
        """Stream one file to `{prefix}.{extension}` with bounded memory; raises ResultError. Nothing is left of a failure."""

    def url(self, result: Result, *, seconds: int | None = None) -> str:
        """A presigned URL of a stored result, good for `seconds`."""


class ResultSource(Protocol):
    """Where result files come from: hosts that nobody configured, hence under guard."""

    def open(self, url: str, *, seconds: float | None = None) -> OpenResult:
        """Begin to read a file that must be through in `seconds`; raises ResultError: ResultGoneError when it is dead."""


class OpenResult(Protocol):
    """A result being read, a context manager."""

    @property
    def size(self) -> int | None:
        """The announced number of bytes."""

    def chunks(self) -> Iterator[bytes]:
        """The bytes; raises ResultError when the connection fails."""

    def __enter__(self) -> OpenResult: ...

    def __exit__(self, *error: object) -> None: ...


@dataclass(frozen=True, slots=True)
class Record:
    """One change of one item; `after` is None for an item that is gone or is no task."""

    sequence_number: str
    before: Task | None
    after: Task | None


class EventPublisher(Protocol):
    """The event bus."""

    def publish(self, events: Sequence[Event]) -> list[int]:
        """Put the events; returns the indices of those that were not taken."""


class ProviderApi(Protocol):
    """The provider over HTTP."""

    def send(self, request: ProviderRequest, *, timeout: float) -> ProviderResponse:
        """Any HTTP answer; raises ProviderBusyError when nothing was sent, OutcomeUnknownError when something may have been."""


class Resubmissions(Protocol):
    """The queue of tasks that the provider could not take."""

    def put(self, task_id: str, *, attempt: int, due_at: int, delay: int) -> None:
        """After `attempt` attempts: ask for another in `delay` seconds (at most 900).

        `due_at`: that of the task, which identifies the message: only the newest one of a task is followed by another.
        """


class CallbackTokens(Protocol):
    """The secrets in our callback URLs."""

    def path(self, task_id: str, provider: str) -> str:
        """`{task_id}/{token}`, the end of the task's callback URL."""

    def provider_of(self, task_id: str, token: str) -> str:
        """The provider that the token was made for, in constant time; raises CallbackNotAuthenticError."""


class ClientKeys(Protocol):
    """The keys that clients have."""

    def find(self, presented: str) -> ClientKey | None:
        """The key that is presented, or None: unknown or revoked, which counts within a minute."""


class KeyPairs(Protocol):
    """The secret keys of pairs, and what they sign."""

    def issuer_of(self, token: str) -> str:
        """The access key that a JWT names, unchecked; raises AuthenticationError."""

    def verify(self, token: str, access_key: str) -> None:
        """Check the JWT of a pair; raises AuthenticationError."""


class Webhooks(Protocol):
    """What is known of the clients' callbacks: a log for each task, and how each endpoint behaved. Times in ms."""

    def endpoint(self, endpoint_id: str) -> Endpoint:
        """How it behaved lately; a new `Endpoint` if it is unknown."""

    def claim_lane(self, endpoint_id: str, lane: int, *, now: int, until: int) -> bool:
        """Have a lane of an endpoint to oneself, `until` then at the latest; False while somebody else has it."""

    def keep_endpoint(self, endpoint_id: str, endpoint: Endpoint, *, lane: int | None, now: int) -> None:
        """Remember how it behaves, and free the lane."""

    def begin(self, delivery: Delivery, *, now: int, until: int, expires_at: int) -> DeliveryLog | None:
        """Claim an attempt, so that no other is made for the task before it is concluded, or before `until`.

        None when there is nothing to do: the version was overtaken or is settled, or the attempt was concluded. A log that
        `is_busy` says that another attempt is being made. `expires_at` in s.
        """

    def conclude(
        self, delivery: Delivery, attempts: Sequence[Attempt], outcome: DeliveryOutcome, *, again: Delivery | None = None
    ) -> None:
        """Record the outcome of an attempt, and the next one. Delivered and gone settle the version finally."""

    def log(self, task_id: str) -> DeliveryLog | None:
        """A task's deliveries."""


class WebhookSender(Protocol):
    """The clients' endpoints: hosts that nobody configured, hence under guard."""

    def post(self, url: str, body: bytes, *, tenant: str, event_id: str) -> Answer:
        """One signed request, bounded in time as a whole; the answer's body is not read. No answer is an answer with an error."""


class WebhookQueue(Protocol):
    """The queues of deliveries."""

    def put(self, delivery: Delivery, *, now: int) -> None:
        """Have it looked at again at its `due_at`, or sooner."""

    def bury(self, delivery: Delivery) -> None:
        """Into the dead letters, as it is to begin when it is redriven."""


class SubmissionCounts(Protocol):
    """How often each key has submitted in a minute."""

    def count(self, key_id: str, minute: int, *, most: int) -> bool:
        """Add one, atomically; False, and nothing added, when there are `most` already. `minute` since 1970."""


class Clock(Protocol):
    """The time."""

    def __call__(self) -> int:
        """Unix time in ms."""


class Relay(Protocol):
    """Everything a use case may need. Use cases take it as their last argument; helpers that need one or two ports take those.

    `relay.bootstrap.Services` fulfils it on AWS and makes each adapter on first use; tests pass fakes.
    """

    @property
    def settings(self) -> Settings:
        """The function's settings."""

    @property
    def providers(self) -> Mapping[str, Provider]:
        """Every provider by its name, which tasks and callback tokens hold."""

    @property
    def provider(self) -> Provider:
        """The provider whose paths the API serves."""

    @property
    def clock(self) -> Clock:
        """The current time in ms."""

    @property
    def tasks(self) -> TaskStore:
        """The table `tasks`."""

    @property
    def documents(self) -> DocumentStore:
        """Requests, callbacks and quarantined callbacks in the bucket."""

    @property
    def results(self) -> ResultStore:
        """Result files in the bucket."""

    @property
    def source(self) -> ResultSource:
        """The hosts that serve the provider's result files."""

    @property
    def uploads(self) -> UploadStore:
        """Files that clients put into the bucket."""

    @property
    def events(self) -> EventPublisher:
        """The event bus."""

    @property
    def api(self) -> ProviderApi:
        """The provider's HTTP API."""

    @property
    def resubmissions(self) -> Resubmissions:
        """The queue `resubmissions`."""

    @property
    def tokens(self) -> CallbackTokens:
        """Callback tokens."""

    @property
    def api_keys(self) -> ClientKeys:
        """Clients' keys."""

    @property
    def key_pairs(self) -> KeyPairs:
        """Signatures of key pairs."""

    @property
    def submission_counts(self) -> SubmissionCounts:
        """Submissions per key and minute."""

    @property
    def webhooks(self) -> Webhooks:
        """The state of webhook deliveries and endpoints."""

    @property
    def webhook_sender(self) -> WebhookSender:
        """Clients' webhook endpoints."""

    @property
    def webhook_queue(self) -> WebhookQueue:
        """The queues of webhook deliveries."""
