"""The error tree. Every lower error (botocore's, httpx's, pydantic's) is turned into one of these by an adapter or a provider.

RelayError
├── ClientError                     the request cannot be served as it is; `code` goes into the envelope
│   ├── InvalidRequestError         a field is wrong: says which and what was expected
│   │   └── ExternalTaskIdTakenError
│   ├── RequestTooLargeError
│   ├── AuthenticationError
│   ├── PermissionDeniedError       the key may not use the operation
│   ├── TooManySubmissionsError     the key's limit of this minute is reached; `retry_after` in seconds
│   ├── UnknownOperationError
│   ├── TaskNotFoundError           unknown, or another tenant's
│   └── IdempotencyKeyReusedError   same key, other body
├── ProviderError                   what the provider's answer, or its absence, means for a request
│   ├── ProviderRefusedError        final: the task was not accepted and will not be
│   ├── ProviderBusyError           not accepted now; trying later can help
│   │   ├── OperatorFaultError      the provider refuses the relay's key, balance or access
│   │   └── NoChannelError          nobody serves the model at present
│   ├── OutcomeUnknownError         may have been accepted: query before sending again
│   │   └── NoTaskError             a success without a task, as from a synchronous operation
│   ├── AlreadyAcceptedError        the provider has a task with our `external_task_id`: query for it
│   └── ProviderTaskMissingError    the provider does not know the task
├── ForwardingError                 a synchronous operation got no response that the client could use
├── UnreadableSnapshotError         a task object that cannot be understood: quarantine it
│   └── NoResultsError              a success without files: final if none appear
├── CallbackNotAuthenticError       the token does not fit the task
├── ResultError                     a result file could not be stored
│   ├── ResultGoneError             the URL is dead: a query may bring a fresh one
│   ├── ResultTooLargeError
│   ├── ResultTypeError             not an image, a video or an audio file
│   └── ForbiddenAddressError       the URL is not https, or its address is not public
├── UnavailableError                a part of the relay failed temporarily: a retry can help
└── TaskConflictError               a stored task does not allow the change
"""

from enum import StrEnum
from typing import Any


class Meaning(StrEnum):
    """What the provider's response means, as far as it does not say that a task was accepted.

    `final`: it refused the task. `busy`: it did not accept it now. `operator`: it refuses the relay: its key, balance or access.
    `no_channel`: nobody serves the model at present. `missing`: it does not find the task. `unreadable`: it says nothing that
    the relay understands. `no_results`: a success without files, so far. `unknown`: it may have accepted the
    task. `relay`: the relay itself failed.
    """

    FINAL = "final"
    BUSY = "busy"
    OPERATOR = "operator"
    NO_CHANNEL = "no_channel"
    MISSING = "missing"
    UNREADABLE = "unreadable"
    NO_RESULTS = "no_results"
    UNKNOWN = "unknown"
    RELAY = "relay"


class RelayError(Exception):
    """The root of all errors that the relay raises itself."""


class ClientError(RelayError):
    """The client can correct the request. `code` is the relay's own, for its envelope (docs/api.md)."""

    code = 1200

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = type(self).code if code is None else code


class InvalidRequestError(ClientError):
    """A field has an invalid value. HTTP 400."""

    code = 1201


class ExternalTaskIdTakenError(InvalidRequestError):
    """The tenant used this `external_task_id` before. HTTP 400."""


class RequestTooLargeError(ClientError):
    """The body is larger than the relay accepts. HTTP 413."""


class AuthenticationError(ClientError):
    """The request has no valid key. HTTP 401."""

    code = 1002


class PermissionDeniedError(ClientError):
    """The key may not use the operation. HTTP 403."""

    code = 1103


class TooManySubmissionsError(ClientError):
    """The key has reached its limit for this minute. HTTP 429."""

    code = 1302

    def __init__(self, message: str, *, retry_after: int = 60) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UnknownOperationError(ClientError):
    """No operation has this path. HTTP 404."""

    code = 1202


class TaskNotFoundError(ClientError):
    """The tenant has no such task. HTTP 404."""

    code = 1203


class IdempotencyKeyReusedError(ClientError):
    """The `Idempotency-Key` was used before with another body. HTTP 422."""

    code = 1201


class ProviderError(RelayError):
    """The provider did not return what the relay requested."""

    meaning = Meaning.UNKNOWN

    def __init__(self, message: str, *, status: int = 0, code: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        """The provider's HTTP status; 0 when there was no response."""
        self.code = code
        """The provider's business code; 0 when there was none."""


class ProviderRefusedError(ProviderError):
    """The provider refused the request finally."""

    meaning = Meaning.FINAL


class ProviderBusyError(ProviderError):
    """The provider certainly did not accept the request; a later attempt may succeed."""

    meaning = Meaning.BUSY


class OperatorFaultError(ProviderBusyError):
    """The provider refuses the relay itself: its key, balance or access. The message is the relay's own, for clients too."""

    meaning = Meaning.OPERATOR


class NoChannelError(ProviderBusyError):
    """CometAPI has no channel for the model at present, or does not have the model."""

    meaning = Meaning.NO_CHANNEL


class OutcomeUnknownError(ProviderError):
    """The request may have been accepted and billed."""


class NoTaskError(OutcomeUnknownError):
    """The response to a create is a success without a task; `document` is the whole response."""

    def __init__(self, message: str, *, status: int = 0, document: dict[str, Any] | None = None) -> None:
        super().__init__(message, status=status)
        self.document = document or {}


class AlreadyAcceptedError(ProviderError):
    """An earlier send of the same task was accepted."""


class ProviderTaskMissingError(ProviderError):
    """The provider has no task with that id (yet)."""

    meaning = Meaning.MISSING


class ForwardingError(RelayError):
    """The provider failed. `status` (HTTP) and `code` are those of the response to the client."""

    def __init__(self, message: str, *, status: int = 502, code: int = 5000) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code


class UnreadableSnapshotError(RelayError):
    """The document is not a task object that the relay understands."""


class NoResultsError(UnreadableSnapshotError):
    """The task succeeded, but there is no file in the document. `document`: the response body, if it is at hand."""

    def __init__(self, message: str, provider_task_id: str | None = None) -> None:
        super().__init__(message)
        self.provider_task_id = provider_task_id
        self.document = b""


class CallbackNotAuthenticError(RelayError):
    """A forged, truncated or foreign callback token."""


class ResultError(RelayError):
    """A result file could not be fetched or stored."""


class ResultGoneError(ResultError):
    """The provider's URL returns HTTP 4xx."""


class ResultTooLargeError(ResultError):
    """More bytes than MAX_RESULT_BYTES."""


class ResultTypeError(ResultError):
    """The first bytes are not those of a media file."""


class ForbiddenAddressError(ResultError):
    """Not https, or an address that is not public."""


class UnavailableError(RelayError):
    """A part of the relay failed temporarily."""


class TaskConflictError(RelayError):
    """The change does not fit the stored task: lower rank, older snapshot, or already done."""
