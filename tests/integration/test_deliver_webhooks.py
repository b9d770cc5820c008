"""Webhooks through the handlers: what a client's endpoint gets, and what is left when it does not take it."""

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest
from standardwebhooks.webhooks import Webhook

from relay import bootstrap
from relay.domain.webhook import Delivery
from relay_cli.operator import webhooks
from tests.support.moto_world import TENANT, Json, MotoWorld, event, video, with_path
from tests.support.upstream import File

OUTPUTS = {"TasksTable": "tasks", "WebhookStateTable": "webhooks", "WebhookKeyId": "webhook-key"}


def url(world: MotoWorld, path: str = "a?token=hush") -> str:
    return f"{world.outside.url}/hooks/{path}"


def submitted(world: MotoWorld, path: str = "a?token=hush") -> str:
    """A task that wants to be announced; its first event is in the queue."""
    task_id = world.submitted(callback_url=url(world, path))
    world.publish()
    return task_id


def verified(world: MotoWorld) -> list[Any]:
    """Every webhook so far, checked as a client would."""
    (secret,) = webhooks.secrets_of(TENANT, OUTPUTS)
    return [Webhook(secret).verify(hook.body, hook.headers) for hook in world.outside.hooks]


def shown(world: MotoWorld, task_id: str) -> Any:
    return world.http("query_tasks", with_path(event("query_tasks.task"), f"/tasks/{task_id}")).data["webhook"]


def delivery_of(world: MotoWorld, task_id: str, **counters: Any) -> Json:
    return replace(Delivery.of_task(world.task(task_id)), **counters).to_message()


def waiting(world: MotoWorld) -> list[Json]:
    """The messages in the queue of retries, delayed or not."""
    world.sqs.set_queue_attributes(QueueUrl=world.queues["webhook-retries"], Attributes={"DelaySeconds": "0"})
    from moto.sqs.models import sqs_backends

    queue = sqs_backends["123456789012"]["us-east-1"].get_queue("webhook-retries")
    return [json.loads(message.body) for message in queue._messages]


def test_each_status_is_announced_in_order_signed_and_the_urls_live(world: MotoWorld) -> None:
    body = video(300_000)
    source = world.outside.file("a.mp4", File(body=body))
    task_id = submitted(world)
    queued = world.messages("webhooks")
    assert "hush" not in str(queued)
    assert world.announce(*queued) == {"batchItemFailures": []}
    world.callback("processing", task_id)
    world.publish()
    world.announce()
    world.callback("succeed", task_id, task_result={"videos": [{"id": "v-1", "url": source, "duration": "5.1"}]})
    world.publish()
    assert world.messages("webhooks") == [], "a success is told once its files are stored"
    world.archive(task_id, messages=world.messages("archives"))
    world.publish()
    world.announce()

    told = verified(world)
    assert [each["task_status"] for each in told] == ["submitted", "processing", "succeed"]
    assert {each["task_id"] for each in told} == {task_id}
    assert [hook.headers["webhook-id"] for hook in world.outside.hooks] == [f"{task_id}:{version}" for version in (1, 2, 4)]
    (result,) = told[-1]["task_result"]["videos"]
    assert (result["id"], result["duration"]) == ("v-1", "5.1")
    assert "X-Amz-Expires=86400" in result["url"]
    assert httpx.get(result["url"], trust_env=False).content == body
    webhook = shown(world, task_id)
    assert (webhook["state"], webhook["version"], webhook["next_attempt_at"]) == ("delivered", 4, None)
    assert [(each["event_id"], each["status"], each["http_status"], each["error"]) for each in webhook["attempts"]] == [
        (f"{task_id}:1", "submitted", 204, None),
        (f"{task_id}:2", "processing", 204, None),
        (f"{task_id}:4", "succeed", 204, None),
    ]
    assert all(each["at"] > 1_700_000_000_000 and each["duration_ms"] >= 0 for each in webhook["attempts"])


def test_late_files_are_announced_with_the_providers_url_and_once_they_are_stored(
    world: MotoWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = world.outside.file("a.mp4", File(status=503))
    task_id = submitted(world)
    world.callback("succeed", task_id, task_result={"videos": [{"id": "v-1", "url": source, "duration": "5.1"}]})
    world.publish()
    (to_archive,) = world.messages("archives")
    world.archive(task_id, messages=[to_archive])
    real = bootstrap.now
    monkeypatch.setattr("relay.bootstrap.now", lambda: real() + 91_000)
    world.messages("webhooks")

    assert world.call("reconcile_tasks", event("reconcile_tasks.schedule")) == {"delayed": 1}
    assert world.call("reconcile_tasks", event("reconcile_tasks.schedule")) == {}
    assert world.http("query_tasks", with_path(event("query_tasks.task"), f"/tasks/{task_id}")).data["archive"] == "pending"
    world.publish()
    world.announce()
    world.outside.file("a.mp4", File(body=video(64)))
    world.archive(task_id, messages=[to_archive])
    world.publish()
    world.announce()

    late, stored = verified(world)
    assert (late["task_status"], late["relay"]) == ("succeed", {"archive": "pending"})
    assert late["task_result"]["videos"][0]["url"] == source
    assert (stored["task_status"], "relay" in stored) == ("succeed", False)
    assert stored["task_result"]["videos"][0]["url"] != source
    assert [told["detail-type"] for told in world.messages("events")][-2:] == ["Task Results Delayed", "Task Results Stored"]


def test_results_that_were_given_up_are_announced_with_the_providers_urls(world: MotoWorld) -> None:
    task_id = submitted(world)
    world.announce()
    source = world.outside.file("gone.mp4", File(status=404))
    world.callback("succeed", task_id, task_result={"videos": [{"id": "v-1", "url": source}]})
    world.publish()
    world.archive(task_id, receives=8)
    world.publish()
    world.announce()
    assert verified(world)[-1]["task_result"]["videos"][0]["url"] == source


def test_a_task_without_a_callback_url_is_none_of_the_functions_business(world: MotoWorld) -> None:
    task_id = world.submitted(callback_url=None)
    world.callback("processing", task_id)
    world.publish()
    assert world.messages("webhooks") == []
    assert [each["detail"]["has_callback"] for each in world.messages("events")] == [False, False]
    assert shown(world, task_id) is None


def test_a_failure_is_announced_with_its_reason(world: MotoWorld) -> None:
    task_id = submitted(world)
    world.messages("webhooks")
    world.callback("failed", task_id)
    world.publish()
    world.announce()
    (told,) = verified(world)
    assert (told["task_status"], told["task_status_msg"]) == ("failed", world.task(task_id).message)


def test_what_is_not_taken_is_queued_again(world: MotoWorld) -> None:
    world.outside.hook_answers = [(500, {})]
    task_id = submitted(world)
    assert world.announce() == {"batchItemFailures": []}
    (again,) = waiting(world)
    assert (again["attempt"], world.delays("webhook-retries")) == (2, 1)
    webhook = shown(world, task_id)
    assert (webhook["state"], webhook["attempts"][0]["http_status"]) == ("retrying", 500)
    assert webhook["next_attempt_at"] == again["due_at"]
    world.announce({**again, "due_at": 0})
    assert shown(world, task_id)["state"] == "delivered"
    assert len({hook.headers["webhook-id"] for hook in world.outside.hooks}) == 1


def test_retry_after_moves_the_next_attempt(world: MotoWorld) -> None:
    world.outside.hook_answers = [(503, {"Retry-After": "7200"})]
    task_id = submitted(world)
    world.announce()
    (again,) = waiting(world)
    assert 7200_000 <= again["due_at"] - shown(world, task_id)["attempts"][0]["at"] <= 8000_000


def test_410_is_the_end_of_a_url(world: MotoWorld) -> None:
    world.outside.hook_answers = [(410, {})]
    first = submitted(world)
    world.announce()
    second = submitted(world)
    world.announce()
    assert len(world.outside.hooks) == 1
    assert [shown(world, task_id)["state"] for task_id in (first, second)] == ["gone", "gone"]
    told = [each for each in world.messages("events") if each["detail-type"] == "Task Webhook Undeliverable"]
    assert [each["detail"]["http_status"] for each in told] == [410]
    assert webhooks.send_test(TENANT, url(world), OUTPUTS, allow_loopback=True).is_success
    submitted(world)
    world.announce()
    assert verified(world)[-1]["task_status"] == "submitted"


def test_after_the_last_attempt_there_is_a_dead_letter_and_an_event(world: MotoWorld) -> None:
    world.outside.hook_answers = [(500, {})]
    task_id = submitted(world)
    world.messages("webhooks")
    world.announce(delivery_of(world, task_id, attempt=10))
    (letter,) = world.messages("webhooks-dead")
    assert letter == delivery_of(world, task_id, attempt=11, first=11)
    (told,) = [each for each in world.messages("events") if each["detail-type"] == "Task Webhook Undeliverable"]
    assert (told["detail"]["attempts"], told["detail"]["reason"]) == (10, "HTTP 500")
    assert url(world) not in str(told)
    assert shown(world, task_id)["state"] == "undeliverable"
    world.announce(letter)
    assert shown(world, task_id)["state"] == "delivered"


@pytest.mark.parametrize("receives", [8, 40])
def test_a_webhook_that_cannot_be_handled_is_buried_by_the_function(
    world: MotoWorld, monkeypatch: pytest.MonkeyPatch, receives: int
) -> None:
    """SQS alone would do so after deliveries that were only throttled."""
    submitted(world, "trusted")
    world.announce()  # the endpoint answers, so that no failure leaves it claimed
    task_id = submitted(world)
    (message,) = world.messages("webhooks")
    with monkeypatch.context() as patch:
        patch.setattr(world.services.webhooks, "begin", lambda *_, **__: (_ for _ in ()).throw(ConnectionError()))
        assert world.announce(message, receives=7) == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}
        assert world.messages("webhooks-dead") == []
        assert world.announce(message, receives=receives) == {"batchItemFailures": []}
    (letter,) = world.messages("webhooks-dead")
    world.announce(letter)
    assert shown(world, task_id)["state"] == "delivered"


def test_a_redirect_is_not_followed(world: MotoWorld) -> None:
    world.outside.hook_answers = [(307, {"Location": f"{world.outside.url}/hooks/elsewhere"})]
    task_id = submitted(world)
    world.announce()
    assert [hook.path for hook in world.outside.hooks] == ["/hooks/a?token=hush"]
    assert shown(world, task_id)["attempts"][0]["http_status"] == 307


def test_one_message_of_a_batch_fails_alone(world: MotoWorld) -> None:
    trusted = submitted(world, "trusted")
    world.announce()  # the endpoint answers, so that the next two requests may be made at once
    first, second = submitted(world), submitted(world, "b")
    messages = [*world.messages("webhooks"), {"detail": {"task_id": "no version"}}]
    assert world.announce(*messages) == {"batchItemFailures": [{"itemIdentifier": "message-2"}]}
    assert {hook.task["task_id"] for hook in world.outside.hooks} == {trusted, first, second}


def test_an_address_that_is_not_public_is_not_called(world: MotoWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings allowed it when the task came; the guard looks at each call."""
    task_id = submitted(world)
    monkeypatch.setenv("ALLOW_LOOPBACK", "false")
    from relay.bootstrap import services

    services.cache_clear()
    world.announce()
    assert world.outside.hooks == []
    assert shown(world, task_id)["attempts"][0]["error"] == "expected an https URL, got http"


@pytest.mark.parametrize(
    "bad", ["http://client.example/", "https://192.168.1.1/", "client.example", "https://client.example:444/"]
)
def test_a_url_that_would_never_be_called_is_refused_at_submit(world: MotoWorld, bad: str) -> None:
    body = json.loads(event("submit_task.text2video")["body"]) | {"callback_url": bad}
    answer = world.submit(body=body)
    assert (answer.status, answer.code) == (400, 1201)
    assert answer.message.startswith("callback_url: expected ")
