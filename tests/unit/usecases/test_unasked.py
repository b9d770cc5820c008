"""A provider that does not know our ids: nobody can be asked, so that a send of unknown outcome is never repeated."""

import pytest

from relay.domain.task import FailureCode, Status
from relay.usecases.apply import Outcome
from relay.usecases.reconcile import Reconciled
from relay.usecases.resubmit import Resubmitted
from tests.support.fakes.fake_world import FakeWorld
from tests.support.fakes.provider import HANGS_WITH_IT, INTERNAL, LOST_ANSWER, LOST_REQUEST, RATE, UNREACHABLE, Fault


@pytest.fixture
def world() -> FakeWorld:
    """Where `external_task_id` is not honoured."""
    return FakeWorld(external_ids_honoured=False)


@pytest.mark.parametrize("fault", [LOST_ANSWER, LOST_REQUEST, HANGS_WITH_IT, INTERNAL], ids=["lost", "unsent", "hangs", "5000"])
def test_an_unknown_outcome_is_waited_for_and_ends_as_unknown(world: FakeWorld, fault: Fault) -> None:
    world.api.faults.append(fault)
    task_id = world.submit().task.task_id
    assert world.resubmissions.messages == []

    world.clock.advance(seconds=600)
    assert world.reconcile_one(task_id) is Reconciled.UNCHANGED
    world.clock.now = world.task(task_id).deadline_at
    assert world.reconcile_one(task_id) is Reconciled.EXPIRED

    failure = world.task(task_id).failure
    assert failure is not None
    assert failure.code is FailureCode.UNKNOWN
    assert len(world.api.requests) == 1, "neither asked nor sent again"


def test_a_callback_still_brings_the_verdict(world: FakeWorld) -> None:
    world.api.faults.append(LOST_ANSWER)
    task_id = world.submit().task.task_id
    world.api.succeeds(task_id)

    assert world.called_back(task_id) is Outcome.APPLIED
    assert world.task(task_id).status is Status.SUCCEED


@pytest.mark.parametrize("fault", [RATE, UNREACHABLE], ids=["busy", "unreachable"])
def test_what_was_certainly_not_accepted_is_sent_again_without_asking(world: FakeWorld, fault: Fault) -> None:
    world.api.faults.append(fault)
    task_id = world.submit().task.task_id

    assert world.resubmit(task_id, 1) is Resubmitted.SENT

    assert [request.method for request in world.api.requests] == ["POST", "POST"]
    assert world.api.paid == {task_id: 1}


def test_an_accepted_task_is_asked_for_by_the_providers_id(world: FakeWorld) -> None:
    task_id = world.submit().task.task_id
    world.api.fails(task_id)

    assert world.reconcile_one(task_id) is Reconciled.MOVED
    assert world.api.requests[-1].path.endswith(f"/{world.api.of(task_id).task_id}")


def test_an_accepted_task_that_is_never_heard_of_is_expired_not_unknown(world: FakeWorld) -> None:
    task_id = world.submit().task.task_id
    world.clock.now = world.task(task_id).deadline_at

    world.reconcile_one(task_id)

    failure = world.task(task_id).failure
    assert failure is not None
    assert failure.code is FailureCode.EXPIRED
