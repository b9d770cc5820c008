"""What an HTTP API of API Gateway hands to a function and to its access log.

Paths: `rawPath` is percent-decoded, except for `%25`, and ends before a decoded question mark. Behind a custom domain it begins
with the base path of the API mapping. AWS does not document this. These rules follow captures of live requests that are
published with https://github.com/middleapi/standard-server/pull/93. Reports of base paths differ, so both forms are tried.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

LOG_VARIABLES = re.compile(
    r"\$context\.("
    r"accountId|apiId|authorizer\.[a-z_]+|awsEndpointRequestId2?|customDomain\.basePathMatched|dataProcessed|domainName|domainPrefix"
    r"|error\.(message|messageString|responseType)|extendedRequestId|httpMethod|identity\.[A-Za-z]+"
    r"|integration\.(error|integrationStatus|latency|requestId|status)|integrationErrorMessage|integrationLatency|integrationStatus"
    r"|path|protocol|requestId|requestTime|requestTimeEpoch|responseLatency|responseLength|routeKey|stage|status)"
)
"""The variables of https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html."""
CONTEXT = {"tenant", "key", "provider", "operation", "error"}
"""What `$context.authorizer` has: values of the authorizer's response, and API Gateway's own `error`."""


def decoded(path: str) -> str:
    """`rawPath` of a percent-encoded path."""
    return "%25".join(unquote(part) for part in path.split("%25")).partition("?")[0]


def arrived(payload: Mapping[str, Any], route: str, path: str, *, base: str = "", stripped: bool = False) -> dict[str, Any]:
    """The event of a request for `base` and the percent-encoded `path` that matches `route` ("GET /tasks/{task_id}").

    `stripped`: the base path is not part of `rawPath`.
    """
    method, _, template = route.partition(" ")
    pattern = re.sub(r"\\{(\w+)(\\\+)?\\}", lambda name: f"(?P<{name[1]}>{'.+' if name[2] else '[^/]+'})", re.escape(template))
    parameters = re.fullmatch(pattern, path)
    assert parameters, f"{route} does not match {path}"
    raw = decoded(path) if stripped else base + decoded(path)
    context = payload["requestContext"]
    return {
        **payload,
        "routeKey": route,
        "rawPath": raw,
        "pathParameters": {name: decoded(value) for name, value in parameters.groupdict().items()},
        "requestContext": {
            **context,
            "domainName": "media.example.com",
            "routeKey": route,
            "http": {**context["http"], "method": method, "path": raw},
        },
    }
