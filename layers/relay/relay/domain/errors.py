"""The error tree. Every lower error (botocore's, httpx's, pydantic's) is turned into one of these by an adapter or a provider.

RelayError
├── ClientError                     the request cannot be served as it is; `code` goes into the provider's envelope
│   ├── InvalidRequestError         a field is wrong: says which and what was expected
│   │   └── ExternalTaskIdTakenError
│   ├── RequestTooLargeError
│   ├── AuthenticationError
│   ├── TooManySubmissionsError     the key's limit of this minute is reached; `retry_after` in seconds
│   ├── UnknownOperationError
│   ├── TaskNotFoundError           unknown, or another tenant's
│   └── IdempotencyKeyReusedError   same key, other body
├── ProviderError                   what the provider's answer, or its absence, means for a request
│   ├── ProviderRefusedError        final: the task was not accepted and will not be
│   ├── ProviderBusyError           not accepted now; trying later can help
│   ├── OutcomeUnknownError         perhaps accepted: ask before sending again
│   │   └── NoTaskError             a success without a task: what a synchronous operation answers
│   ├── AlreadyAcceptedError        our `external_task_id` is known there: fetch the task
│   └── ProviderTaskMissingError    the provider does not know the task
├── ForwardingError                 a request that is only passed on got no answer that could be passed back
├── UnreadableSnapshotError         a task object that cannot be understood: quarantine it
├── CallbackNotAuthenticError       the token does not fit the task
├── ResultError                     a result file could not be stored
│   ├── ResultGoneError             the URL is dead: a query may bring a fresh one
│   ├── ResultTooLargeError
│   ├── ResultTypeError             not an image, a video or an audio file
│   └── ForbiddenAddressError       the URL leads to where we must not go
├── UnavailableError                a part of the relay did not take what it must: another delivery can help
└── TaskConflictError               a stored task does not allow the change
"""

from typing import Any


class RelayError(Exception):
    """The root: whatever the relay itself raises."""


class ClientError(RelayError):
    """The client can mend it. `code` is the provider's business code (Kling API reference, error codes)."""

    code = 1200

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = type(self).code if code is None else code


class InvalidRequestError(ClientError):
    """A field holds what it must not hold. HTTP 400."""

    code = 1201


class ExternalTaskIdTakenError(InvalidRequestError):
    """The tenant used this `external_task_id` before. HTTP 400, as at Kling."""


class RequestTooLargeError(ClientError):
    """The body is larger than we take. HTTP 413."""


class AuthenticationError(ClientError):
    """No key, or none that we know. HTTP 401."""

    code = 1002


class TooManySubmissionsError(ClientError):
    """The key has submitted as often as it may in this minute. HTTP 429, as Kling's rate limit."""

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
    """The `Idempotency-Key` came before with another body. HTTP 422."""

    code = 1201


class ProviderError(RelayError):
    """The provider did not answer with what was asked for."""

    def __init__(self, message: str, *, status: int = 0, code: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        """The provider's HTTP status; 0 when there was no answer."""
        self.code = code
        """The provider's business code; 0 when there was none."""


class ProviderRefusedError(ProviderError):
    """The provider refused the request finally."""


class ProviderBusyError(ProviderError):
    """Certainly not accepted; later it may be."""


class OutcomeUnknownError(ProviderError):
    """The request may have been accepted (and paid)."""


class NoTaskError(OutcomeUnknownError):
    """The create was answered with a success that holds no task; `document` is the whole answer."""

    def __init__(self, message: str, *, status: int = 0, document: dict[str, Any] | None = None) -> None:
        super().__init__(message, status=status)
        self.document = document or {}


class AlreadyAcceptedError(ProviderError):
    """An earlier send of the same task was accepted."""


class ProviderTaskMissingError(ProviderError):
    """No task of that id there (yet)."""


class ForwardingError(RelayError):
    """The provider's part failed. HTTP `status` and `code` are those for the client."""

    def __init__(self, message: str, *, status: int = 502, code: int = 5000) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code


class UnreadableSnapshotError(RelayError):
    """Not a task object that we understand."""


class CallbackNotAuthenticError(RelayError):
    """A forged, truncated or foreign callback token."""


class ResultError(RelayError):
    """A result file could not be fetched or stored."""


class ResultGoneError(ResultError):
    """The provider's URL answers 4xx."""


class ResultTooLargeError(ResultError):
    """More bytes than MAX_RESULT_BYTES."""


class ResultTypeError(ResultError):
    """The first bytes are not those of a media file."""


class ForbiddenAddressError(ResultError):
    """Not https, or an address that is not public."""


class UnavailableError(RelayError):
    """Something of ours did not work just now."""


class TaskConflictError(RelayError):
    """The change does not fit the stored task: lower rank, older snapshot, or already done."""
