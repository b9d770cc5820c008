"""HTTP: requests read and routed, errors mapped to a status, and responses in the relay's envelope or a provider's format."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any

from relay.domain.errors import (
    AuthenticationError,
    CallbackNotAuthenticError,
    ClientError,
    ExternalTaskIdTakenError,
    ForwardingError,
    IdempotencyKeyReusedError,
    InvalidRequestError,
    PermissionDeniedError,
    RelayError,
    RequestTooLargeError,
    TaskNotFoundError,
    TooManySubmissionsError,
    UnavailableError,
    UnknownOperationError,
)
from relay.entrypoint.telemetry import failed, logger
from relay.providers.registry import PROVIDERS, names_for, routed, unknown_path
from relay.providers.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

    from relay.config import Settings
    from relay.domain.keys import SubmissionLimit
    from relay.providers.base import Provider, Route

_JSON = "application/json"
INTERNAL = 5000
"""The code of an internal error."""
FAILED = "the relay failed: ask for the task with its id, or send again with the same Idempotency-Key"
REQUEST_LIMIT = 5_242_880
"""Bytes: a Lambda event holds 6 MB, and a larger body would not reach a function."""
BINARY_LIMIT = 4_000_000
"""Bytes of a body whose type API Gateway does not know as text: the event holds it as base64."""
RESPONSE_LIMIT = 5_500_000
"""Bytes of a list of tasks: Lambda returns 6 MB, and API Gateway answers 500 for more."""
VALUES_LIMIT = 20_000
"""Values in a body, at most: each takes up to 400 bytes and 6 µs. The largest documented body of a provider has about 1,500."""

STATUS: Mapping[type[RelayError], int] = {
    ClientError: 400,
    InvalidRequestError: 400,
    ExternalTaskIdTakenError: 400,
    RequestTooLargeError: 413,
    AuthenticationError: 401,
    PermissionDeniedError: 403,
    UnknownOperationError: 404,
    TaskNotFoundError: 404,
    CallbackNotAuthenticError: 404,
    IdempotencyKeyReusedError: 422,
    TooManySubmissionsError: 429,
    ForwardingError: 502,
}


def status_of(error: RelayError) -> int:
    """The HTTP status of an error: that of its nearest ancestor in the table."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def envelope(request_id: str, data: Any = None, *, code: int = 0, message: str = "SUCCEED") -> dict[str, Any]:
    """The relay's own envelope; `data` is left out when there is none."""
    body = {"code": code, "message": message, "request_id": request_id}
    return body if data is None else {**body, "data": data}


def is_too_large(data: Any) -> bool:
    """Whether a function's response could not hold it. The body is a text of JSON inside of JSON, as ASCII."""
    text = json.dumps(data, separators=(",", ":"))
    return len(text) + text.count('"') + text.count("\\") > RESPONSE_LIMIT


def answer(status: int, body: dict[str, Any]) -> dict[str, Any]:
    """A response of payload format 2.0, for a function without a resolver."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return {"statusCode": status, "headers": {"Content-Type": _JSON}, "body": text, "isBase64Encoded": False}


def api() -> APIGatewayHttpResolver:
    """A resolver whose routes do not depend on the base path of a custom domain.

    Its errors come in the format of the provider whose path was requested, or in the relay's envelope.
    """
    from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

    class Api(APIGatewayHttpResolver):
        def resolve(self, event: Mapping[str, Any], context: Any) -> dict[str, Any]:
            return super().resolve(without_base_path(event), context)

    app = Api()

    def respond(status: int, code: int, message: str, **headers: str) -> Response[str]:
        reply = error_reply(app.current_event.path, status, code, message, request_id_of(app))
        return response_of(Reply(reply.status, reply.body, {**reply.headers, **headers}))

    def refused(error: ClientError) -> Response[str]:
        logger.info("refused", status=status_of(error), code=error.code)
        headers = {"Retry-After": str(error.retry_after)} if isinstance(error, TooManySubmissionsError) else {}
        return respond(status_of(error), error.code, error.message, **headers)

    def not_forwarded(error: ForwardingError) -> Response[str]:
        logger.warning("not forwarded", status=error.status, code=error.code)
        return respond(error.status, error.code, error.message)

    def not_found(_error: Exception) -> Response[str]:
        return refused(unknown_path())

    def broken(error: Exception) -> Response[str]:
        failed(error)
        return respond(500, INTERNAL, FAILED)

    app.exception_handler(ClientError)(refused)
    app.exception_handler(ForwardingError)(not_forwarded)
    app.exception_handler(Exception)(broken)
    app.not_found(not_found)
    return app


def without_base_path(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event as if no custom domain had a base path: `rawPath` is the decoded path of the route.

    `domainName` ends with the base path, so `https://{domainName}` is the URL of this API as the client used it.
    """
    base, path = _split(event)
    context = event["requestContext"]
    domain = f"{context.get('domainName', '')}{base}"
    path = (path or event["rawPath"]).replace("%25", "%")
    return {**event, "rawPath": path, "requestContext": {**context, "domainName": domain}}


def _split(event: Mapping[str, Any]) -> tuple[str, str]:
    """The base path of a custom domain, and the path of the route; both empty if the route has no path.

    API Gateway does not remove the base path from a request's path. Route key and path parameters do not contain it. All are
    decoded, except that `%25` stays: tests/aws/http_api.py.
    """
    whole: str = event["requestContext"]["http"]["path"]
    values: Mapping[str, str] = event.get("pathParameters") or {}
    route = str(event.get("routeKey", "")).partition(" ")[2]
    path = re.sub(r"{(\w+)\+?}", lambda name: values.get(name[1], ""), route)
    return (whole.removesuffix(path), path) if path and whole.endswith(path) else ("", "")


def request_id_of(app: APIGatewayHttpResolver) -> str:
    """API Gateway's id of the request."""
    return str(app.current_event.request_context.request_id)


def request_of(app: APIGatewayHttpResolver) -> tuple[str, Provider, Route]:
    """The tenant whose request it is, the provider that serves it, and what it wants; raises a ClientError.

    That nobody serves a path is said to everyone. Which operations there are is said to those with a key.
    """
    event = app.current_event
    if not names_for(event.path):
        raise unknown_path()
    tenant = tenant_of(event.raw_event)
    return tenant, *routed(event.http_method, event.path, event.query_string_parameters)


def error_reply(path: str, status: int, code: int, message: str, request_id: str) -> Reply:
    """An error in the format of the path's provider, or in the relay's envelope for its own paths."""
    names = names_for(path)
    if names:
        return PROVIDERS[names[0]].error_reply(status, code, message, request_id)
    return Reply(status, envelope(request_id, code=code, message=message))


def response_of(reply: Reply) -> Response[str]:
    """The reply as a function's response."""
    from aws_lambda_powertools.event_handler import Response

    body = json.dumps(reply.body, separators=(",", ":"))
    return Response(status_code=reply.status, content_type=_JSON, body=body, headers=dict(reply.headers))


def base_url_of(app: APIGatewayHttpResolver, settings: Settings) -> str:
    """The URL of this API: the configured one, or the one that the client used."""
    return settings.public_url or f"https://{app.current_event.request_context.domain_name}"


def tenant_of(event: Mapping[str, Any]) -> str:
    """The tenant that the authorizer found; raises AuthenticationError with the authorizer's code when it found none.

    The authorizer lets every request pass and says whose it is, or why nobody's, since only a function can answer in the
    envelope. Raises UnavailableError when the authorizer itself failed.
    """
    context = event.get("requestContext", {}).get("authorizer", {}).get("lambda") or {}
    if tenant := context.get("tenant"):
        return str(tenant)
    code = int(context.get("code") or 1001)
    message = str(context.get("message") or "Authorization: expected `Bearer` and a key of this relay")
    raise UnavailableError(message) if code == INTERNAL else AuthenticationError(message, code)


def limit_of(event: Mapping[str, Any]) -> SubmissionLimit | None:
    """What the key behind a request may do, as the authorizer says; None: everything."""
    from relay.domain.keys import SubmissionLimit

    context = event.get("requestContext", {}).get("authorizer", {}).get("lambda") or {}
    per_minute = int(context.get("submits_per_minute") or 0)
    account = context.get("account") != "false"
    return SubmissionLimit(str(context["key"]), per_minute, account) if per_minute or not account else None


def header_of(event: Mapping[str, Any], name: str, default: str = "") -> str:
    """A header by its name in lower case. API Gateway lowers the names, `sam local` does not."""
    headers: Mapping[str, str] = event.get("headers") or {}
    return next((value for given, value in headers.items() if given.lower() == name), default)


def body_of(event: Mapping[str, Any]) -> bytes:
    """The request body as it came."""
    body = event.get("body") or ""
    return base64.b64decode(body) if event.get("isBase64Encoded") else body.encode("utf-8", "surrogatepass")


def json_object(event: Mapping[str, Any]) -> dict[str, Any]:
    """The body as a JSON object; raises a ClientError that says what it is instead."""
    kind = header_of(event, "content-type", _JSON).partition(";")[0].strip().lower()
    if kind != _JSON:
        raise ClientError(f"Content-Type: expected application/json; got {kind[:80]}")
    body = body_of(event)
    limit = BINARY_LIMIT if event.get("isBase64Encoded") else REQUEST_LIMIT
    if len(body) > limit:
        raise RequestTooLargeError(
            f"the body has {len(body)} bytes, expected at most {limit}: upload large files with POST /uploads"
        )
    if not body.strip():
        raise ClientError("the body is empty: expected a JSON object")
    # Each value follows one of these, or is the whole body. Those inside of texts are counted too: it must be cheap.
    if sum(map(body.count, (b",", b"[", b"{"))) > VALUES_LIMIT:
        raise RequestTooLargeError(f"the body has too many values: expected at most {VALUES_LIMIT} commas and brackets")
    from relay.domain.text import NESTING_LIMIT, nests_too_deeply  # callbacks do not need it

    too_deep = f"the body nests too deeply: expected at most {NESTING_LIMIT} levels"
    try:
        document = json.loads(body.decode())
    except UnicodeDecodeError:
        raise ClientError("the body is not UTF-8") from None
    except ValueError:
        raise ClientError("the body is not JSON") from None
    except RecursionError:
        raise ClientError(too_deep) from None
    if not isinstance(document, dict):
        raise ClientError("the body is not a JSON object")
    if nests_too_deeply(document):
        raise ClientError(too_deep)
    _check_texts(document, body)
    return document


def _check_texts(document: dict[str, Any], body: bytes) -> None:
    # Escapes, and the first bytes of U+FFFE and U+FFFF: few bodies have them, and only those are searched.
    if not (b"\\u" in body or b"\xef\xbf" in body):
        return
    from relay.domain.text import is_fit

    if not is_fit(document):
        raise ClientError("the body has a text with half of a surrogate pair, U+FFFE or U+FFFF: expected Unicode characters")
