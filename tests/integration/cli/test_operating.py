"""`relay dlq`, `relay replay` and `relay tail`: the installed program on a stack of moto."""

import json
import signal
from typing import Any

import pytest

from relay_cli.commands.dlq import Queue
from relay_cli.operator import redrive
from relay_cli.subscription import PREFIX
from tests.integration.cli.conftest import STACK, Program
from tests.support.moto_world import MotoWorld, event


def put_dead_letters(world: MotoWorld, queue: str, count: int) -> list[dict[str, Any]]:
    letters = [{"task_id": f"task-{number}", "attempt": 3} for number in range(count)]
    for letter in letters:
        world.sqs.send_message(QueueUrl=world.queues[queue], MessageBody=json.dumps(letter))
    return letters


def leftovers(world: MotoWorld) -> list[str]:
    rules = [rule["Name"] for rule in world.events.list_rules(EventBusName="bus")["Rules"] if rule["Name"].startswith(PREFIX)]
    return [*rules, *queues_left(world)]


def queues_left(world: MotoWorld) -> list[str]:
    return list(world.sqs.list_queues(QueueNamePrefix=PREFIX).get("QueueUrls", []))


def test_every_queue_that_can_be_redriven_is_shown() -> None:
    assert tuple(queue.value for queue in Queue) == redrive.QUEUES


def test_dlq_list_counts_dead_letters(operator: Program, world: MotoWorld) -> None:
    put_dead_letters(world, "archives-dead", 3)
    ran = operator.installed("dlq", "list")
    assert ran.code == 0, ran.err
    assert next(line.split()[:2] for line in ran.out.splitlines()[1:]) == ["archives", "3"]
    assert operator("dlq", "list", "--json").document["archives"] == {"dead_letters": 3, "being_tried": 0}


def test_dlq_show_leaves_the_letters_where_they_are(operator: Program, world: MotoWorld) -> None:
    letters = put_dead_letters(world, "resubmissions-dead", 13)
    ran = operator.installed("dlq", "show", "resubmissions", "--limit", "12", "--json")
    assert ran.code == 0, ran.err
    assert [letter["body"] for letter in ran.document] == letters[:12]
    again = operator("dlq", "show", "resubmissions")
    assert '"task_id": "task-0"' in again.out
    assert len(world.messages("resubmissions-dead")) == 13
    assert "no dead letters" in operator("dlq", "show", "archives").err


def test_dlq_show_prints_a_body_that_is_not_json_unchanged(operator: Program, world: MotoWorld) -> None:
    world.sqs.send_message(QueueUrl=world.queues["unpublished"], MessageBody="[red]what?")
    assert "[red]what?" in operator("dlq", "show", "changes").out


def test_dlq_redrive_moves_the_letters_of_each_queue(operator: Program, world: MotoWorld) -> None:
    letters = put_dead_letters(world, "archives-dead", 3)
    world.sqs.send_message(QueueUrl=world.queues["missed"], MessageBody=json.dumps(event("reconcile_tasks.schedule")))
    ran = operator.installed("dlq", "redrive", "archives", "schedules", "--json")
    assert ran.code == 0, ran.err
    assert ran.document == {"archives": 3, "schedules": 1}
    assert sorted(world.messages("archives"), key=str) == letters
    assert operator("dlq", "redrive", "nonsense").code == 2


def test_replay_processes_a_quarantined_callback_again(operator: Program, world: MotoWorld) -> None:
    task_id = world.submitted()
    world.callback("unknown_status", task_id)
    listed = operator("replay", "--list", "--json").document
    (key,) = [entry["key"] for entry in listed]
    assert key.startswith(f"quarantine/{task_id}/")
    ran = operator.installed("replay", key)
    assert ran.code == 1
    assert "still cannot be read" in ran.err
    world.s3.put_object(Bucket="results", Key=key, Body=event("receive_callback.processing")["body"].encode())
    fixed = operator("replay", key)
    assert (fixed.code, fixed.out) == (0, f"{key}: applied\n")
    assert world.task(task_id).status == "processing"


def test_replay_refuses_other_keys_and_deleted_tasks(operator: Program) -> None:
    assert operator("replay", "nonsense").code == 5
    assert operator("replay").code == 2
    gone = operator("replay", "quarantine/gone/1")
    assert gone.code == 5
    assert "no longer stored" in gone.err


def test_tail_prints_matching_events_and_removes_its_resources(operator: Program, world: MotoWorld) -> None:
    with operator.start("tail", "--limit", "1", "--tenant", "other") as running:
        assert running.stderr
        assert "listening" in running.stderr.readline()
        assert world.submit(tenant="acme").status == 200
        other = world.submit(tenant="other").data["task_id"]
        world.publish()
        out, err = running.communicate(timeout=60)
    assert running.returncode == 0, err
    (line,) = out.splitlines()
    assert line.split("  ")[1:4] == ["Task Status Changed", f"{other}:1", "submitted"]
    assert leftovers(world) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_tail_removes_its_resources_when_it_is_interrupted(operator: Program, world: MotoWorld, number: signal.Signals) -> None:
    with operator.start("tail") as running:
        assert running.stderr
        assert "listening" in running.stderr.readline()
        assert len(leftovers(world)) == 2
        running.send_signal(number)
        out, err = running.communicate(timeout=60)
    assert running.returncode == 130, err
    assert leftovers(world) == []
    assert out == ""


def test_tail_leaves_no_queue_if_it_cannot_create_its_rule(operator: Program, world: MotoWorld) -> None:
    world.events.delete_event_bus(Name="bus")
    ran = operator("tail", "--limit", "1")
    assert ran.code == 5
    assert queues_left(world) == []


def test_a_stack_is_found_by_its_name(operator: Program, world: MotoWorld) -> None:
    (operator.folder / ".local" / "stack.json").unlink()
    assert operator("dlq", "list", "--stack", STACK, "--json").code == 0
    assert operator("dlq", "list", RELAY_STACK=STACK).code == 0
    missing = operator("dlq", "list", "--stack", "nonsense")
    assert missing.code == 5
    assert "nonsense" in missing.err
    assert operator("dlq", "list").code == 5
    listed = operator("list", "--stack", STACK, "--key", world.key_for("acme"), "--json")
    assert (listed.code, listed.document) == (0, [])


def test_missing_aws_credentials_exit_with_4_and_advice(operator: Program) -> None:
    away = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true"}
    ran = operator.installed("dlq", "list", "--stack", STACK, **away)
    assert ran.code == 4
    assert "AWS_PROFILE" in ran.err
    assert operator.installed("dlq", "list", "--stack", STACK, "--profile", "nobody").code == 4
