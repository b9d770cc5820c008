"""`python -m relay.webhooks secret|rotate|test|redeliver … --stack NAME`: what an operator does about clients' callbacks.

secret: print a tenant's signing secrets, the newest first. rotate: make a new one; the old one stays good for seven days.
test: send a signed test delivery of a tenant to a URL, once, from here. redeliver: announce a task once more as it stands.
"""

import argparse
import json
import sys
import uuid
from collections.abc import Mapping

from relay.adapters.aws import client
from relay.adapters.dynamodb import DynamoTaskStore
from relay.adapters.guard import Guard, GuardedTransport
from relay.adapters.secrets import Secrets
from relay.adapters.sqs import SqsWebhooks
from relay.adapters.stack import Stack
from relay.adapters.webhook_http import BoundedTransport, HttpWebhookSender
from relay.adapters.webhook_secrets import WebhookSecrets
from relay.adapters.webhooks import DynamoWebhooks
from relay.bootstrap import now
from relay.domain.task import Status
from relay.domain.webhook import Answer, Delivery, Endpoint, endpoint_id

_TIMEOUT = 15


class NotDeliverableError(Exception):
    """The task cannot be announced: says why."""


def secrets_of(tenant: str, outputs: Mapping[str, str]) -> list[str]:
    """The `whsec_…` secrets of a tenant that are good now, the newest first."""
    return _secrets(outputs).of(tenant, at=now())


def rotate_secret(tenant: str, outputs: Mapping[str, str]) -> str:
    """A new secret for a tenant. Deliveries carry a signature by it within SecretCacheSeconds, and one by the old for 7 days."""
    _webhooks(outputs).rotate_secret(tenant, at=now())
    return secrets_of(tenant, outputs)[0]


def send_test(tenant: str, url: str, outputs: Mapping[str, str], *, allow_loopback: bool = False) -> Answer:
    """One signed request from this machine, with a task that does not exist; a URL that answers 2xx is gone no longer."""
    transport = GuardedTransport(Guard(allow_loopback=allow_loopback), BoundedTransport(_TIMEOUT))
    sender = HttpWebhookSender(transport, _secrets(outputs), timeout=_TIMEOUT, now=now)
    task_id, at = uuid.uuid4().hex, now()
    body = {"task_id": task_id, "task_status": "succeed", "task_status_msg": "a test of your callback_url", "task_info": {},
            "task_result": {}, "created_at": at, "updated_at": at}  # fmt: skip
    answer = sender.post(url, json.dumps(body).encode(), tenant=tenant, event_id=f"{task_id}:test")
    if answer.is_success:
        _webhooks(outputs).keep_endpoint(endpoint_id(tenant, url), Endpoint(), lane=None, now=now())
    return answer


def redeliver(task_id: str, outputs: Mapping[str, str]) -> str:
    """Queue the announcement of a task as it stands, whatever became of it before; returns the event's id.

    Raises NotDeliverableError for a task that is not stored, has no callback_url, or whose files are still being stored.
    """
    task = DynamoTaskStore(client("dynamodb"), outputs["TasksTable"]).get(task_id)
    if task is None:
        raise NotDeliverableError(f"the task {task_id} is not stored")
    if task.callback_url is None:
        raise NotDeliverableError(f"the task {task_id} has no callback_url")
    if task.status is Status.SUCCEED and task.archive is None:
        raise NotDeliverableError(f"the files of task {task_id} are still being stored: it is announced after that")
    _webhooks(outputs).reopen(task_id)
    delivery = Delivery.of_task(task)
    queue = SqsWebhooks(client("sqs"), retries_url=outputs["WebhookRetriesUrl"], dead_letters_url="")
    queue.put(delivery, now=now())
    return delivery.event_id


def _webhooks(outputs: Mapping[str, str]) -> DynamoWebhooks:
    return DynamoWebhooks(client("dynamodb"), outputs["WebhookStateTable"])


def _secrets(outputs: Mapping[str, str]) -> WebhookSecrets:
    generation_of = _webhooks(outputs).secret_generation
    return WebhookSecrets(Secrets(client("secretsmanager"), 0), outputs["WebhookKeyId"], generation_of, ttl=0)


def main(arguments: list[str] | None = None) -> int:
    """The command line; 1 when a test delivery was not taken."""
    options = _parser().parse_args(arguments)
    outputs = Stack(options.stack, client).outputs()
    code = 0
    match options.command:
        case "secret":
            lines = secrets_of(options.tenant, outputs)
        case "rotate":
            lines = [rotate_secret(options.tenant, outputs)]
        case "test":
            answer = send_test(options.tenant, options.url, outputs, allow_loopback=options.allow_loopback)
            lines, code = (
                [f"{answer.error or f'HTTP {answer.http_status}'} after {answer.took_ms} ms"],
                int(not answer.is_success),
            )
        case _:
            try:
                lines = [f"queued: {redeliver(options.task_id, outputs)}"]
            except NotDeliverableError as error:
                print(error, file=sys.stderr)  # noqa: T201
                return 1
    print("\n".join(lines))  # noqa: T201
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m relay.webhooks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("secret", "rotate", "test", "redeliver"):
        command = commands.add_parser(name)
        command.add_argument("--stack", required=True, help="the name of the CloudFormation stack")
        if name == "redeliver":
            command.add_argument("task_id")
        else:
            command.add_argument("--tenant", required=True)
        if name == "test":
            command.add_argument("url")
            command.add_argument("--allow-loopback", action="store_true", help="http on this machine too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
