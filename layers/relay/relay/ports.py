"""The ports: Protocols for everything outside that use cases need. Adapters implement them on AWS, fakes in tests; one contract
suite checks both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from relay.config import Settings
    from relay.domain.events import Event
    from relay.domain.keys import ClientKey
    from relay.domain.task import Acceptance, Change, Failure, Reason, Result, Status, Task
    from relay.domain.webhook import Answer, Attempt, Delivery, DeliveryLog, DeliveryOutcome, Endpoint
    from relay.providers.base import Provider, ProviderRequest, ProviderResponse


@dataclass(frozen=True, slots=True)
class Page:
    """Some of a tenant's tasks, newest first; `cursor` is None at the end."""

    tasks: list[Task]
    cursor: str | None


class TaskStore(Protocol):
    """The tasks. Every write is one conditional write, which raises TaskConflictError if its condition fails."""

    def create(self, task: Task) -> None:
        """Store a task that does not exist yet."""

    def claim_key(self, tenant: str, key: str, fingerprint: str, expires_at: int) -> bool:
        """Bind an idempotency key to a request; False if it is bound to another one, or has created a task. `expires_at` in s."""

    def get(self, task_id: str) -> Task | None:
        """The task, read consistently."""

    def change(self, task_id: str, change: Change, *, at: int) -> None:
        """Apply the change as `Task.moved_to` does, without reading first.

        Raises TaskConflictError when stale or repeated, TaskNotFoundError when there is no such task.
        """

    def record_acceptance(self, task_id: str, provider_task_id: str | None, *, due_at: int | None) -> None:
        """Store the provider's id and remove the stored request. Does not bump the version, so no event is published.

        Without `due_at` the time of the next poll does not change. `provider_task_id` None: it is not known yet.
        """

    def begin_attempt(self, task_id: str, attempt: int, *, due_at: int, unresolved_at: int = 0) -> Task:
        """Claim attempt number `attempt` (from 2 on), so that no other invocation makes it. Its outcome is `unknown` from now on.

        `unresolved_at`: as in `Task`; 0: every earlier attempt is known to have failed.
        """

    def schedule_attempt(self, task: Task, *, due_at: int, acceptance: Acceptance, reason: Reason | None = None) -> bool:
        """Poll the task again at `due_at`, after the attempt that is about to be queued; counts as a poll.

        `reason`: why the task waits; None: nothing is wrong.

        False, and nothing is written, if the task is accepted, over, or has been scheduled anew since `task` was read.
        """

    def hold_refusal(self, task_id: str, refusal: Failure, *, due_at: int, reason: Reason) -> None:
        """Keep a final refusal on hold, and poll at `due_at`. Does nothing to a task that is accepted or over."""

    def postpone(self, task_id: str, *, due_at: int, reason: Reason | None = None) -> None:
        """A poll brought no news: poll again at `due_at`. `reason`: why the task waits; None: nothing is wrong.

        Does nothing to a task that is over.
        """

    def record_partial_results(self, task_id: str, results: tuple[Result, ...]) -> None:
        """Some files are stored, others not yet: remember which. No new version; does nothing once archiving has ended."""

    def record_archive(self, task_id: str, results: tuple[Result, ...], *, at: int, failure: Failure | None = None) -> Task:
        """Store what `Task.archived` returns, and return it."""

    def record_delay(self, task_id: str, *, at: int) -> bool:
        """Store what `Task.delayed` returns.

        False if it raises TaskConflictError: then a task that is over only stops being due. Version 0.2.0 leaves such tasks.
        """

    def request_poll(self, task_id: str, provider_task_id: str | None, *, due_at: int) -> None:
        """Poll the task at `due_at`, also one that was given up, since the provider may have ended it. Stores what it calls it.

        Does nothing to a task that the provider has ended. Raises TaskNotFoundError.
        """

    def of_tenant(
        self,
        tenant: str,
        *,
        provider: str | None = None,
        operation: str | None,
        status: Status | None,
        limit: int,
        cursor: str | None,
    ) -> Page:
        """A page of a tenant's tasks; raises InvalidRequestError for a malformed cursor."""

    def due(self, *, now: int, limit: int, seen: Collection[str] = ()) -> list[str]:
        """The ids of tasks whose `due_at` has passed: the oldest of each partition of the index in turn.

        Up to `limit` of each partition that are not in `seen`, so tasks that stay due hide no others.
        """


class DocumentStore(Protocol):
    """Small documents, stored byte for byte."""

    def put_request(self, name: str, body: bytes) -> str:
        """Store a large request; returns its key."""

    def get_request(self, key: str) -> bytes:
        """A stored request, by its key."""

    def put_callback(self, task_id: str, body: bytes) -> None:
        """Store the document of a success, as received."""

    def quarantine(self, task_id: str, body: bytes, *, reason: str, at: int) -> tuple[str, str]:
        """Store a callback that cannot be understood; returns bucket and key."""


@dataclass(frozen=True, slots=True)
class PresignedPut:
    """A PUT that a client may make, with exactly these headers."""

    url: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A client's uploaded file; `media_type` by its first bytes, None if it is not a media file."""

    bytes: int
    media_type: str | None


class UploadStore(Protocol):
    """The files that clients upload to the bucket directly."""

    def put(self, key: str, *, media_type: str, size: int, sha256: str | None, seconds: int) -> PresignedPut:
        """A presigned PUT that stores one file of that type, size (bytes) and SHA-256 (hex) at `key`, once, within `seconds`."""

    def look(self, key: str) -> UploadedFile | None:
        """The file at `key`, or None if it has not arrived."""

    def url(self, key: str, *, seconds: int) -> str:
        """A presigned GET of the file, valid for `seconds`."""

    def read(self, key: str) -> bytes | None:
        """The content of the file; None if it was deleted."""


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
        """Stream one file to `{prefix}.{extension}` with bounded memory; raises ResultError. After an error nothing is stored."""

    def url(self, result: Result, *, seconds: int | None = None) -> str:
        """A presigned URL of a stored result, valid for `seconds`."""


class ResultSource(Protocol):
    """The hosts of result files. Nobody configured them, so the SSRF guard checks each request."""

    def open(self, url: str, *, seconds: float | None = None) -> OpenResult:
        """Begin to read a file, which must end within `seconds`; raises ResultError (ResultGoneError if the URL is dead)."""


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
    """One change of one item; `after` is None if the item was deleted or is not a task."""

    sequence_number: str
    before: Task | None
    after: Task | None


class EventPublisher(Protocol):
    """The event bus."""

    def publish(self, events: Sequence[Event]) -> list[int]:
        """Publish the events; returns the indices of those that the bus did not accept."""


class ProviderApi(Protocol):
    """The provider over HTTP."""

    def send(self, request: ProviderRequest, *, timeout: float) -> ProviderResponse:
        """Any HTTP response; raises ProviderBusyError if nothing was sent, OutcomeUnknownError if something may have been."""


class Notices(Protocol):
    """Messages for the operator."""

    def waits(self, task_id: str, reason: Reason) -> None:
        """The provider's response makes a task wait. Called from several threads."""

    def paid_twice(self, task_id: str, first: str, second: str) -> None:
        """The provider calls a task by a second id: both may have been paid, and the first one counts."""


class Resubmissions(Protocol):
    """The queue of tasks that the provider has not accepted yet."""

    def put(self, task_id: str, *, attempt: int, due_at: int, delay: int) -> None:
        """Queue another attempt after the first `attempt` ones, in `delay` seconds (at most 900).

        `due_at`: that of the task, which identifies the message: only the newest one of a task is followed by another.
        """


class CallbackTokens(Protocol):
    """The secrets in our callback URLs."""

    def path(self, task_id: str, provider: str) -> str:
        """`{task_id}/{token}`, the end of the task's callback URL."""

    def provider_of(self, task_id: str, token: str) -> str:
        """The provider that the token was made for, compared in constant time; raises CallbackNotAuthenticError."""


class ClientKeys(Protocol):
    """The clients' keys."""

    def find(self, presented: str) -> ClientKey | None:
        """The presented key, or None if it is unknown or revoked. A revocation takes effect within a minute."""


class KeyPairs(Protocol):
    """The secret keys of pairs, and the JWTs that they sign."""

    def issuer_of(self, token: str) -> str:
        """The access key that a JWT names, unchecked; raises AuthenticationError."""

    def verify(self, token: str, access_key: str) -> None:
        """Check the JWT of a pair; raises AuthenticationError."""


class Webhooks(Protocol):
    """The state of webhooks: a log for each task, and the health of each endpoint. Times in ms."""

    def endpoint(self, endpoint_id: str) -> Endpoint:
        """The endpoint's recent health; a new `Endpoint` if it is unknown."""

    def claim_lane(self, endpoint_id: str, lane: int, *, now: int, until: int) -> bool:
        """Claim a back-off lane of an endpoint, at most until `until`; False while another attempt has it."""

    def keep_endpoint(self, endpoint_id: str, endpoint: Endpoint, *, lane: int | None, now: int) -> None:
        """Store the endpoint's health, and release the lane."""

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
    """The clients' endpoints. Nobody configured them, so the SSRF guard checks each request."""

    def post(self, url: str, body: bytes, *, tenant: str, event_id: str) -> Answer:
        """Send one signed request with a total timeout; the response body is not read. Without a response, `error` is set."""


class WebhookQueue(Protocol):
    """The queues of deliveries."""

    def put(self, delivery: Delivery, *, now: int) -> None:
        """Queue the delivery for its `due_at`, or sooner; before that time it is only queued again."""

    def bury(self, delivery: Delivery) -> None:
        """Put the delivery into the dead-letter queue, in the form in which a redrive starts it again."""


class SubmissionCounts(Protocol):
    """How often each key has submitted in a minute."""

    def count(self, key_id: str, minute: int, *, most: int) -> bool:
        """Add one, atomically; False, and nothing is added, if there are `most` already. `minute`: minutes since 1970."""


class ProviderIds(Protocol):
    """Which tenant the provider gave an id to."""

    def record(self, tenant: str, provider: str, ids: Collection[str], *, expires_at: int) -> None:
        """Give the ids to a tenant until `expires_at` (Unix time in s), except those that another one was given before."""

    def tenant_of(self, provider: str, provider_id: str) -> str | None:
        """The tenant that was given an id; None if that is unknown."""


class Clock(Protocol):
    """The time."""

    def __call__(self) -> int:
        """Unix time in ms."""


class Relay(Protocol):
    """Everything a use case may need. Use cases take it as their last argument; helpers that need one or two ports take those.

    `relay.bootstrap.Services` implements it on AWS and creates each adapter on first use; tests pass fakes.
    """

    @property
    def settings(self) -> Settings:
        """The function's settings."""

    @property
    def providers(self) -> Mapping[str, Provider]:
        """Every provider by its name, which is stored in tasks and callback tokens."""

    @property
    def clock(self) -> Clock:
        """The current time in ms."""

    @property
    def tasks(self) -> TaskStore:
        """The table `tasks`."""

    @property
    def provider_ids(self) -> ProviderIds:
        """Which tenant an id of the provider was given to."""

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
    def notices(self) -> Notices:
        """Messages for the operator."""

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
