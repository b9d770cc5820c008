"""Tests and redelivers webhooks, and rotates the secrets that sign them, for `relay webhooks`."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING

from relay.adapters.aws import client
from relay.adapters.dynamodb.tasks import DynamoTaskStore
from relay.adapters.http.bounded import BoundedTransport
from relay.adapters.http.guard import Guard, GuardedTransport
from relay.adapters.http.webhooks import HttpWebhookSender
from relay.adapters.secrets.cached import Secrets
from relay.adapters.secrets.webhook_secrets import WebhookSecrets
from relay.adapters.sqs import SqsWebhooks
from relay.bootstrap import now
from relay.domain.task import Status
from relay.domain.webhook import Answer, Delivery, Endpoint, origin_id, url_id
from relay_cli.operator.webhook_state import WebhookOperations

if TYPE_CHECKING:
    from collections.abc import Mapping

_TIMEOUT = 15  # seconds


class NotDeliverableError(Exception):
    """The webhook of a task cannot be sent. `message` is the reason, `advice` the next step."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice


def secrets_of(tenant: str, outputs: Mapping[str, str]) -> list[str]:
    """Return the valid `whsec_…` secrets of a tenant, newest first."""
    return _secrets(outputs).of(tenant, at=now())


def rotate_secret(tenant: str, outputs: Mapping[str, str]) -> str:
    """Create a new secret for a tenant and return it.

    The relay signs with it after at most SecretCacheSeconds. For seven days, it also signs with the old secret.
    """
    _webhooks(outputs).rotate_secret(tenant, at=now())
    return secrets_of(tenant, outputs)[0]


def send_test(tenant: str, url: str, outputs: Mapping[str, str], *, allow_loopback: bool = False) -> Answer:
    """Send one signed webhook from this machine. Its task does not exist.

    If the URL returns HTTP 2xx, the relay no longer treats it as gone. `allow_loopback` permits URLs of this machine.
    """
    transport = GuardedTransport(Guard(allow_loopback=allow_loopback), BoundedTransport())
    sender = HttpWebhookSender(transport, _secrets(outputs), timeout=_TIMEOUT, now=now)
    task_id, at = uuid.uuid4().hex, now()
    body = {"task_id": task_id, "task_status": "succeed", "task_status_msg": "a test of your callback_url", "task_info": {},
            "task_result": {}, "created_at": at, "updated_at": at}  # fmt: skip
    answer = sender.post(url, json.dumps(body).encode(), tenant=tenant, event_id=f"{task_id}:test")
    if answer.is_success:
        for identity in (url_id(tenant, url), origin_id(tenant, url)):
            _webhooks(outputs).keep_endpoint(identity, Endpoint(), lane=None, now=now())
    return answer


def redeliver(task_id: str, outputs: Mapping[str, str]) -> str:
    """Queue the webhook for a task's latest status, even if it was already delivered. Return the event id.

    Raises NotDeliverableError if the task is not stored, has no callback_url, or its files are still being stored.
    """
    task = DynamoTaskStore(client("dynamodb"), outputs["TasksTable"]).get(task_id)
    if task is None:
        raise NotDeliverableError(f"task {task_id} is not stored", "use the relay's task id")
    if task.callback_url is None:
        raise NotDeliverableError(
            f"task {task_id} has no callback_url", "only tasks submitted with a callback_url have a webhook"
        )
    if task.status is Status.SUCCEED and task.archive is None:
        raise NotDeliverableError(f"the files of task {task_id} are still being stored", "wait: the webhook is sent after that")
    _webhooks(outputs).reopen(task_id)
    delivery = Delivery.of_task(task)
    queue = SqsWebhooks(client("sqs"), retries_url=outputs["WebhookRetriesUrl"], dead_letters_url="")
    queue.put(delivery, now=now())
    return delivery.event_id


def _webhooks(outputs: Mapping[str, str]) -> WebhookOperations:
    return WebhookOperations(client("dynamodb"), outputs["WebhookStateTable"])


def _secrets(outputs: Mapping[str, str]) -> WebhookSecrets:
    generation_of = _webhooks(outputs).secret_generation
    return WebhookSecrets(Secrets(client("secretsmanager"), 0), outputs["WebhookKeyId"], generation_of, ttl=0)
