"""How long botocore waits for a service that accepts connections and says nothing."""

from botocore.config import Config

AUTHORIZER_SECONDS = 10
"""API Gateway's limit: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html."""
INTEGRATION_SECONDS = 30
"""API Gateway's limit for a function that answers a request: same page."""
_LONGEST_BACKOFF = 20


def longest_wait(config: Config) -> float:
    """Seconds until the last attempt of one call has failed: each attempt waits for the connection or for the response.

    The back-off before each further attempt is random, at most 1, 2, 4 … seconds:
    https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html.
    """
    settings = vars(config)
    attempts: int = settings["retries"]["total_max_attempts"]
    read: float = max(settings["connect_timeout"], settings["read_timeout"])
    return attempts * read + sum(min(2.0**number, _LONGEST_BACKOFF) for number in range(attempts - 1))
