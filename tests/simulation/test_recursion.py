"""Lambda's recursive loop detection in the simulation: retries go on for days only because the template allows it."""

from unittest.mock import patch

import pytest

from relay.domain.task import Status
from relay.domain.webhook import Answer, DeliveryOutcome
from relay.usecases import reconcile
from tests.aws.recursion import MOST_INVOCATIONS
from tests.simulation.clients import Request
from tests.simulation.faults import Decisions
from tests.simulation.functions import InlinePool
from tests.simulation.queues import ALLOWED
from tests.simulation.simulated_world import SimulatedWorld
from tests.support.fakes.clock import NOON

DAY = 86_400
ENDPOINT = "https://acme.example/a"
LONG = "5,300,1800,7200,18000,36000,50400,72000,86400"
DROPPED = "dropped: Lambda stops a recursive loop"


def a_world(monkeypatch: pytest.MonkeyPatch, *, down_for: float) -> SimulatedWorld:
    """Nothing fails but the client's endpoint, for so many seconds; the default schedule of retries."""
    worlds = (SimulatedWorld(Decisions(seed)) for seed in range(100))
    world = next(each for each in worlds if each.settings.webhook_retry_seconds == LONG and each.settings.external_ids_honoured)
    world.decisions.calm = True
    until = NOON + down_for * 1000

    def answer(_fault: object, _event_id: str) -> Answer:
        return Answer(took_ms=80, http_status=500 if world.clock.now < until else 204)

    monkeypatch.setattr(world.endpoints, "_answer", answer)
    monkeypatch.setattr(world.endpoints, "_take", lambda *_: None)
    world.clients.plan([Request("request 0", "acme", "videos/text2video", "waves", None, None, ENDPOINT)], 1)
    with patch.object(reconcile, "ThreadPoolExecutor", InlinePool):
        world.scheduler.run()
    return world


def drops(world: SimulatedWorld) -> int:
    return sum(text == DROPPED for _, _, text in world.scheduler.story)


def test_an_endpoint_that_is_down_for_a_day_gets_its_webhook_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    world = a_world(monkeypatch, down_for=DAY)
    [task] = world.tasks.tasks.values()
    log = world.hooks.log(task.task_id)
    assert task.status is Status.SUCCEED
    assert log
    assert log.outcome is DeliveryOutcome.DELIVERED
    assert log.attempts[-1].at > NOON + DAY * 1000
    assert drops(world) == 0


def test_an_endpoint_that_stays_down_gets_every_attempt_of_the_schedule(monkeypatch: pytest.MonkeyPatch) -> None:
    world = a_world(monkeypatch, down_for=365 * DAY)
    [task] = world.tasks.tasks.values()
    log = world.hooks.log(task.task_id)
    assert log
    assert log.outcome is DeliveryOutcome.UNDELIVERABLE
    assert len([attempt for attempt in log.attempts if attempt.version == log.version]) == len(LONG.split(",")) + 1
    assert drops(world) == 0


def test_without_the_permission_the_schedule_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.simulation.queues.ALLOWED", frozenset())
    world = a_world(monkeypatch, down_for=365 * DAY)
    [task] = world.tasks.tasks.values()
    log = world.hooks.log(task.task_id)
    assert drops(world) > 0
    assert log
    assert log.outcome is DeliveryOutcome.RETRYING


def waiting_for(monkeypatch: pytest.MonkeyPatch, allowed: frozenset[str]) -> SimulatedWorld:
    """A task whose provider is unreachable until its deadline, and no reconciler that would queue it anew."""
    monkeypatch.setattr("tests.simulation.queues.ALLOWED", allowed)
    monkeypatch.setattr(SimulatedWorld, "_plan_tick", lambda _world: None)
    worlds = (SimulatedWorld(Decisions(seed)) for seed in range(100))
    world = next(each for each in worlds if each.settings.task_deadline == 14_400 and each.settings.external_ids_honoured)
    world.decisions.calm = True
    world.provider.is_down = True
    world.clients.plan([Request("request 0", "acme", "videos/text2video", "waves", None, None, None)], 1)
    world.scheduler.run()
    return world


def looks(world: SimulatedWorld) -> list[int]:
    """The times (ms) at which a message of the queue `resubmissions` arrived."""
    return [at for at, _, text in world.scheduler.story if text.startswith("resubmissions: ")]


def test_a_task_is_sent_again_until_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    world = waiting_for(monkeypatch, ALLOWED)
    last = max(looks(world))
    assert len(looks(world)) > MOST_INVOCATIONS
    assert last >= NOON + world.settings.task_deadline * 1000
    assert drops(world) == 0


def test_without_the_permission_a_task_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    world = waiting_for(monkeypatch, frozenset())
    assert max(looks(world)) < NOON + world.settings.task_deadline * 1000
    assert drops(world) == 1
