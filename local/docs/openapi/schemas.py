"""The schemas of requests, from pydantic's models, and of responses."""

from enum import StrEnum
from typing import Any, Final

from pydantic.json_schema import models_json_schema

from local.docs.openapi.answers import Json, ref
from relay.domain.errors import Meaning
from relay.domain.task import Archive, FailureCode, Status
from relay.domain.uploads import LIMITS, MEDIA_TYPES
from relay.providers.kling.requests.body import KlingBody

_TIME: Final = {"type": "integer", "minimum": 0, "description": "Unix time in ms"}
_TEXT: Final = {"type": "string"}
_MAYBE_TEXT: Final = {"type": ["string", "null"]}
_BLANK: Final = r"\s\u001c-\u001f\u0085"  # what Python treats as white space; \s of other engines matches less
_MODULES = "relay__providers__kling__requests__"


def components(models: list[type[KlingBody]]) -> Json:
    """Every schema by its name."""
    return {**_requests(models), **_ANSWERS, "UploadRequest": _upload_request()}


def _requests(models: list[type[KlingBody]]) -> Json:
    _, described = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/components/schemas/{model}", by_alias=True
    )
    return {_named(name): _adapted(schema) for name, schema in described["$defs"].items()}


def _named(name: str) -> str:
    """A shorter name. Pydantic adds the full module path if two models have the same name."""
    return name.replace(_MODULES, "").replace("__", ".")


def _adapted(schema: Any) -> Any:
    """Add what pydantic cannot know: null and blank text mean absent, and a required text is not blank. Remove titles."""
    if isinstance(schema, list):
        return [_adapted(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if schema == {"type": "null"}:
        return ref("schemas", "Absent")
    adapted = {name: _adapted(value) for name, value in schema.items() if not _is_noise(name, value)}
    if "$ref" in adapted:
        adapted["$ref"] = _named(adapted["$ref"])
    if "properties" in adapted:
        adapted["properties"] = {name: _adapted(value) for name, value in schema["properties"].items()}
        for name in adapted.get("required", ()):
            if adapted["properties"][name].get("type") == "string":
                adapted["properties"][name] = {"pattern": f"[^{_BLANK}]", **adapted["properties"][name]}
    return adapted


def _is_noise(name: str, value: Any) -> bool:
    return (name == "title" and isinstance(value, str)) or (name == "default" and value is None)


def _object(required: Json, optional: Json | None = None, **more: Any) -> Json:
    return {"type": "object", "required": list(required), "properties": {**required, **(optional or {})}, **more}


def _open(known: type[StrEnum]) -> Json:
    return {"type": "string", "description": f"{', '.join(known)}; there will be others"}


def _upload_request() -> Json:
    """The schema of an upload request. The largest size depends on the kind of file."""
    kinds = [
        {
            "properties": {
                "media_type": {"enum": [media_type for media_type in MEDIA_TYPES if media_type.startswith(f"{kind}/")]},
                "bytes": {"type": "integer", "minimum": 1, "maximum": limit},
            }
        }
        for kind, limit in LIMITS.items()
    ]
    required = {"media_type": {"enum": list(MEDIA_TYPES)}, "bytes": {"type": "integer", "minimum": 1}}
    sha256 = {"type": ["string", "null"], "pattern": "^[0-9a-f]{64}$", "description": "In hex. The bucket checks it."}
    return _object(required, {"sha256": sha256}, additionalProperties=False, oneOf=kinds)


_STATUS: Final = {"enum": list(Status)}
_KLING_TASK: Final = {
    "task_id": {"type": "string", "description": "The relay's id"},
    "task_status": _STATUS,
    "task_status_msg": {"type": "string", "description": "On failure, the reason"},
    "created_at": _TIME,
    "updated_at": _TIME,
}
_RESULT_FIELDS: Final = {
    "images": {"index": {"type": "integer"}, "url": _TEXT},
    "videos": {"id": _TEXT, "url": _TEXT, "duration": {"type": "string", "description": "Seconds"}},
    "audios": {"id": _TEXT, "url_mp3": _TEXT, "url_wav": _TEXT, "duration_mp3": _TEXT, "duration_wav": _TEXT},
}
_TASK_RESULT: Final = {
    "type": "object",
    "description": "Only if the task succeeded. The URLs are the provider's until the files are stored, then presigned URLs.",
    "properties": {
        name: {"type": "array", "items": {"type": "object", "properties": fields}} for name, fields in _RESULT_FIELDS.items()
    },
}
_ANSWERS: Final[Json] = {
    "Absent": {
        "description": "Null or blank text: the field is treated as absent",
        "anyOf": [{"type": "null"}, {"type": "string", "pattern": f"^[{_BLANK}]*$"}],
    },
    "Error": _object({"code": {"type": "integer", "description": "Kling's error code"}, "message": _TEXT, "request_id": _TEXT}),
    "GatewayError": _object({"message": _TEXT}, description="A response of API Gateway itself, before any function ran"),
    "KlingTask": _object(
        {**_KLING_TASK, "task_info": {"type": "object", "properties": {"external_task_id": _TEXT}}},
        {"task_result": _TASK_RESULT},
        description="A task as Kling shows it",
    ),
    "CallbackTask": {
        "type": "object",
        "description": "The body of a callback or a webhook. The provider may add fields.",
        "properties": {**_KLING_TASK, "task_info": {"type": "object"}, "task_result": _TASK_RESULT},
    },
    "Result": _object(
        {"kind": {"type": "string", "description": "image, video, audio, text or file; there will be others"}, "url": _TEXT},
        {
            "index": {"type": "integer"},
            **dict.fromkeys(("id", "duration", "bucket", "key", "sha256", "media_type", "error"), _TEXT),
            "bytes": {"type": "integer"},
        },
    ),
    "Task": _object(
        {
            **dict.fromkeys(("task_id", "provider", "operation"), _TEXT),
            **dict.fromkeys(("provider_task_id", "external_task_id"), _MAYBE_TEXT),
            "status": _STATUS,
            "status_message": _TEXT,
            "reason": {"anyOf": [{"type": "null"}, ref("schemas", "Reason")]},
            "version": {"type": "integer", "minimum": 1},
            "attempts": {"type": "integer", "minimum": 1},
            "failure": {
                "anyOf": [{"type": "null"}, _object({"code": _open(FailureCode), "message": _TEXT})],
            },
            "archive": {"enum": [*Archive, None]},
            "results": {"type": "array", "items": ref("schemas", "Result")},
            **dict.fromkeys(("created_at", "updated_at", "deadline_at"), _TIME),
        },
        {"webhook": {"anyOf": [{"type": "null"}, ref("schemas", "Webhook")]}},
        description="A task as the relay sees it",
    ),
    "Reason": _object(
        {
            "meaning": _open(Meaning),
            "message": _TEXT,
            **{name: {"type": ["integer", "null"]} for name in ("provider_code", "http_status")},
            "at": _TIME,
        },
        description="Why a task waits, or waited until it was given up",
    ),
    "Webhook": _object(
        {
            "state": {"type": ["string", "null"], "description": "The state of the last webhook"},
            "version": {"type": ["integer", "null"]},
            "next_attempt_at": {"type": ["integer", "null"], "description": "Unix time in ms"},
            "attempts": {"type": "array", "items": ref("schemas", "WebhookAttempt")},
        },
        description="The webhooks sent to the task's callback_url. Only in the response for a single task.",
    ),
    "WebhookAttempt": _object(
        {
            "at": _TIME,
            "event_id": _TEXT,
            "status": _STATUS,
            "http_status": {"type": ["integer", "null"]},
            "error": _MAYBE_TEXT,
            "duration_ms": {"type": "integer"},
        }
    ),
    "TaskPage": _object({"tasks": {"type": "array", "items": ref("schemas", "Task")}, "cursor": _MAYBE_TEXT}),
    "Upload": _object(
        {
            "reference": {"type": "string", "pattern": r"^relay://uploads/[0-9a-f]{32}\.[a-z0-9]+$"},
            "valid_until": _TIME,
            "put": _object(
                {
                    "method": {"const": "PUT"},
                    "url": _TEXT,
                    "headers": {"type": "object", "additionalProperties": _TEXT},
                    "expires_at": _TIME,
                },
                description="The request with which to upload the file. Send exactly these headers.",
            ),
        }
    ),
}
