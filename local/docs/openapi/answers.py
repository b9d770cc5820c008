"""The parameters, headers, responses and webhooks that several operations share."""

from typing import Any, Final

from relay.usecases.submit import DEADLINE_FIELD

_JSON = "application/json"
type Json = dict[str, Any]


def ref(kind: str, name: str) -> Json:
    """A reference to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}


def succeeded(description: str, data: Json, **more: Any) -> Json:
    """A response 200 with `data` in the envelope."""
    schema = {
        "type": "object",
        "required": ["code", "message", "request_id", "data"],
        "properties": {
            "code": {"const": 0},
            "message": {"type": "string", "description": "SUCCEED, and warnings about the request"},
            "request_id": {"type": "string"},
            "data": data,
        },
    }
    return {"description": description, "content": {_JSON: {"schema": schema}}, **more}


def body(schema: Json, examples: Json | None = None) -> Json:
    """A request body in JSON."""
    content = {"schema": schema} | ({"examples": {name: {"value": each} for name, each in examples.items()}} if examples else {})
    return {"required": True, "content": {_JSON: content}}


def refused(*statuses: str) -> Json:
    """The error responses by status. Every route has those of API Gateway and of the authorizer."""
    return {status: ref("responses", _NAMES[status]) for status in sorted({*statuses, "401", "429", "500"})}


_NAMES: Final = {
    "400": "InvalidRequest",
    "401": "Unauthenticated",
    "404": "NotFound",
    "413": "TooLarge",
    "422": "KeyReused",
    "429": "TooManyRequests",
    "500": "Failed",
    "502": "RelayRefused",
    "503": "ProviderBusy",
    "504": "OutcomeUnknown",
    "4XX": "Refused",
    "5XX": "ProviderFailed",
}
_MEANINGS: Final = {
    "InvalidRequest": "1200: the body is not a JSON object. 1201: the message names the wrong field and what was expected.",
    "Unauthenticated": "1000 to 1004: the key is missing or unknown, or the token is not valid",
    "NotFound": "1202: the path or operation does not exist. 1203: the tenant has no such task.",
    "TooLarge": "1200: the body is larger than 5 MiB. Upload its files instead.",
    "KeyReused": "1201: the Idempotency-Key was used before with another body",
    "TooManyRequests": "The relay's limit, or the provider's on a synchronous operation: try again later.",
    "Failed": "5000: the relay failed. Send the request again with the same Idempotency-Key.",
    "RelayRefused": "5000: version 0.2.0 stored the task as refused because of the relay's own key: send the request again",
    "ProviderBusy": "5001: the request was not sent to the provider. Try again.",
    "OutcomeUnknown": "5002: the provider's response was lost. The request may have been executed and billed.",
    "Refused": "The provider's own refusal, with its code and message",
    "ProviderFailed": "The provider failed. Its code and message are returned.",
}
_BY_GATEWAY = {"TooManyRequests", "TooLarge"}


def responses() -> Json:
    """Every error response by its name."""
    return {name: _error(name) for name in _NAMES.values()}


def _error(name: str) -> Json:
    schema = ref("schemas", "Error")
    if name in _BY_GATEWAY:  # API Gateway may respond itself, in its own format
        schema = {"anyOf": [schema, ref("schemas", "GatewayError")]}
    response: Json = {"description": _MEANINGS[name], "content": {_JSON: {"schema": schema}}}
    if name in {"TooManyRequests", "ProviderBusy"}:
        response["headers"] = {"Retry-After": ref("headers", "RetryAfter")}
    return response


HEADERS: Final[Json] = {
    "RetryAfter": {"description": "Seconds to wait, if known", "schema": {"type": "integer", "minimum": 0}},
}
PARAMETERS: Final[Json] = {
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "A repeated request with the same key gets the task of the first request",
        "schema": {"type": "string", "pattern": "^[!-~]([ -~]{0,253}[!-~])?$"},
        "example": "order-1742",
    },
    "DeadlineSeconds": {
        "name": "X-Relay-Deadline-Seconds",
        "in": "header",
        "description": f"Seconds until the task ends, at most `TaskDeadlineSeconds`. Wins over `{DEADLINE_FIELD}` in the body",
        "schema": {"type": "integer", "minimum": 60, "maximum": 86400},
    },
}
CALLBACKS: Final[Json] = {
    "taskChanged": {
        "{$request.body#/callback_url}": {
            "post": {
                "summary": "The relay sends a webhook",
                "description": "Sent on each change of status, signed according to Standard Webhooks. Any 2xx means received.",
                "security": [],
                "parameters": [
                    {"name": name, "in": "header", "required": True, "description": text, "schema": {"type": "string"}}
                    for name, text in (
                        ("webhook-id", "The event's id: the same for each attempt"),
                        ("webhook-timestamp", "Unix time in s"),
                        (
                            "webhook-signature",
                            "`v1,` and the HMAC-SHA256 of id, timestamp and body in base64. Two while a secret is rotated.",
                        ),
                    )
                ],
                "requestBody": body(ref("schemas", "CallbackTask")),
                "responses": {"2XX": {"description": "Received"}, "410": {"description": "Send no more webhooks to this URL"}},
            }
        }
    }
}
