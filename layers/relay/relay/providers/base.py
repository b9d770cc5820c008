"""The provider interface: a translator without I/O builds requests and reads responses; one adapter does the HTTP."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from relay.domain.errors import InvalidRequestError, UnknownOperationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from relay.domain.task import Failure, Snapshot, Task
    from relay.providers.reply import Reply

LONGEST_PAGE = 500
LAST_PAGE = 1000
_PAGE = 30


class OurId(StrEnum):
    """Whether a query by our own `task_id` finds a task that the provider has accepted.

    Only after `always` does "no such task" prove that a create was not accepted, so that it can be sent again. The provider must
    then also refuse a second create with the same id, since a query may be behind.
    """

    NEVER = "never"
    MAYBE = "maybe"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Operation:
    """One asynchronous create endpoint: `name` is its path below the provider's prefix, `model` its request model."""

    name: str
    model: str = ""
    our_id: OurId = OurId.NEVER
    is_known: bool = True
    """It creates a task. The response to an unknown one may be the result itself."""
    is_account_wide: bool = False
    """It concerns the provider's account, which all tenants share."""
    has_files: bool = True
    """Its results are files: a success without one is no success."""
    poll_seconds: int = 0
    """Between two polls, since no callback is certain to come; 0: callbacks tell, and polling is the fallback."""


@dataclass(frozen=True, slots=True)
class SynchronousOperation:
    """One endpoint whose response is the result, without a task; a GET has no request model."""

    name: str
    model: str = ""
    method: str = "POST"
    is_account_wide: bool = False


class Action(StrEnum):
    """What a client's request wants of a provider."""

    CREATE = "create"
    FORWARD = "forward"
    QUERY = "query"
    LIST = "list"
    CANCEL = "cancel"


class Paging(NamedTuple):
    """A page of a list: its number from 1, or the cursor that the page before it gave; `size` tasks.

    `may_be_shorter`: the cursor of the next page continues after the last task.
    """

    number: int = 1
    size: int = _PAGE
    cursor: str | None = None
    may_be_shorter: bool = False


class Route(NamedTuple):
    """A client's request. `operation` None: that of the task. `reference`: the task, by either id."""

    action: Action
    operation: Operation | None = None
    synchronous: SynchronousOperation | None = None
    reference: str = ""
    paging: Paging = Paging()

    @property
    def name(self) -> str:
        """The operation's name, if the request has one."""
        found = self.operation or self.synchronous
        return found.name if found else ""


class Encoding(StrEnum):
    """How the body of a request is encoded."""

    JSON = "json"
    FORM = "form"
    MULTIPART = "multipart"


class FilePart(NamedTuple):
    """A file in a multipart body."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class ProviderRequest:
    """One HTTP request to the provider. `path` begins with a slash and may have a query string.

    Texts in a form are sent as they are, everything else in it as JSON; only a multipart body may have a `FilePart`.
    """

    method: str
    path: str
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    encoding: Encoding = Encoding.JSON


@dataclass(frozen=True, slots=True)
class ProviderResponse:
    """The provider's response: HTTP status, the raw body, and the headers by their names in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict, compare=False)


class Checked(NamedTuple):
    """A request body that passed the checks: normalised, with warnings about doubtful fields."""

    body: dict[str, Any]
    warnings: tuple[str, ...] = ()


class PromptLimits(NamedTuple):
    """The longest texts, in characters."""

    prompt: int
    negative_prompt: int


class Provider(Protocol):
    """One package per provider, pure functions throughout. Errors are those of domain/errors.py."""

    @property
    def name(self) -> str:
        """In lower case; it is stored in tasks, events and callback tokens."""

    @property
    def operations(self) -> Mapping[str, Operation]:
        """Every known operation, by its name."""

    @property
    def synchronous(self) -> Mapping[str, SynchronousOperation]:
        """Every synchronous operation, by its name."""

    @property
    def callback_field(self) -> str:
        """The field of a create in which a client names its own callback URL, and the relay its own."""

    @property
    def external_id_field(self) -> str:
        """The field in which a client gives its own id; empty: there is none."""

    @property
    def confirms_callbacks(self) -> bool:
        """Its callbacks prove nothing: a final status in one counts once a query confirms it."""

    def route(self, method: str, path: str, parameters: Mapping[str, str]) -> Route:
        """What a client's request below one of the provider's prefixes wants; raises UnknownOperationError."""

    def operation(self, name: str) -> Operation:
        """The operation that a task stores; raises UnknownOperationError when the provider cannot have it."""

    def checked(self, operation: Operation | SynchronousOperation, body: Mapping[str, Any], limits: PromptLimits) -> Checked:
        """Check a client's body before anything is billed; raises InvalidRequestError."""

    def request_model(self, operation: Operation | SynchronousOperation) -> type[Any] | None:
        """The pydantic model of a request, for tools that show its fields; None: there is none."""

    def draft_document(self, body: Mapping[str, Any]) -> dict[str, Any] | None:
        """What `view` shows of a request until the provider reports more; None: nothing. It is stored with the task: a few KB."""

    def named_ids(self, body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """The provider's ids that a checked body names, each after the path of its field ("element_list/0/element_id")."""

    def given_ids(self, task: Task) -> list[str]:
        """The ids in a succeeded task by which later requests can name its files, voices or elements."""

    def given_in_response(self, response: ProviderResponse) -> list[str]:
        """The same, in the response of a synchronous operation."""

    def create_request(
        self, operation: Operation, body: Mapping[str, Any], *, task_id: str, callback_url: str
    ) -> ProviderRequest:
        """The request that creates the task, with our `task_id` as the provider's external id if it has one."""

    def read_created(self, operation: Operation, response: ProviderResponse) -> Snapshot:
        """The accepted task; raises a ProviderError by the meaning of the response: NoTaskError for a success without a task."""

    def query_request(self, operation: Operation, reference: str) -> ProviderRequest:
        """The query for a task by the provider's id, or by ours unless it finds none by that."""

    def read_queried(self, operation: Operation, response: ProviderResponse) -> Snapshot:
        """The task's state; raises a ProviderError, or UnreadableSnapshotError."""

    def cancel_request(self, operation: Operation, reference: str) -> ProviderRequest | None:
        """The request that cancels a task by the provider's id; its response is read by `read_queried`. None: there is none."""

    def read_callback(self, body: bytes, headers: Mapping[str, str]) -> Snapshot | Reply:
        """The task's state in a callback, or the response to a challenge; raises UnreadableSnapshotError.

        `headers` by their names in lower case.
        """

    def view(self, task: Task, urls: Mapping[str, str], base_url: str) -> dict[str, Any]:
        """The task as the provider's own API shows it; `urls` by `Result.path`, `base_url` of this API, or empty if unknown."""

    def created_reply(self, view: dict[str, Any], warnings: Sequence[str], request_id: str) -> Reply:
        """The response to a create."""

    def queried_reply(self, view: dict[str, Any], request_id: str) -> Reply:
        """The response to a query or a cancellation."""

    def listed_reply(self, views: list[dict[str, Any]], cursor: str | None, base_url: str, request_id: str) -> Reply:
        """A page of a list; `cursor` of the next page, None at the end."""

    def error_reply(self, status: int, code: int, message: str, request_id: str) -> Reply:
        """An error; `code` is the relay's own, or that of a refusal."""

    def forward_request(self, operation: SynchronousOperation, body: Mapping[str, Any] | None, query: str) -> ProviderRequest:
        """The request of a synchronous operation; `query` is its query string."""

    def read_forwarded(self, response: ProviderResponse) -> ProviderResponse:
        """The response for the client.

        Raises OutcomeUnknownError if the request may have been executed, OperatorFaultError if the provider refuses the relay,
        ProviderRefusedError for a refusal that a client cannot read.
        """

    def refusal(self, failure: Failure) -> tuple[int, int, str]:
        """HTTP status, code and message of the response for a create that was refused finally."""


class ProviderDefaults:
    """A provider's simple cases: no ids in requests, nothing to cancel, no synchronous operations."""

    synchronous: Mapping[str, SynchronousOperation] = MappingProxyType({})
    external_id_field = ""
    confirms_callbacks = False

    def request_model(self, operation: Operation | SynchronousOperation) -> type[Any] | None:
        """Requests have no model."""
        return None

    def draft_document(self, body: Mapping[str, Any]) -> dict[str, Any] | None:
        """Nothing is shown of a request."""
        return None

    def named_ids(self, body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Requests name no ids of the provider."""
        return iter(())

    def given_ids(self, task: Task) -> list[str]:
        """Results have no ids that requests could name."""
        return []

    def given_in_response(self, response: ProviderResponse) -> list[str]:
        """There are no synchronous operations."""
        return []

    def cancel_request(self, operation: Operation, reference: str) -> ProviderRequest | None:
        """The provider cancels nothing."""
        return None

    def refusal(self, failure: Failure) -> tuple[int, int, str]:
        """The status that the provider refused with, unless it is its own trouble or about the relay's key."""
        status = failure.http_status if 400 <= failure.http_status < 500 and failure.http_status != 401 else 400
        return status, max(failure.provider_code, 0) or 1200, failure.message

    def forward_request(self, operation: SynchronousOperation, body: Mapping[str, Any] | None, query: str) -> ProviderRequest:
        """There are no synchronous operations."""
        raise UnknownOperationError(f"no synchronous operation {operation.name}")

    def read_forwarded(self, response: ProviderResponse) -> ProviderResponse:
        """There are no synchronous operations."""
        return response


def encodable(body: dict[str, Any]) -> dict[str, Any]:
    """The body, if JSON can carry it; Python reads lone surrogates and NaN from JSON that no strict encoder writes again.

    Raises InvalidRequestError.
    """
    try:
        json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        expected = "expected a body that JSON can carry: valid Unicode, finite numbers, not nested too deeply"
        raise InvalidRequestError(expected, code=1200) from None
    return body


def whole_number(parameters: Mapping[str, str], name: str, default: int) -> int:
    """A query parameter; raises InvalidRequestError when it is no whole number."""
    given = parameters.get(name, str(default))
    if not (given.isascii() and given.isdecimal() and len(given) < 10):
        raise InvalidRequestError(f"{name}: expected a whole number; got {given[:40]!r}")
    return int(given)
