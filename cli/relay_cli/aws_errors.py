"""What AWS's refusals mean to an operator."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from relay_cli.failures import Failure, NotFound, Refused, Unauthorized, Unavailable

_CREDENTIALS = frozenset(
    {
        "NoCredentialsError",
        "PartialCredentialsError",
        "ProfileNotFound",
        "TokenRetrievalError",
        "SSOTokenLoadError",
        "UnauthorizedSSOTokenError",
    }
)
_DENIED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "SignatureDoesNotMatch",
        "AuthorizationError",
        "AuthFailure",
    }
)
_MISSING = frozenset(
    {
        "ResourceNotFoundException",
        "NoSuchKey",
        "NoSuchBucket",
        "AWS.SimpleQueueService.NonExistentQueue",
        "QueueDoesNotExist",
        "404",
    }
)
_LATER = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "InternalFailure",
    }
)


@contextmanager
def translated() -> Iterator[None]:
    """Botocore's errors become Failures. Botocore is not loaded for this: without it none of its errors can come."""
    try:
        yield
    except Exception as error:
        exceptions = sys.modules.get("botocore.exceptions")
        if exceptions is None:
            raise
        if isinstance(error, exceptions.ClientError):
            raise refusal(error.operation_name, **error.response["Error"]) from None
        if isinstance(error, exceptions.BotoCoreError):
            raise _unanswered(type(error).__name__, str(error)) from None
        raise


def refusal(operation: str, Code: str = "", Message: str = "", **_: object) -> Failure:  # noqa: N803 - AWS's names
    """AWS's answer to an operation."""
    told, details = f"AWS refuses {operation}: {Message or Code}", {"aws_code": Code}
    if Code in _DENIED:
        return Unauthorized(told, "check the credentials: aws sts get-caller-identity, or --profile", **details)
    if Code in _MISSING or "does not exist" in Message:
        return NotFound(told, "check --stack and --region", **details)
    if Code in _LATER:
        return Unavailable(told, "try again", **details)
    return Refused(told, "", **details)


def _unanswered(kind: str, message: str) -> Failure:
    if kind in _CREDENTIALS:
        return Unauthorized(f"AWS: {message}", "give credentials: AWS_PROFILE or --profile, or the AWS_ variables")
    if kind == "NoRegionError":
        return Refused("AWS: no region is named", "set AWS_REGION or --region")
    return Unavailable(f"AWS: {message}", "check the network and --region")
