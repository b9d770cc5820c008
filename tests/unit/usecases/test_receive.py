"""Receiving a callback: who, what, and in which order it is kept."""

import json

import pytest

from relay.domain.errors import CallbackNotAuthenticError
from relay.domain.events import CALLBACK_QUARANTINED
from relay.domain.task import FailureCode, Rank, Status
from relay.usecases.apply import Outcome
from relay.usecases.receive import CALLBACK_LIMIT
from tests.support.fakes.calls import Crash
from tests.support.fakes.fake_world import FakeWorld


@pytest.fixture
def task_id(world: FakeWorld) -> str:
    """A task that the provider has."""
    task_id = world.submit().task.task_id
    world.calls.names.clear()
    return task_id


def test_each_callback_moves_the_task_on(world: FakeWorld, task_id: str) -> None:
    world.api.proceeds(task_id)
    assert world.called_back(task_id) is Outcome.APPLIED
    assert world.task(task_id).status is Status.PROCESSING

    world.api.succeeds(task_id)
    assert world.called_back(task_id) is Outcome.APPLIED
    assert (world.task(task_id).status, world.task(task_id).version) == (Status.SUCCEED, 3)
    assert len(world.task(task_id).results) == 1


def test_a_repeated_callback_changes_nothing(world: FakeWorld, task_id: str) -> None:
    world.api.succeeds(task_id)
    world.called_back(task_id)
    before, records = world.task(task_id), len(world.tasks.records)

    assert world.called_back(task_id) is Outcome.STALE

    assert world.task(task_id) == before
    assert len(world.tasks.records) == records


def test_callbacks_out_of_order_change_nothing(world: FakeWorld, task_id: str) -> None:
    early = world.api.proceeds(task_id).callback()
    world.api.fails(task_id)
    world.called_back(task_id)

    assert world.receive(task_id, early) is Outcome.STALE
    assert world.task(task_id).status is Status.FAILED


def test_a_verdict_after_the_deadline_is_welcome(world: FakeWorld, task_id: str) -> None:
    world.clock.advance(seconds=90_000)
    world.api.proceeds(task_id)
    world.reconcile_one(task_id)
    assert world.task(task_id).rank is Rank.GIVEN_UP

    world.api.succeeds(task_id)

    assert world.called_back(task_id) is Outcome.APPLIED
    assert (world.task(task_id).status, world.task(task_id).failure) == (Status.SUCCEED, None)


def test_a_success_is_kept_as_received_before_the_state_changes(world: FakeWorld, task_id: str) -> None:
    body = world.api.succeeds(task_id).callback()
    world.called_back(task_id)

    assert world.calls.names == ["tokens.provider_of", "documents.put_callback", "tasks.change"]
    assert world.documents.callbacks[task_id] == body


def test_a_crash_after_keeping_leaves_a_task_that_the_next_callback_finishes(world: FakeWorld, task_id: str) -> None:
    world.api.succeeds(task_id)
    world.calls.crash_before = 2
    with pytest.raises(Crash, match=r"before tasks\.change"):
        world.called_back(task_id)

    assert world.called_back(task_id) is Outcome.APPLIED
    assert world.task(task_id).status is Status.SUCCEED


def test_the_first_document_of_a_success_stays(world: FakeWorld, task_id: str) -> None:
    first = world.api.succeeds(task_id).callback()
    world.called_back(task_id)
    world.api.succeeds(task_id, "https://provider.example/another.mp4")
    world.called_back(task_id)

    assert world.documents.callbacks[task_id] == first


@pytest.mark.parametrize("status", ["submitted", "processing", "failed"])
def test_only_a_success_is_kept(world: FakeWorld, task_id: str, status: str) -> None:
    world.receive(task_id, json.dumps({"task_id": "1", "task_status": status, "updated_at": 1}).encode())

    assert world.documents.callbacks == {}


# Who


FORGED = ["", "kling", "kling.", "x.y", "kling.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "ä\ud800", "k" * 100_000, "."]


@pytest.mark.parametrize("token", FORGED, ids=range(len(FORGED)))
def test_a_forged_token_is_refused_before_anything_is_read_or_parsed(world: FakeWorld, task_id: str, token: str) -> None:
    for body in (world.api.succeeds(task_id).callback(), b"\xff{"):
        with pytest.raises(CallbackNotAuthenticError):
            world.receive(task_id, body, token)

    assert world.calls.names == ["tokens.provider_of"] * 2
    assert world.documents.quarantined == {}


def test_a_token_opens_its_own_task_only(world: FakeWorld, task_id: str) -> None:
    other = world.submit().task.task_id
    foreign = world.tokens.path(other, "kling").split("/")[1]
    own = world.tokens.path(task_id, "kling").split("/")[1]

    for token in (foreign, own[:-1], own + "A", own.upper(), own.replace("kling", "kline"), " " + own):
        with pytest.raises(CallbackNotAuthenticError):
            world.receive(task_id, b"{}", token)


def test_while_the_secret_rotates_the_tokens_before_it_are_good(world: FakeWorld, task_id: str) -> None:
    world.secrets_manager.rotate("the second secret")
    world.clock.advance(seconds=301)

    world.api.proceeds(task_id)
    assert world.called_back(task_id) is Outcome.APPLIED
    assert world.submit().task.task_id in world.api.paid

    world.secrets_manager.rotate("the third secret")
    world.clock.advance(seconds=301)
    world.api.succeeds(task_id)
    with pytest.raises(CallbackNotAuthenticError):
        world.called_back(task_id)


def test_a_token_of_a_secret_that_was_just_generated_is_good(world: FakeWorld, task_id: str) -> None:
    world.receive(task_id, world.api.proceeds(task_id).callback())
    world.secrets_manager.rotate("the second secret")
    world.clock.advance(seconds=11)
    elsewhere = FakeWorld()
    elsewhere.secrets_manager.stages = dict(world.secrets_manager.stages)
    token = elsewhere.tokens.path(task_id, "kling").split("/")[1]

    assert world.receive(task_id, world.api.succeeds(task_id).callback(), token) is Outcome.APPLIED


# What


BAD = {
    "not JSON": b"<html>",
    "not UTF-8": b"\xff\xfe\xfa",
    "empty": b"",
    "an unknown status": b'{"task_id":"1","task_status":"moderated"}',
    "another protocol": b'{"id":"1","status":"succeeded"}',
    "nested without end": b"[" * 100_000,
    "too large": b'{"task_id":"1","task_status":"failed","x":"' + b"x" * CALLBACK_LIMIT + b'"}',
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_understood_is_kept_verbatim_and_announced(world: FakeWorld, task_id: str, case: str) -> None:
    before = world.task(task_id)

    assert world.receive(task_id, BAD[case]) is Outcome.QUARANTINED

    ((key, kept),) = world.documents.quarantined.items()
    assert (kept.task_id, kept.body, kept.at) == (task_id, BAD[case], world.clock())
    (event,) = world.events.published
    assert event.detail_type == CALLBACK_QUARANTINED
    assert (event.detail["key"], event.detail["reason"]) == (key, kept.reason)
    assert kept.reason
    assert world.task(task_id) == before
    assert world.documents.callbacks == {}


def test_a_callback_of_the_largest_size_is_read(world: FakeWorld, task_id: str) -> None:
    frame = b'{"task_id":"1","task_status":"failed","x":"%s"}'
    body = frame % (b"x" * (CALLBACK_LIMIT - len(frame) + 2))
    assert len(body) == CALLBACK_LIMIT

    assert world.receive(task_id, body) is Outcome.APPLIED


def test_a_callback_for_a_task_that_is_gone_is_kept(world: FakeWorld, task_id: str) -> None:
    body = world.api.succeeds(task_id).callback()
    world.tasks.tasks.clear()

    assert world.receive(task_id, body) is Outcome.QUARANTINED
    assert [kept.body for kept in world.documents.quarantined.values()] == [body]


def test_a_callback_with_another_id_of_the_provider_is_believed_for_its_token(world: FakeWorld, task_id: str) -> None:
    known = world.task(task_id).provider_task_id
    body = {"task_id": "another", "task_status": "failed", "task_status_msg": "no", "updated_at": "1750000000001"}

    assert world.receive(task_id, json.dumps(body).encode()) is Outcome.APPLIED

    task = world.task(task_id)
    assert task.failure is not None
    assert (task.failure.code, task.provider_task_id) == (FailureCode.PROVIDER, known)
