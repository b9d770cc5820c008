"""Reprocesses a stored callback after a fix, for `relay replay KEY`.

KEY names an object in the bucket: `quarantine/{task_id}/…` or `results/{task_id}/callback.json`.
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from typing import TYPE_CHECKING, Any

from relay.adapters.aws import client
from relay.adapters.dynamodb.tasks import DynamoTaskStore
from relay.adapters.s3.documents import S3DocumentStore
from relay.adapters.secrets.cached import Secrets
from relay.adapters.secrets.callback_tokens import HmacCallbackTokens

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_KEY = re.compile(r"quarantine/(?P<quarantined>[^/]+)/[^/]+|results/(?P<succeeded>[^/]+)/callback\.json")
_SECRET_TTL = 300  # seconds


class NotReplayableError(Exception):
    """The key is not the key of a callback, or its task is no longer stored."""


def replay(key: str, outputs: Mapping[str, str], invoke: Callable[[str, Mapping[str, Any]], Any]) -> str:
    """Invoke ReceiveCallback with the stored body and a valid token. Return `applied`, `stale` or `quarantined`.

    `outputs` are the stack's outputs; `invoke` calls a function by its logical id. Raises NotReplayableError, and RuntimeError
    if the function failed.
    """
    match = _KEY.fullmatch(key)
    if match is None:
        raise NotReplayableError("expected quarantine/{task_id}/… or results/{task_id}/callback.json")
    task_id = match["quarantined"] or match["succeeded"]
    task = DynamoTaskStore(client("dynamodb"), outputs["TasksTable"]).get(task_id)
    if task is None:
        raise NotReplayableError(f"task {task_id} is no longer stored, so its callback would be quarantined again")
    body = S3DocumentStore(client("s3"), outputs["ResultsBucket"]).get_request(key)
    tokens = HmacCallbackTokens(Secrets(client("secretsmanager"), _SECRET_TTL), outputs["CallbackKeyId"])
    _, _, token = tokens.path(task_id, task.provider).partition("/")
    answer = invoke("ReceiveCallback", _payload(task_id, token, body))
    if answer["statusCode"] != 200:
        raise RuntimeError(f"ReceiveCallback returned HTTP {answer['statusCode']}")
    return str(json.loads(answer["body"])["data"]["status"])


def _payload(task_id: str, token: str, body: bytes) -> dict[str, Any]:
    """Return the fields of API Gateway's event (payload format 2.0) that the function reads."""
    return {
        "version": "2.0",
        "routeKey": "POST /callbacks/{task_id}/{token}",
        "headers": {"content-type": "application/json"},
        "requestContext": {"requestId": f"replay-{uuid.uuid4().hex}", "http": {"method": "POST"}},
        "pathParameters": {"task_id": task_id, "token": token},
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }
