"""The seam to a provider: a sans-I/O translator builds requests and reads answers; one adapter does the HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from relay.domain.task import Failure, Snapshot, Task


@dataclass(frozen=True, slots=True)
class Operation:
    """One asynchronous create endpoint: `name` is its path below the version prefix, `model` its request model.

    Without a model it is untyped: the provider may have it, and we know nothing of it yet.
    """

    name: str
    model: str = ""

    @property
    def is_typed(self) -> bool:
        """We know what it takes, and that it makes a task that our id finds."""
        return bool(self.model)


@dataclass(frozen=True, slots=True)
class SynchronousOperation:
    """One endpoint that the provider answers at once, and that leaves no task; a GET has no request model."""

    name: str
    model: str = ""
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class ProviderRequest:
    """One HTTP request to the provider; `path` begins with a slash, `body` is sent as JSON."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ProviderResponse:
    """What came back: HTTP status and the raw body."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Checked:
    """A request body that the provider will take: normalised, and what is doubtful about it."""

    body: dict[str, Any]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PromptLimits:
    """The longest texts, in characters."""

    prompt: int
    negative_prompt: int


class Provider(Protocol):
    """One file per provider, pure functions throughout. Errors are those of domain/errors.py."""

    @property
    def name(self) -> str:
        """In lower case; goes into tasks, events and callback tokens."""

    @property
    def operations(self) -> Mapping[str, Operation]:
        """Every operation that we know by its name."""

    @property
    def synchronous(self) -> Mapping[str, SynchronousOperation]:
        """Every endpoint that is passed through, by its name."""

    def operation(self, name: str) -> Operation:
        """A known operation, or an untyped one; raises UnknownOperationError when the provider cannot have it."""

    def checked(self, operation: Operation | SynchronousOperation, body: Mapping[str, Any], limits: PromptLimits) -> Checked:
        """Check a client's body before money is spent; raises InvalidRequestError."""

    def create_request(
        self, operation: Operation, body: Mapping[str, Any], *, task_id: str, callback_url: str
    ) -> ProviderRequest:
        """The request that creates the task, with our `task_id` as the provider's external id."""

    def read_created(self, response: ProviderResponse) -> Snapshot:
        """The accepted task; raises a ProviderError that says what a refusal means: NoTaskError for a success without a task."""

    def query_request(self, operation: Operation, reference: str) -> ProviderRequest:
        """The request that asks for a task by the provider's id or by ours."""

    def read_queried(self, response: ProviderResponse) -> Snapshot:
        """The task's state; raises a ProviderError, or UnreadableSnapshotError."""

    def read_callback(self, body: bytes) -> Snapshot:
        """The task's state in a callback; raises UnreadableSnapshotError."""

    def view(self, task: Task, urls: Mapping[str, str]) -> dict[str, Any]:
        """The task as the provider's own API shows it; `urls` by `Result.path`."""

    def forward_request(self, operation: SynchronousOperation, body: Mapping[str, Any] | None, query: str) -> ProviderRequest:
        """The request of a synchronous operation; `query` is its query string."""

    def read_forwarded(self, response: ProviderResponse) -> ProviderResponse:
        """What the client is answered.

        Raises OutcomeUnknownError when the provider may have done it, ProviderRefusedError when it refused us, not the client.
        """

    def refusal(self, failure: Failure) -> tuple[int, int, str]:
        """HTTP status, code and message of the envelope for a create that was refused finally."""
