"""Operations that the relay does not know: tasks like any other, or the provider's own answer, and never paid twice."""

import json
from typing import Any

import pytest

from relay.bootstrap import Services
from relay.domain.task import Archive, FailureCode, Status
from relay.entrypoint.presenter import submitted_reply
from relay.usecases.apply import Outcome
from relay.usecases.reconcile import Reconciled
from relay.usecases.resubmit import Resubmitted
from relay.usecases.submit import Submitted
from tests.support.fakes.fake_world import FakeWorld
from tests.support.fakes.provider import (
    HANGS_WITH_IT,
    LOST_ANSWER,
    LOST_REQUEST,
    POLICY,
    RATE,
    UNREACHABLE,
    Fault,
    answered,
    refused,
)
from tests.support.fakes.results import MP4

OPERATION = "general/custom-voices"
AT_ONCE = "videos/image-recognize"
BODY = {"voice_name": "Ann", "of_next_year": [1, None], "model_name": None}
RECOGNIZED = {"code": 0, "message": "SUCCEED", "request_id": "theirs", "data": {"task_result": {"images": []}}}


@pytest.fixture
def to(world: FakeWorld) -> Services:
    """The services, with the fakes in place of what they would make."""
    services = Services(world.settings)
    services.__dict__.update(tasks=world.tasks, results=world.results)
    return services


def test_a_body_goes_as_it_came_but_for_the_common_fields(world: FakeWorld) -> None:
    submitted = world.submit({**BODY, "external_task_id": "order-1"}, operation=OPERATION)

    (request,) = world.api.requests
    assert request.path == f"/kling/v1/{OPERATION}"
    assert request.body is not None
    assert {**request.body, "callback_url": "", "external_task_id": ""} == {
        "voice_name": "Ann",
        "of_next_year": [1, None],
        "callback_url": "",
        "external_task_id": "",
    }
    assert request.body["external_task_id"] == submitted.task.task_id
    assert submitted.task.external_task_id == "order-1"
    assert submitted.warnings == (f"{OPERATION} is not known to this relay: it is sent unchecked, and never twice",)


def test_a_task_is_one_like_any_other_until_its_files_are_stored(world: FakeWorld) -> None:
    task_id = world.submit(BODY, operation=OPERATION).task.task_id
    world.api.succeeds(task_id, "https://provider.example/trial.mp3", kind="voices")
    world.source.files["https://provider.example/trial.mp3"] = MP4

    assert world.called_back(task_id) is Outcome.APPLIED
    assert world.archive(task_id)

    task = world.task(task_id)
    assert (task.status, task.archive, task.operation) == (Status.SUCCEED, Archive.STORED, OPERATION)
    assert [(result.kind, result.path) for result in task.results] == [("file", "task_result/voices/0/url")]


def test_a_lost_verdict_is_found(world: FakeWorld) -> None:
    task_id = world.submit(BODY, operation=OPERATION).task.task_id
    world.api.fails(task_id)

    assert world.reconcile_one(task_id) is Reconciled.MOVED
    assert world.task(task_id).failure is not None


@pytest.mark.parametrize("fault", [RATE, UNREACHABLE])
def test_what_was_certainly_not_taken_is_sent_again(world: FakeWorld, fault: Fault) -> None:
    world.api.faults.append(fault)
    task_id = world.submit(BODY, operation=OPERATION).task.task_id

    assert world.resubmit(task_id, 1) is Resubmitted.SENT
    assert world.resubmit(task_id, 1) is Resubmitted.OVER, "a repeated message"
    assert world.api.paid == {task_id: 1}


@pytest.mark.parametrize("fault", [LOST_ANSWER, LOST_REQUEST, HANGS_WITH_IT, refused(500, 5000)])
@pytest.mark.parametrize("operation", [OPERATION, AT_ONCE])
def test_after_an_unknown_outcome_nothing_is_sent_again_whatever_the_provider_says(
    world: FakeWorld, fault: Fault, operation: str
) -> None:
    world.api.at_once[AT_ONCE] = RECOGNIZED
    world.api.finds_external_ids = world.api.refuses_repeats = False
    world.api.faults.append(fault)
    task_id = world.submit(BODY, operation=operation).task.task_id
    assert world.resubmissions.messages == []

    for _ in range(60):
        world.clock.advance(seconds=1800)
        world.reconcile_one(task_id)

    assert [request.method for request in world.api.requests].count("POST") == 1
    assert world.resubmissions.messages == []
    failure = world.task(task_id).failure
    assert failure
    assert failure.code is FailureCode.UNKNOWN


def test_after_an_unknown_outcome_a_task_that_the_provider_finds_is_taken_up(world: FakeWorld) -> None:
    world.api.faults.append(LOST_ANSWER)
    task_id = world.submit(BODY, operation=OPERATION).task.task_id

    assert world.reconcile_one(task_id) is Reconciled.UNCHANGED
    assert world.task(task_id).provider_task_id == world.api.of(task_id).task_id


def answer_of(submitted: Submitted, to: Services) -> tuple[Any, int]:
    reply = submitted_reply(submitted, to, "", "ours")
    return reply.body, reply.status


def test_an_answer_without_a_task_is_the_clients_and_closes_the_record(world: FakeWorld, to: Services) -> None:
    world.api.at_once[AT_ONCE] = RECOGNIZED

    submitted = world.submit(BODY, operation=AT_ONCE)

    assert answer_of(submitted, to) == (RECOGNIZED, 200)
    task = world.task(submitted.task.task_id)
    assert (task.status, task.due_at, task.request, task.version) == (Status.FAILED, None, None, 2)
    assert task.is_answered
    assert world.reconcile_one(task.task_id) is Reconciled.OVER
    assert world.resubmissions.messages == []


def test_a_repeated_request_gets_the_same_answer_and_is_not_sent_again(world: FakeWorld, to: Services) -> None:
    world.api.at_once[AT_ONCE] = RECOGNIZED
    world.submit(BODY, operation=AT_ONCE, key="once")

    again = world.submit(BODY, operation=AT_ONCE, key="once")

    assert answer_of(again, to) == (RECOGNIZED, 200)
    assert world.api.done == {AT_ONCE: 1}


def test_an_answer_that_no_item_could_carry_is_given_once(world: FakeWorld, to: Services) -> None:
    large = {**RECOGNIZED, "data": "x" * 70_000}
    world.api.at_once[AT_ONCE] = large
    first = world.submit(BODY, operation=AT_ONCE, key="once")
    again = world.submit(BODY, operation=AT_ONCE, key="once")

    assert answer_of(first, to) == (large, 200)
    body, status = answer_of(again, to)
    assert (status, body["data"]["task_status_msg"]) == (200, "the provider answered synchronously: there is no task")
    assert world.api.done == {AT_ONCE: 1}


def test_a_verdict_that_still_comes_counts(world: FakeWorld) -> None:
    world.api.at_once[OPERATION] = RECOGNIZED
    task_id = world.submit(BODY, operation=OPERATION).task.task_id
    late = {"task_id": "1", "task_status": "failed", "task_status_msg": "as it goes"}

    assert world.receive(task_id, json.dumps(late).encode()) is Outcome.APPLIED

    failure = world.task(task_id).failure
    assert failure
    assert failure.code is FailureCode.PROVIDER


@pytest.mark.parametrize("answer", [{}, {"code": 0, "data": {"task_id": "1"}}, {"code": 0, "data": {"data": {"task_id": 1}}}])
def test_an_answer_that_may_be_a_task_is_waited_for(world: FakeWorld, answer: Any) -> None:
    world.api.faults.append(Fault(handles=True, answer=answered(200, answer)))

    task = world.submit(BODY, operation=OPERATION).task

    assert (task.status, task.is_over) == (Status.SUBMITTED, False)
    assert world.task(task.task_id).due_at is not None


def test_a_known_operation_without_a_task_in_its_answer_is_asked_for_as_before(world: FakeWorld) -> None:
    world.api.faults.append(Fault(handles=True, answer=answered(200, RECOGNIZED)))

    task_id = world.submit().task.task_id

    assert world.resubmit(task_id, 1) is Resubmitted.FOUND


@pytest.mark.parametrize(("fault", "expected"), [(POLICY, (400, 1301)), (refused(404, 1202), (404, 1202))])
def test_a_refusal_is_the_providers_own(world: FakeWorld, to: Services, fault: Fault, expected: tuple[int, int]) -> None:
    world.api.faults.append(fault)

    body, status = answer_of(world.submit(BODY, operation=OPERATION), to)

    assert (status, body["code"]) == expected
