"""The relay's own paths: uploads, tasks, health, and the provider's callbacks."""

import json
from typing import Final

from local.docs.openapi.answers import Json, body, ref, refused, succeeded
from local.stack import ROOT
from relay.domain.task import Status
from relay.providers.kling.translator import Kling
from relay.providers.registry import PROVIDERS

_CALLBACK = ROOT / "tests" / "fixtures" / "kling" / "callback_succeed.json"
_TASK_ID: Final = {"name": "task_id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
TAGS: Final = [
    {"name": "uploads", "description": "Files for requests"},
    {"name": "tasks", "description": "Tasks as the relay sees them"},
    {"name": "callbacks", "description": "For the provider, not for clients"},
]


def paths() -> Json:
    """Every path that is not Kling's."""
    return {
        "/uploads": {"post": _upload()},
        "/tasks": {"get": _list()},
        "/tasks/{task_id}": {"get": _get(), "delete": _cancel()},
        "/health": {"get": _health()},
        "/callbacks/{task_id}/{token}": {"post": _callback()},
    }


def _upload() -> Json:
    return {
        "operationId": "create_upload",
        "tags": ["uploads"],
        "summary": "Get a presigned URL to upload a file, and a reference to use in requests",
        "requestBody": body(ref("schemas", "UploadRequest"), {"image": {"media_type": "image/png", "bytes": 123456}}),
        "responses": {"200": succeeded("How to upload the file, and its reference", ref("schemas", "Upload"))}
        | refused("400", "413"),
    }


def _list() -> Json:
    limits = {"type": "integer", "minimum": 1, "maximum": 100, "default": 30}
    return {
        "operationId": "list_tasks",
        "tags": ["tasks"],
        "summary": "The tenant's tasks, newest first",
        "parameters": [
            {"name": "status", "in": "query", "schema": {"enum": list(Status)}},
            {"name": "provider", "in": "query", "schema": {"enum": list(PROVIDERS)}},
            {"name": "operation", "in": "query", "schema": {"enum": list(Kling.operations)}},
            {"name": "limit", "in": "query", "schema": limits},
            {
                "name": "cursor",
                "in": "query",
                "description": "The cursor of the previous page",
                "schema": {"type": "string", "pattern": "^[0-9]{13}#[A-Za-z0-9_.-]{1,64}$"},
            },
        ],
        "responses": {"200": succeeded("A page. `cursor` is null on the last page.", ref("schemas", "TaskPage"))}
        | refused("400"),
    }


def _get() -> Json:
    return {
        "operationId": "get_task",
        "tags": ["tasks"],
        "summary": "One task",
        "parameters": [_TASK_ID],
        "responses": {"200": succeeded("The task", ref("schemas", "Task"))} | refused("404"),
    }


def _cancel() -> Json:
    return {
        "operationId": "cancel_task",
        "tags": ["tasks"],
        "summary": "Cancel one task",
        "description": "The task ends as `failed`, code `cancelled`. A task that had ended stays as it is.",
        "parameters": [_TASK_ID],
        "responses": {"200": succeeded("The task afterwards", ref("schemas", "Task"))} | refused("404"),
    }


def _health() -> Json:
    status = {"type": "object", "required": ["status"], "properties": {"status": {"const": "ok"}}}
    return {
        "operationId": "health",
        "tags": ["tasks"],
        "summary": "Whether the API responds. Needs no key.",
        "security": [],
        "responses": {"200": succeeded("The API responds", status)} | _without_key(),
    }


def _callback() -> Json:
    names = {"task_id": "The relay's id", "token": "The provider's name and an HMAC, from the callback URL that the relay made"}
    done = {
        "type": "object",
        "required": ["status"],
        "properties": {"status": {"type": "string", "description": "The result: applied, stale, quarantined, …"}},
    }
    return {
        "operationId": "receive_callback",
        "tags": ["callbacks"],
        "summary": "Receive a callback of the provider",
        "security": [],
        "parameters": [
            {"name": name, "in": "path", "required": True, "description": text, "schema": {"type": "string", "minLength": 1}}
            for name, text in names.items()
        ],
        "requestBody": body(ref("schemas", "CallbackTask"), {"succeed": json.loads(_CALLBACK.read_text())}),
        "responses": {"200": succeeded("The callback was received. Do not repeat it.", done)}
        | _without_key()
        | {"404": ref("responses", "NotFound")},
    }


def _without_key() -> Json:
    return {status: answer for status, answer in refused().items() if status != "401"}
