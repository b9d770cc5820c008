"""The provider interface: a translator without I/O builds requests and reads responses; one adapter does the HTTP."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from relay.domain.task import Failure, Snapshot, Task


@dataclass(frozen=True, slots=True)
class Operation:
    """One asynchronous create endpoint: `name` is its path below the version prefix, `model` its request model.

    Without a model it is untyped: the provider may have it, but the relay does not know its fields.
    """

    name: str
    model: str = ""
    is_account_wide: bool = False
    """It concerns the provider's account, which all tenants share."""

    @property
    def is_typed(self) -> bool:
        """The relay knows its fields, and that it creates a task which a query by our id finds."""
        return bool(self.model)


@dataclass(frozen=True, slots=True)
class SynchronousOperation:
    """One endpoint whose response is the result, without a task; a GET has no request model."""

    name: str
    model: str = ""
    method: str = "POST"
    is_account_wide: bool = False


@dataclass(frozen=True, slots=True)
class ProviderRequest:
    """One HTTP request to the provider; `path` begins with a slash, `body` is sent as JSON."""

    method: str
    path: str
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ProviderResponse:
    """The provider's response: HTTP status, the raw body, and the headers by their names in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Checked:
    """A request body that passed the checks: normalised, with warnings about doubtful fields."""

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
        """In lower case; it is stored in tasks, events and callback tokens."""

    @property
    def operations(self) -> Mapping[str, Operation]:
        """Every known operation, by its name."""

    @property
    def synchronous(self) -> Mapping[str, SynchronousOperation]:
        """Every synchronous operation, by its name."""

    def operation(self, name: str) -> Operation:
        """A known operation, or an untyped one; raises UnknownOperationError when the provider cannot have it."""

    def checked(self, operation: Operation | SynchronousOperation, body: Mapping[str, Any], limits: PromptLimits) -> Checked:
        """Check a client's body before anything is billed; raises InvalidRequestError."""

    def named_ids(self, body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """The provider's ids that a checked body names, each after the path of its field ("element_list/0/element_id")."""

    def given_ids(self, task: Task) -> list[str]:
        """The ids in a succeeded task by which later requests can name its files, voices or elements."""

    def given_in_response(self, response: ProviderResponse) -> list[str]:
        """The same, in the response of a synchronous operation."""

    def create_request(
        self, operation: Operation, body: Mapping[str, Any], *, task_id: str, callback_url: str
    ) -> ProviderRequest:
        """The request that creates the task, with our `task_id` as the provider's external id."""

    def read_created(self, response: ProviderResponse) -> Snapshot:
        """The accepted task; raises a ProviderError by the meaning of the response: NoTaskError for a success without a task."""

    def query_request(self, operation: Operation, reference: str) -> ProviderRequest:
        """The query for a task by the provider's id or by ours."""

    def read_queried(self, response: ProviderResponse) -> Snapshot:
        """The task's state; raises a ProviderError, or UnreadableSnapshotError."""

    def read_callback(self, body: bytes) -> Snapshot:
        """The task's state in a callback; raises UnreadableSnapshotError."""

    def view(self, task: Task, urls: Mapping[str, str]) -> dict[str, Any]:
        """The task as the provider's own API shows it; `urls` by `Result.path`."""

    def forward_request(self, operation: SynchronousOperation, body: Mapping[str, Any] | None, query: str) -> ProviderRequest:
        """The request of a synchronous operation; `query` is its query string."""

    def read_forwarded(self, response: ProviderResponse) -> ProviderResponse:
        """The response for the client.

        Raises OutcomeUnknownError if the request may have been executed, OperatorFaultError if the provider refuses the relay,
        ProviderRefusedError for a refusal that a client cannot read.
        """

    def refusal(self, failure: Failure) -> tuple[int, int, str]:
        """HTTP status, code and message of the response for a create that was refused finally."""
