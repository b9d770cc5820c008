"""AWS errors translated into Failures that tell an operator what to do."""

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
_TEMPORARY = frozenset(
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
def translate_aws_errors() -> Iterator[None]:
    """Turn botocore's errors into Failures.

    Botocore is looked up in `sys.modules` and never imported here: commands that do not use AWS start faster without it.
    """
    try:
        yield
    except Exception as error:
        exceptions = sys.modules.get("botocore.exceptions")
        if exceptions is None:
            raise
        if isinstance(error, exceptions.ClientError):
            raise client_failure(error.operation_name, **error.response["Error"]) from None
        if isinstance(error, exceptions.BotoCoreError):
            raise _botocore_failure(type(error).__name__, str(error)) from None
        raise


def client_failure(operation: str, Code: str = "", Message: str = "", **_: object) -> Failure:  # noqa: N803 - AWS's names
    """Return the Failure for an error that AWS returned for an operation, such as `DescribeStacks`."""
    message, details = f"AWS rejected {operation}: {Message or Code}", {"aws_code": Code}
    if Code in _DENIED:
        advice = "check the credentials with `aws sts get-caller-identity`, or choose others with --profile"
        return Unauthorized(message, advice, **details)
    if Code in _MISSING or "does not exist" in Message:
        return NotFound(message, "check --stack and --region", **details)
    if Code in _TEMPORARY:
        return Unavailable(message, "wait a moment and try again", **details)
    return Refused(message, "", **details)


def _botocore_failure(kind: str, message: str) -> Failure:
    """Return the Failure for an error that botocore raised without a response from AWS. `kind` is the name of its class."""
    if kind in _CREDENTIALS:
        return Unauthorized(f"AWS: {message}", "set AWS_PROFILE or --profile, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    if kind == "NoRegionError":
        return Refused("AWS: no region is set", "set AWS_REGION or --region")
    return Unavailable(f"AWS: {message}", "check the network and --region")
