"""What requests and answers share: parameters, headers, responses, and the calls that the relay itself makes to a client."""

from typing import Any, Final

_JSON = "application/json"
type Json = dict[str, Any]


def ref(kind: str, name: str) -> Json:
    """A reference to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}


def succeeded(description: str, data: Json, **more: Any) -> Json:
    """200 with `data` in the envelope."""
    schema = {
        "type": "object",
        "required": ["code", "message", "request_id", "data"],
        "properties": {
            "code": {"const": 0},
            "message": {"type": "string", "description": "SUCCEED, and what is doubtful about the request"},
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
    """The answers that are errors, by status; every route has those of API Gateway and of the authorizer."""
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
    "InvalidRequest": "1200: no JSON object; 1201: the message names the wrong field and what was expected",
    "Unauthenticated": "1000 to 1004: no key, an unknown one, or a token that is not valid",
    "NotFound": "1202: no such path or operation; 1203: no such task of this tenant",
    "TooLarge": "1200: the body is larger than 5 MiB: upload its files",
    "KeyReused": "1201: the Idempotency-Key came before with another body",
    "TooManyRequests": "The throttle, or the provider's own: 1100 to 1102 and 1304 are final",
    "Failed": "5000: the relay failed: send again with the same Idempotency-Key",
    "RelayRefused": "5000: the provider refused the relay's own key",
    "ProviderBusy": "5001: nothing was sent: try again",
    "OutcomeUnknown": "5002: the provider may have done it, and charged it",
    "Refused": "The provider's own refusal, with its code and message",
    "ProviderFailed": "The provider's own failure",
}
_BY_GATEWAY = {"TooManyRequests", "TooLarge"}


def responses() -> Json:
    """Every error by its name."""
    return {name: _error(name) for name in _NAMES.values()}


def _error(name: str) -> Json:
    schema = ref("schemas", "Error")
    if name in _BY_GATEWAY:  # API Gateway may answer first, in its own shape
        schema = {"anyOf": [schema, ref("schemas", "GatewayError")]}
    response: Json = {"description": _MEANINGS[name], "content": {_JSON: {"schema": schema}}}
    if name in {"TooManyRequests", "ProviderBusy"}:
        response["headers"] = {"Retry-After": ref("headers", "RetryAfter")}
    return response


HEADERS: Final[Json] = {
    "RetryAfter": {"description": "Seconds to wait, where that is known", "schema": {"type": "integer", "minimum": 0}},
}
PARAMETERS: Final[Json] = {
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "A repeated request with the same key is answered with the first one's task",
        "schema": {"type": "string", "pattern": "^[!-~]([ -~]{0,253}[!-~])?$"},
        "example": "order-1742",
    },
}
CALLBACKS: Final[Json] = {
    "taskChanged": {
        "{$request.body#/callback_url}": {
            "post": {
                "summary": "The relay reports on a task",
                "description": "On each change of status, signed as Standard Webhooks say; any 2xx is taken for received.",
                "security": [],
                "parameters": [
                    {"name": name, "in": "header", "required": True, "description": text, "schema": {"type": "string"}}
                    for name, text in (
                        ("webhook-id", "The event's id: the same for each attempt"),
                        ("webhook-timestamp", "Unix time in s"),
                        (
                            "webhook-signature",
                            "`v1,` and the HMAC-SHA256 of id, timestamp and body in base64; two while rotating",
                        ),
                    )
                ],
                "requestBody": body(ref("schemas", "CallbackTask")),
                "responses": {"2XX": {"description": "Received"}, "410": {"description": "Do not call this URL again"}},
            }
        }
    }
}
