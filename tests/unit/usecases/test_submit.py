"""Submitting: written first, sent once, idempotent, and never in vain."""

import json

import pytest

from relay.domain.errors import (
    ExternalTaskIdTakenError,
    IdempotencyKeyReusedError,
    InvalidRequestError,
    UnknownOperationError,
)
from relay.domain.task import FailureCode, Status, derived_task_id
from relay.usecases.apply import Outcome
from tests.support.fakes.calls import Crash
from tests.support.fakes.fake_world import PROMPT, PUBLIC_URL, FakeWorld
from tests.support.fakes.provider import (
    HANGS_WITH_IT,
    HANGS_WITHOUT_IT,
    INTERNAL,
    LOST_ANSWER,
    LOST_REQUEST,
    MAINTENANCE,
    PARALLEL,
    POLICY,
    RATE,
    UNREACHABLE,
    Fault,
    answered,
    refused,
)
from tests.support.tasks import PROVIDER_ID

OTHER = {"prompt": "a harbour at dawn"}


def with_external(external: str = "order-1", **fields: str) -> dict[str, str]:
    return {**PROMPT, "external_task_id": external, **fields}


def test_an_accepted_task_waits_for_its_callback(world: FakeWorld) -> None:
    submitted = world.submit()

    task = world.task(submitted.task.task_id)
    assert task == submitted.task
    assert (task.status, task.version, task.attempts) == (Status.SUBMITTED, 1, 1)
    assert task.provider_task_id == world.api.of(task.task_id).task_id
    assert task.due_at == world.clock() + 120_000
    assert task.deadline_at == world.clock() + 86_400_000
    assert task.expires_at == world.clock() // 1000 + 90 * 86_400
    assert task.request is None
    assert (submitted.repeated, submitted.warnings, world.resubmissions.messages) == (False, (), [])


def test_a_task_is_written_before_it_is_sent(world: FakeWorld) -> None:
    world.submit()

    writes = [name for name in world.calls.names if name in {"tasks.create", "api.send", "tasks.record_acceptance"}]
    assert writes == ["tasks.create", "api.send", "tasks.record_acceptance"]


def test_what_was_written_is_enough_to_send_it_again(world: FakeWorld) -> None:
    world.api.faults.append(LOST_REQUEST)
    task = world.submit(with_external()).task

    assert json.loads(world.task(task.task_id).request or "") == {"body": PROMPT, "public_url": PUBLIC_URL}


def test_the_provider_gets_our_id_and_our_callback_url(world: FakeWorld) -> None:
    task = world.submit(with_external(callback_url="https://client.example/hook")).task

    (sent,) = world.api.requests
    assert sent.body == {
        **PROMPT,
        "external_task_id": task.task_id,
        "callback_url": f"{PUBLIC_URL}/callbacks/{world.tokens.path(task.task_id, 'kling')}",
    }
    assert (task.external_task_id, task.callback_url) == ("order-1", "https://client.example/hook")


def test_a_callback_faster_than_the_answer_finds_its_task(world: FakeWorld) -> None:
    outcomes = []
    send = world.api.send

    def send_and_be_called_back(*arguments: object, **named: object) -> object:
        answer = send(*arguments, **named)  # type: ignore[arg-type]
        (task,) = world.api.tasks.values()
        world.api.succeeds(task.task_id)
        outcomes.append(world.called_back(task.task_id))
        return answer

    world.api.send = send_and_be_called_back  # type: ignore[method-assign,assignment]
    task = world.submit().task

    assert outcomes == [Outcome.APPLIED]
    assert world.task(task.task_id).status is Status.SUCCEED
    task = world.task(task.task_id)
    assert task.due_at == task.updated_at + 60_000, "its files are late then"


# What the client gets wrong


@pytest.mark.parametrize("operation", ["", "../x", "videos/", "videos", "audio/tts", "chat/x", "videos/A", "videos/a/b/c"])
def test_an_unknown_operation_is_refused(world: FakeWorld, operation: str) -> None:
    with pytest.raises(UnknownOperationError, match="videos/text2video"):
        world.submit(operation=operation)


def test_a_wrong_body_is_refused_before_anything_is_written_or_paid(world: FakeWorld) -> None:
    with pytest.raises(InvalidRequestError, match="cfg_scale"):
        world.submit({**PROMPT, "cfg_scale": 2})

    assert world.calls.names == []


@pytest.mark.parametrize("key", ["", "x" * 256, "ä", "a\nb"])
def test_an_idempotency_key_that_is_none_is_refused(world: FakeWorld, key: str) -> None:
    with pytest.raises(InvalidRequestError, match="Idempotency-Key"):
        world.submit(key=key)

    assert world.calls.names == []


def test_prompt_limits_are_those_of_the_settings() -> None:
    with pytest.raises(InvalidRequestError, match="at most 5"):
        FakeWorld(prompt_limit=5).submit()


def test_a_stored_request_is_measured_in_bytes() -> None:
    """As an item is: 262,144 characters can be a megabyte."""
    world = FakeWorld(inline_request_bytes=6000)
    world.api.faults += [RATE, RATE]
    tasks = [world.submit({"prompt": 2000 * character}).task for character in "x😀"]
    assert [(world.task(task.task_id).request or "").startswith("s3:") for task in tasks] == [False, True]


def test_what_is_doubtful_is_a_warning(world: FakeWorld) -> None:
    (warning,) = world.submit({**PROMPT, "model_name": "kling-v9", "callback_url": "https://c.example/"}).warnings

    assert "kling-v9" in warning


@pytest.mark.parametrize("url", ["http://c.example/", "https://10.0.0.1/", "https://localhost/", "http://127.0.0.1:8000/"])
def test_a_callback_url_that_would_never_be_called_is_refused(world: FakeWorld, url: str) -> None:
    with pytest.raises(InvalidRequestError, match=r"^callback_url: expected "):
        world.submit({**PROMPT, "callback_url": url})

    assert world.calls.names == []


def test_a_callback_url_on_this_machine_is_taken_where_the_settings_say_so() -> None:
    task = FakeWorld(allow_loopback=True).submit({**PROMPT, "callback_url": "http://127.0.0.1:8000/"}).task

    assert task.callback_url == "http://127.0.0.1:8000/"


# Idempotency


def test_the_same_key_and_body_is_the_same_task(world: FakeWorld) -> None:
    first = world.submit(key="key").task
    world.clock.advance(seconds=60)

    again = world.submit(dict(PROMPT), key="key")

    assert (again.task, again.repeated) == (first, True)
    assert world.api.paid == {first.task_id: 1}


def test_a_repeat_shows_the_task_as_it_stands_now(world: FakeWorld) -> None:
    first = world.submit(key="key").task
    world.api.succeeds(first.task_id)
    world.called_back(first.task_id)

    assert world.submit(key="key").task.status is Status.SUCCEED


def test_the_same_key_with_another_body_is_refused(world: FakeWorld) -> None:
    world.submit(key="key")

    with pytest.raises(IdempotencyKeyReusedError):
        world.submit(OTHER, key="key")
    with pytest.raises(IdempotencyKeyReusedError):
        world.submit({**PROMPT, "image": "https://c.example/a.png"}, operation="images/generations", key="key")

    assert len(world.api.tasks) == 1


def test_without_a_key_the_same_body_is_another_task(world: FakeWorld) -> None:
    assert world.submit().task.task_id != world.submit().task.task_id
    assert len(world.api.tasks) == 2


def test_a_key_is_each_tenants_own(world: FakeWorld) -> None:
    tasks = {world.submit(with_external(), tenant=tenant, key="key").task.task_id for tenant in ("acme", "mallory")}

    assert len(tasks) == len(world.api.tasks) == 2


def test_an_external_id_is_used_once(world: FakeWorld) -> None:
    world.submit(with_external())

    for body in (with_external(), with_external(prompt="other")):
        with pytest.raises(ExternalTaskIdTakenError, match="External_task_id order-1 already exists") as caught:
            world.submit(body)
        assert caught.value.code == 1201

    assert len(world.api.tasks) == 1


def test_an_external_id_determines_the_task_id(world: FakeWorld) -> None:
    assert world.submit(with_external(), key="key").task.task_id == derived_task_id("acme", "external_task_id", "order-1")


def test_both_keys_again_are_the_same_task(world: FakeWorld) -> None:
    first = world.submit(with_external(), key="key").task

    again = world.submit(with_external(), key="key")

    assert (again.task, again.repeated) == (first, True)
    assert len(world.api.tasks) == 1


def test_both_keys_with_another_body_are_refused(world: FakeWorld) -> None:
    world.submit(with_external(), key="key")

    with pytest.raises(IdempotencyKeyReusedError):
        world.submit(with_external(prompt="other"), key="key")


def test_an_external_id_under_another_key_is_taken(world: FakeWorld) -> None:
    world.submit(with_external(), key="key")

    with pytest.raises(ExternalTaskIdTakenError):
        world.submit(with_external(), key="another")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (with_external("order-1"), with_external("order-2")),
        (with_external("order-1"), PROMPT),
        (PROMPT, with_external("order-1")),
    ],
    ids=["another external id", "first with an external id", "then with an external id"],
)
def test_a_key_is_bound_to_its_body_external_id_included(world: FakeWorld, first: dict[str, str], second: dict[str, str]) -> None:
    world.submit(first, key="key")

    with pytest.raises(IdempotencyKeyReusedError):
        world.submit(second, key="key")

    assert len(world.api.tasks) == 1


def test_a_refused_task_leaves_its_external_id_free(world: FakeWorld) -> None:
    world.api.faults.append(POLICY)
    refused = world.submit(with_external()).task

    again = world.submit(with_external())

    assert not again.repeated
    assert again.task.task_id == derived_task_id("acme", "external_task_id", "order-1", 1) != refused.task_id
    assert world.api.paid == {again.task.task_id: 1}
    with pytest.raises(ExternalTaskIdTakenError):
        world.submit(with_external())


def test_a_repeated_key_gets_its_refusal_again(world: FakeWorld) -> None:
    world.api.faults.append(POLICY)
    refused = world.submit(with_external(), key="key").task

    again = world.submit(with_external(), key="key")

    assert (again.task, again.repeated) == (refused, True)
    assert len(world.api.requests) == 1


def test_an_external_id_is_not_tried_for_ever(world: FakeWorld) -> None:
    world.api.faults.extend([POLICY] * 16)
    for _ in range(16):
        world.submit(with_external())

    with pytest.raises(ExternalTaskIdTakenError, match="too often"):
        world.submit(with_external())
    assert len(world.api.requests) == 16


def test_an_expired_task_does_not_free_its_external_id(world: FakeWorld) -> None:
    world.api.faults.append(LOST_REQUEST)
    task = world.submit(with_external()).task
    world.clock.advance(seconds=90_000)
    world.resubmit(task.task_id, 1)
    assert world.task(task.task_id).failure is not None

    with pytest.raises(ExternalTaskIdTakenError):
        world.submit(with_external())


# Large requests


def test_a_large_request_is_kept_beside_the_table(world: FakeWorld) -> None:
    world.api.faults.append(RATE)
    task = world.submit({"prompt": "x" * 2400, "unknown": "y" * 4096}).task

    request = world.task(task.task_id).request or ""
    assert request.startswith("s3:requests/")
    kept = json.loads(world.documents.requests[request.removeprefix("s3:")])
    assert kept["body"]["unknown"] == "y" * 4096
    assert world.calls.names.index("documents.put_request") < world.calls.names.index("tasks.create")


def test_a_repeat_with_another_large_body_does_not_replace_the_request_that_is_kept(world: FakeWorld) -> None:
    world.api.faults.append(RATE)
    task = world.submit({**PROMPT, "unknown": "y" * 9000}, key="key").task
    kept = world.documents.requests[(task.request or "").removeprefix("s3:")]

    with pytest.raises(IdempotencyKeyReusedError):
        world.submit({**PROMPT, "unknown": "z" * 9000}, key="key")

    assert world.documents.requests[(world.task(task.task_id).request or "").removeprefix("s3:")] == kept


# What the provider makes of it


@pytest.mark.parametrize("fault", [RATE, PARALLEL, MAINTENANCE, UNREACHABLE], ids=["1302", "1303", "5001", "unreachable"])
def test_a_provider_that_is_busy_is_asked_again_soon(world: FakeWorld, fault: Fault) -> None:
    world.api.faults.append(fault)

    submitted = world.submit()

    assert submitted.task.status is Status.SUBMITTED
    (message,) = world.resubmissions.messages
    assert (message.task_id, message.attempt) == (submitted.task.task_id, 1)
    assert 4 <= message.delay <= 8
    assert world.task(submitted.task.task_id).due_at == world.clock() + (message.delay + 120) * 1000


@pytest.mark.parametrize(
    "fault",
    [LOST_ANSWER, LOST_REQUEST, HANGS_WITH_IT, HANGS_WITHOUT_IT, INTERNAL, Fault(handles=True, answer=answered(200, b"<html>"))],
    ids=["lost answer", "lost request", "hangs with it", "hangs without it", "5000", "200 with HTML"],
)
def test_an_unknown_outcome_is_looked_into_later(world: FakeWorld, fault: Fault) -> None:
    world.api.faults.append(fault)

    submitted = world.submit()

    assert submitted.task.status is Status.SUBMITTED
    assert submitted.task.request is not None
    (message,) = world.resubmissions.messages
    assert message.delay >= 30
    assert len(world.api.requests) == 1, "nothing is sent twice within a request"


def test_a_provider_that_hangs_is_given_20_seconds(world: FakeWorld) -> None:
    before = world.clock()
    world.api.faults.append(HANGS_WITH_IT)

    world.submit()

    assert world.clock() - before == 20_000


def test_the_task_is_due_later_before_the_attempt_is_queued(world: FakeWorld) -> None:
    world.api.faults.append(RATE)
    world.submit()

    assert world.calls.names[-2:] == ["tasks.schedule_attempt", "resubmissions.put"]


@pytest.mark.parametrize(("fault", "status", "code"), [(POLICY, 400, 1301), (refused(404, 1203), 404, 1203)])
def test_a_refusal_is_final_and_says_why(world: FakeWorld, fault: Fault, status: int, code: int) -> None:
    world.api.faults.append(fault)

    task = world.submit().task

    assert (task.status, task.version, task.due_at, task.request) == (Status.FAILED, 2, None, None)
    assert task.failure is not None
    assert (task.failure.code, task.failure.http_status, task.failure.provider_code) == (FailureCode.REJECTED, status, code)
    assert world.resubmissions.messages == []


def test_a_refusal_after_a_callback_is_no_refusal(world: FakeWorld) -> None:
    send = world.api.send

    def send_late(*arguments: object, **named: object) -> object:
        (task_id,) = world.tasks.tasks
        body = {"task_id": PROVIDER_ID, "task_status": "failed", "task_status_msg": "risk control", "updated_at": 1}
        world.receive(task_id, json.dumps(body).encode())
        return send(*arguments, **named)  # type: ignore[arg-type]

    world.api.faults.append(POLICY)
    world.api.send = send_late  # type: ignore[method-assign,assignment]
    task = world.submit().task

    assert task.failure is not None
    assert (task.failure.code, task.message) == (FailureCode.PROVIDER, "risk control")


def test_an_earlier_send_of_the_same_task_is_fetched_later(world: FakeWorld) -> None:
    world.submit(new_id="a" * 32)
    world.tasks.tasks.clear()

    world.submit(new_id="a" * 32)

    assert world.api.paid == {"a" * 32: 1}
    assert [message.task_id for message in world.resubmissions.messages] == ["a" * 32]


@pytest.mark.parametrize("body", [PROMPT, with_external()], ids=["random id", "external id"])
@pytest.mark.parametrize(
    "fault", [None, RATE, LOST_ANSWER, LOST_REQUEST, POLICY], ids=["fine", "busy", "lost", "unsent", "refused"]
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_any_call_a_task_is_finished_and_paid_once_at_most(
    body: dict[str, str], fault: Fault | None, when: str
) -> None:
    counted = FakeWorld()
    counted.api.faults.append(fault)
    counted.submit(body)
    for number in range(len(counted.calls.names)):
        world = FakeWorld()
        world.api.faults.append(fault)
        setattr(world.calls, f"crash_{when}", number)
        with pytest.raises(Crash):
            world.submit(body)

        for _ in range(4):
            world.clock.advance(seconds=4000)
            for task_id in list(world.tasks.tasks):
                world.reconcile_one(task_id)
            for message in world.resubmissions.messages[:]:
                world.resubmit(message.task_id, message.attempt)
            for paid in world.api.tasks:
                world.api.succeeds(paid)

        assert all(task.is_over for task in world.tasks.tasks.values()), counted.calls.names[number]
        assert set(world.api.paid.values()) <= {1}
        assert set(world.api.paid) <= set(world.tasks.tasks)
