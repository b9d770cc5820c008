"""The schedule: tasks whose callbacks were lost come to their end all the same."""

from typing import Any

import pytest

from relay import bootstrap
from relay.adapters import aws
from relay.bootstrap import services
from relay.domain.task import FailureCode, Status
from tests.support.moto_world import MotoWorld, event
from tests.support.upstream import refusal

MINUTE = 60_000


def reconcile(world: MotoWorld) -> dict[str, int]:
    return world.call("reconcile_tasks", event("reconcile_tasks.schedule"))


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> "Later":
    return Later(monkeypatch)


class Later:
    """Moves the relay's clock on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self._now = bootstrap.now

    def by(self, milliseconds: int) -> None:
        real = self._now
        self._monkeypatch.setattr("relay.bootstrap.now", lambda: real() + milliseconds)


def provider_says(world: MotoWorld, task_id: str, **fields: object) -> None:
    task = {"task_id": "x", "updated_at": 1_722_769_999_999, **fields}
    world.outside.tasks[str(world.task(task_id).provider_task_id)] = task


def test_nobody_is_asked_about_a_task_that_is_not_due(world: MotoWorld) -> None:
    world.submitted()
    assert reconcile(world) == {}
    assert len(world.outside.sent) == 1


def test_a_lost_success_is_found_and_kept_like_a_callback(world: MotoWorld, later: Later) -> None:
    task_id = world.submitted()
    videos = [{"id": "v", "url": "https://cdn.example.com/a.mp4"}]
    provider_says(world, task_id, task_status="succeed", task_result={"videos": videos})
    later.by(3 * MINUTE)
    assert reconcile(world) == {"moved": 1}
    assert world.task(task_id).status is Status.SUCCEED
    assert list(world.objects()) == [f"results/{task_id}/callback.json"]
    assert reconcile(world) == {}
    world.publish()
    assert [told["detail"]["version"] for told in world.messages("events")] == [1, 2]


def test_a_task_still_running_is_asked_about_again_later(world: MotoWorld, later: Later) -> None:
    task_id = world.submitted()
    provider_says(world, task_id, task_status="processing")
    later.by(3 * MINUTE)
    assert reconcile(world) == {"moved": 1}
    assert world.task(task_id).status is Status.PROCESSING
    assert reconcile(world) == {}
    later.by(10 * MINUTE)
    assert reconcile(world) == {"unchanged": 1}


def test_a_task_without_a_verdict_expires_and_a_late_verdict_beats_that(world: MotoWorld, later: Later) -> None:
    task_id = world.submitted()
    later.by(25 * 60 * MINUTE)
    world.outside.next_answers = [(500, refusal(5000, "Server internal error"))]
    assert reconcile(world) == {"unchanged": 1}, "the provider has not answered"
    later.by(27 * 60 * MINUTE)
    assert reconcile(world) == {"expired": 1}
    task = world.task(task_id)
    assert task.failure
    assert (task.status, task.failure.code, task.due_at) == (Status.FAILED, FailureCode.EXPIRED, None)
    assert world.callback("succeed", task_id).data == {"status": "applied"}
    assert world.task(task_id).failure is None


def test_many_due_tasks_are_worked_off_together(world: MotoWorld, later: Later) -> None:
    task_ids = [world.submitted() for _ in range(20)]
    for task_id in task_ids:
        provider_says(world, task_id, task_status="failed", task_status_msg="Internal generation error")
    later.by(3 * MINUTE)
    assert reconcile(world) == {"moved": 20}
    assert {world.task(task_id).status for task_id in task_ids} == {Status.FAILED}


def test_a_task_that_the_provider_does_not_know_is_sent_again(world: MotoWorld, later: Later) -> None:
    world.outside.next_answers = [(500, refusal(5000, "Server internal error"))]
    task_id = world.submit().data["task_id"]
    world.sqs.purge_queue(QueueUrl=world.queues["resubmissions"])
    later.by(30 * MINUTE)
    assert reconcile(world) == {"resubmitted": 1}
    assert world.delays("resubmissions") == 1
    assert world.task(task_id).status is Status.SUBMITTED


def test_the_threads_share_one_client_of_each_service(world: MotoWorld, later: Later, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def recorded(service: str) -> Any:
        made.append(service)
        return aws.client(service)

    monkeypatch.setattr("relay.bootstrap.client", recorded)
    for task_id in [world.submitted() for _ in range(8)]:
        provider_says(world, task_id, task_status="succeed", task_result={"videos": [{"id": "v", "url": "https://a.example/b"}]})
    services.cache_clear()
    made.clear()
    later.by(3 * MINUTE)
    assert reconcile(world) == {"moved": 8}
    assert sorted(made) == ["dynamodb", "s3", "secretsmanager", "sqs"]
