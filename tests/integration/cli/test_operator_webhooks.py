"""Operator code for webhooks: secrets, test webhooks and redelivery."""

import pytest
from standardwebhooks.webhooks import Webhook

from relay_cli.operator import webhooks
from tests.support.moto_world import TENANT, MotoWorld

OUTPUTS = {"TasksTable": "tasks", "WebhookStateTable": "webhooks", "WebhookKeyId": "webhook-key"}


def url(world: MotoWorld) -> str:
    return f"{world.outside.url}/hooks/a?token=hush"


def submit(world: MotoWorld) -> str:
    """Submit a task with a callback_url; its first event is in the queue of webhooks."""
    task_id = world.submitted(callback_url=url(world))
    world.publish()
    return task_id


def test_after_a_rotation_webhooks_carry_signatures_by_both_secrets(world: MotoWorld) -> None:
    (old,) = webhooks.secrets_of(TENANT, OUTPUTS)
    new = webhooks.rotate_secret(TENANT, OUTPUTS)
    assert webhooks.secrets_of(TENANT, OUTPUTS) == [new, old]
    submit(world)
    world.announce()
    (hook,) = world.outside.hooks
    for secret in (old, new):
        assert Webhook(secret).verify(hook.body, hook.headers)


def test_a_test_webhook_reports_the_response_and_requires_https(world: MotoWorld) -> None:
    world.outside.hook_answers = [(500, {})]
    assert webhooks.send_test(TENANT, url(world), OUTPUTS, allow_loopback=True).http_status == 500
    assert webhooks.send_test(TENANT, url(world), OUTPUTS, allow_loopback=True).is_success
    (secret,) = webhooks.secrets_of(TENANT, OUTPUTS)
    bodies = [Webhook(secret).verify(hook.body, hook.headers) for hook in world.outside.hooks]
    assert bodies[-1]["task_status_msg"] == "a test of your callback_url"
    assert webhooks.send_test(TENANT, url(world), OUTPUTS).error == "expected an https URL, got http"


def test_a_delivered_webhook_can_be_delivered_again(world: MotoWorld) -> None:
    task_id = submit(world)
    world.announce()
    outputs = {**OUTPUTS, "WebhookRetriesUrl": world.queues["webhook-retries"]}
    assert webhooks.redeliver(task_id, outputs) == f"{task_id}:1"
    world.announce(*world.messages("webhook-retries"))
    assert [hook.headers["webhook-id"] for hook in world.outside.hooks] == [f"{task_id}:1"] * 2


def test_a_task_that_cannot_be_redelivered_is_refused_with_the_reason(world: MotoWorld) -> None:
    outputs = {**OUTPUTS, "WebhookRetriesUrl": world.queues["webhook-retries"]}
    plain = world.submitted(callback_url=None)
    pending = submit(world)
    world.callback("succeed", pending)
    for task_id, reason in ((plain, "no callback_url"), (pending, "still being stored"), ("0" * 32, "not stored")):
        with pytest.raises(webhooks.NotDeliverableError, match=reason) as raised:
            webhooks.redeliver(task_id, outputs)
        assert raised.value.advice
