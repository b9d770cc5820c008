"""Kling's operations, from its tables: create, query and list, and the synchronous operations."""

import json
from typing import Any, Final

from local.docs.openapi.answers import Json, body, ref, refused, succeeded
from local.stack import ROOT
from relay.providers.base import LAST_PAGE, LONGEST_PAGE, Operation, SynchronousOperation
from relay.providers.kling.requests.body import KlingBody, model_of
from relay.providers.kling.translator import PREFIX, Kling

_BODIES = ROOT / "tests" / "fixtures" / "kling" / "requests"
_PROVIDERS_OWN = ("400", "404", "413", "422", "502", "4XX", "5XX")
TAGS: Final = [
    {"name": "images", "description": "Kling: images"},
    {"name": "videos", "description": "Kling: videos"},
    {"name": "audio", "description": "Kling: sounds"},
    {"name": "account", "description": "Kling: the account at the provider"},
    {"name": "others", "description": "Operations of the provider that the relay does not know"},
]
_PAGES = [
    {"name": "pageNum", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": LAST_PAGE, "default": 1}},
    {"name": "pageSize", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": LONGEST_PAGE, "default": 30}},
]


def models() -> list[type[KlingBody]]:
    """All request models, including the untyped one."""
    typed = [operation.model for operation in Kling.operations.values()]
    typed += [operation.model for operation in Kling.synchronous.values() if operation.model]
    return [model_of(name) for name in dict.fromkeys(["", *typed])]


def paths() -> Json:
    """Every path of Kling's operations."""
    found: Json = {}
    for operation in Kling.operations.values():
        found[PREFIX + operation.name] = {"post": _create(operation), "get": _list(operation)}
        found[f"{PREFIX}{operation.name}/{{id}}"] = {"get": _query(operation)}
    for synchronous in Kling.synchronous.values():
        path = PREFIX + synchronous.name if synchronous.method == "POST" else f"/{synchronous.name}"
        found.setdefault(path, {})[synchronous.method.lower()] = _forward(synchronous)
    return found | _untyped()


def _create(operation: Operation) -> Json:
    slug, model = _slug(operation.name), model_of(operation.model)
    links = {
        "task": {"operationId": f"get_{slug}", "parameters": {"id": "$response.body#/data/task_id"}},
        "ownTask": {"operationId": "get_task", "parameters": {"task_id": "$response.body#/data/task_id"}},
    }
    sizes = {size: _BODIES / f"{operation.name.replace('/', '_')}.{size}.json" for size in ("smallest", "fullest")}
    return {
        "operationId": f"create_{slug}",
        "tags": [operation.name.partition("/")[0]],
        "summary": f"Create a task of {operation.name}",
        "parameters": [ref("parameters", "IdempotencyKey"), ref("parameters", "DeadlineSeconds")],
        "requestBody": body(ref("schemas", model.__name__), {name: json.loads(path.read_text()) for name, path in sizes.items()}),
        "responses": {"200": succeeded("The task, submitted or queued", ref("schemas", "KlingTask"), links=links)}
        | refused(*_PROVIDERS_OWN),
        "callbacks": {"taskChanged": ref("callbacks", "taskChanged")},
    }


def _list(operation: Operation) -> Json:
    return {
        "operationId": f"list_{_slug(operation.name)}",
        "tags": [operation.name.partition("/")[0]],
        "summary": f"The tenant's tasks of {operation.name}, newest first",
        "parameters": _PAGES,
        "responses": {"200": succeeded("A page", {"type": "array", "items": ref("schemas", "KlingTask")})} | refused("400"),
    }


def _query(operation: Operation) -> Json:
    return {
        "operationId": f"get_{_slug(operation.name)}",
        "tags": [operation.name.partition("/")[0]],
        "summary": f"One task of {operation.name}",
        "parameters": [_path("id", "Its `task_id` or `external_task_id`")],
        "responses": {"200": succeeded("The task", ref("schemas", "KlingTask"))} | refused("404"),
    }


def _forward(operation: SynchronousOperation) -> Json:
    described: Json = {
        "operationId": _slug(operation.name),
        "tags": [operation.name.partition("/")[0]],
        "summary": f"{operation.name}, a synchronous operation",
    }
    if operation.method == "GET":
        names = ("start_time", "end_time")
        described["parameters"] = [
            {
                "name": name,
                "in": "query",
                "required": True,
                "description": "Unix time in ms",
                "schema": {"type": "integer", "minimum": 0},
            }
            for name in names
        ]
    else:
        example = json.loads((_BODIES / "synchronous" / f"{operation.name.replace('/', '_')}.json").read_text())
        described["requestBody"] = body(ref("schemas", model_of(operation.model).__name__), {"example": example})
    answer = {
        "description": "The provider's response, unchanged",
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
    return described | {"responses": {"200": answer} | refused(*_PROVIDERS_OWN, "503", "504")}


def _untyped() -> Json:
    """The path of an operation that the relay does not know. The relay forwards it, and the provider's response may be a task."""
    segment: dict[str, Any] = {"type": "string", "pattern": "^[a-z0-9][a-z0-9._-]{0,63}$"}
    parameters = [
        {"name": "category", "in": "path", "required": True, "schema": {"enum": ["images", "videos", "audio", "general"]}},
        {"name": "operation", "in": "path", "required": True, "schema": segment},
    ]
    create = {
        "operationId": "create_other",
        "tags": ["others"],
        "summary": "Create a task of an operation that the relay does not know",
        "parameters": [*parameters, ref("parameters", "IdempotencyKey"), ref("parameters", "DeadlineSeconds")],
        "requestBody": body(ref("schemas", "UntypedRequest"), {"example": {"prompt": "A ginger cat"}}),
        "responses": {"200": {"description": "The task, or the provider's response", "content": _ANYTHING}}
        | refused(*_PROVIDERS_OWN),
    }
    return {f"{PREFIX}{{category}}/{{operation}}": {"post": create}}


_ANYTHING: Final = {"application/json": {"schema": {"type": "object"}}}


def _path(name: str, description: str) -> Json:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": {"type": "string", "minLength": 1},
    }


def _slug(name: str) -> str:
    return name.replace("/", "_").replace("-", "_")
