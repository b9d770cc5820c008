"""`relay doctor`: the installed program on a healthy and on a broken stack of moto."""

from typing import Any

import pytest

from tests.integration.cli.conftest import Program
from tests.support.moto_world import MotoWorld
from tests.support.upstream import refusal


def severities(document: list[dict[str, Any]], check: str) -> set[str]:
    return {finding["severity"] for finding in document if finding["check"] == check}


def test_a_healthy_stack_exits_with_0(operator: Program) -> None:
    ran = operator.installed("doctor", "--json")
    found = {finding["check"]: finding["severity"] for finding in ran.document}
    assert set(found.values()) <= {"fine", "note"}, ran.out
    assert {"stack", "gateway", "callbacks", "provider", "rules", "dead letters", "quarantine", "alarms"} <= set(found)
    assert ran.code == 0


def test_every_fault_is_reported_with_the_command_that_fixes_it(operator: Program, world: MotoWorld) -> None:
    world.sqs.send_message(QueueUrl=world.queues["archives-dead"], MessageBody="{}")
    world.events.disable_rule(Name="archiving", EventBusName="bus")
    world.outside.next_answers = [(401, refusal(1002, "Authorization invalid"))]
    ran = operator("doctor")
    assert ran.code == 1
    assert "relay dlq show archives" in ran.out
    assert "aws events enable-rule --event-bus-name bus --name archiving" in ran.out
    assert "the relay's own key" in ran.out
    assert "sk-of-the-operator" not in ran.out


@pytest.mark.parametrize(
    ("answer", "severity", "said"),
    [
        ((429, refusal(1102, "Account balance not enough")), "broken", "1 of 1 wait (operator)"),
        ((429, refusal(1303, "parallel task over resource pack limit")), "note", "parallel task over resource pack limit"),
    ],
    ids=["balance", "busy"],
)
def test_what_tasks_wait_for_is_reported(
    operator: Program, world: MotoWorld, answer: tuple[int, dict[str, object]], severity: str, said: str
) -> None:
    world.outside.next_answers = [answer]
    world.submit()
    ran = operator("doctor", "--json")
    (finding,) = (each for each in ran.document if each["check"] == "waiting tasks")
    assert finding["severity"] == severity
    assert said in finding["found"]


def test_a_quarantined_callback_is_a_warning(operator: Program, world: MotoWorld) -> None:
    world.callback("unknown_status", world.submitted())
    ran = operator("doctor", "--json")
    assert ran.code == 8
    assert severities(ran.document, "quarantine") == {"warning"}


def test_a_check_that_cannot_run_is_a_warning_and_the_others_still_run(operator: Program, world: MotoWorld) -> None:
    world.s3.delete_bucket(Bucket="results")
    ran = operator("doctor", "--json")
    assert ran.code == 8
    assert severities(ran.document, "quarantine") == {"warning"}
    assert severities(ran.document, "dead letters") == {"fine"}
    assert operator("doctor", "--stack", "nonsense").code == 5
