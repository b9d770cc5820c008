"""`relay webhooks`: the installed program sends webhooks, and shows and rotates their secrets."""

import json

from standardwebhooks.webhooks import Webhook

from tests.integration.cli.conftest import Program
from tests.support.moto_world import TENANT, MotoWorld


def test_a_test_webhook_is_signed_with_the_secret_that_is_shown(operator: Program, world: MotoWorld) -> None:
    shown = operator.installed("webhooks", "secret", "show", "--tenant", TENANT)
    assert shown.code == 0, shown.err
    secret = shown.out.strip()
    assert secret.startswith("whsec_")
    ran = operator.installed("webhooks", "test", f"{world.outside.url}/hooks/a", "--tenant", TENANT)
    assert ran.code == 0, ran.err
    assert ran.out.startswith("HTTP 204 after ")
    (hook,) = world.outside.hooks
    assert Webhook(secret).verify(hook.body, hook.headers)


def test_a_receiver_that_refuses_exits_with_1_and_its_response(operator: Program, world: MotoWorld) -> None:
    world.outside.hook_answers = [(401, {})]
    ran = operator("webhooks", "test", f"{world.outside.url}/hooks/a", "--tenant", TENANT, "--json")
    assert (ran.code, ran.document["http_status"]) == (1, 401)
    assert "HTTP 401" in ran.error["message"]
    inside = operator("webhooks", "test", "http://169.254.169.254/latest", "--tenant", TENANT)
    assert inside.code == 1


def test_after_a_rotation_both_secrets_are_valid(operator: Program, world: MotoWorld) -> None:
    (old,) = operator("webhooks", "secret", "show", "--tenant", TENANT, "--json").document["secrets"]
    ran = operator.installed("webhooks", "secret", "rotate", "--tenant", TENANT)
    assert ran.code == 0, ran.err
    new = ran.out.strip()
    assert new not in ran.err
    assert operator("webhooks", "secret", "show", "--tenant", TENANT, "--json").document["secrets"] == [new, old]
    assert operator("webhooks", "test", f"{world.outside.url}/hooks/a", "--tenant", TENANT).code == 0
    (hook,) = world.outside.hooks
    for secret in (old, new):
        assert Webhook(secret).verify(hook.body, hook.headers)


def test_redeliver_sends_the_webhook_of_a_task_again(operator: Program, world: MotoWorld) -> None:
    task_id = world.submitted(callback_url=f"{world.outside.url}/hooks/a")
    ran = operator.installed("webhooks", "redeliver", task_id)
    assert (ran.code, ran.out) == (0, f"queued: {task_id}:1\n"), ran.err
    (message,) = world.messages("webhook-retries")
    world.announce(message)
    assert [json.loads(hook.body)["task_id"] for hook in world.outside.hooks] == [task_id]
    assert "delivered: 1 attempt, last response: HTTP 204" in operator("get", task_id).out


def test_a_webhook_that_cannot_be_sent_exits_with_3(operator: Program, world: MotoWorld) -> None:
    silent = operator("webhooks", "redeliver", world.submitted())
    assert (silent.code, "no callback_url" in silent.err) == (3, True)
    assert operator("webhooks", "redeliver", "nonsense").code == 3
    assert operator("webhooks", "test", "https://client.example.com").code == 2
