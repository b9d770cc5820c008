"""The relay's own paths: uploads, tasks, health, and where the provider reports to."""

import json
from typing import Final

from local.docs.openapi.answers import Json, body, ref, refused, succeeded
from local.stack import ROOT
from relay.domain.task import Status
from relay.providers.kling.translator import Kling

_CALLBACK = ROOT / "tests" / "fixtures" / "kling" / "callback_succeed.json"
TAGS: Final = [
    {"name": "uploads", "description": "Files for requests"},
    {"name": "tasks", "description": "Tasks as the relay sees them"},
    {"name": "callbacks", "description": "Where the provider reports to; not for clients"},
]


def paths() -> Json:
    """Every path outside of the provider's."""
    return {
        "/uploads": {"post": _upload()},
        "/tasks": {"get": _list()},
        "/tasks/{task_id}": {"get": _get()},
        "/health": {"get": _health()},
        "/callbacks/{task_id}/{token}": {"post": _callback()},
    }


def _upload() -> Json:
    return {
        "operationId": "create_upload",
        "tags": ["uploads"],
        "summary": "A place for one file, and the reference that stands for it in requests",
        "requestBody": body(ref("schemas", "UploadRequest"), {"image": {"media_type": "image/png", "bytes": 123456}}),
        "responses": {"200": succeeded("Where to PUT the file", ref("schemas", "Upload"))} | refused("400", "413"),
    }


def _list() -> Json:
    limits = {"type": "integer", "minimum": 1, "maximum": 100, "default": 30}
    return {
        "operationId": "list_tasks",
        "tags": ["tasks"],
        "summary": "The tenant's tasks, newest first",
        "parameters": [
            {"name": "status", "in": "query", "schema": {"enum": list(Status)}},
            {"name": "operation", "in": "query", "schema": {"enum": list(Kling.operations)}},
            {"name": "limit", "in": "query", "schema": limits},
            {
                "name": "cursor",
                "in": "query",
                "description": "That of the page before",
                "schema": {"type": "string", "pattern": "^[0-9]{13}#[A-Za-z0-9_.-]{1,64}$"},
            },
        ],
        "responses": {"200": succeeded("A page; `cursor` is null at the end", ref("schemas", "TaskPage"))} | refused("400"),
    }


def _get() -> Json:
    parameter = {"name": "task_id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    return {
        "operationId": "get_task",
        "tags": ["tasks"],
        "summary": "One task",
        "parameters": [parameter],
        "responses": {"200": succeeded("The task", ref("schemas", "Task"))} | refused("404"),
    }


def _health() -> Json:
    status = {"type": "object", "required": ["status"], "properties": {"status": {"const": "ok"}}}
    return {
        "operationId": "health",
        "tags": ["tasks"],
        "summary": "Whether the API answers; needs no key",
        "security": [],
        "responses": {"200": succeeded("It does", status)} | _without_key(),
    }


def _callback() -> Json:
    names = {"task_id": "The relay's id", "token": "The provider and an HMAC: part of the URL that the relay gave to it"}
    done = {
        "type": "object",
        "required": ["status"],
        "properties": {"status": {"type": "string", "description": "What came of it: applied, stale, quarantined, …"}},
    }
    return {
        "operationId": "receive_callback",
        "tags": ["callbacks"],
        "summary": "The provider reports on a task: the callback protocol",
        "security": [],
        "parameters": [
            {"name": name, "in": "path", "required": True, "description": text, "schema": {"type": "string", "minLength": 1}}
            for name, text in names.items()
        ],
        "requestBody": body(ref("schemas", "CallbackTask"), {"succeed": json.loads(_CALLBACK.read_text())}),
        "responses": {"200": succeeded("Kept, applied or not: there is no use in a repetition", done)}
        | _without_key()
        | {"404": ref("responses", "NotFound")},
    }


def _without_key() -> Json:
    return {status: answer for status, answer in refused().items() if status != "401"}
