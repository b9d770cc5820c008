"""The progress of one task, without a server."""

from local.simulator.account.tasks import Task
from local.simulator.common.settings import Settings
from local.simulator.protocol.kling.operations import OPERATIONS
from local.simulator.protocol.registry import make_account


def task() -> Task:
    return Task("1", OPERATIONS["videos/text2video"], {}, created_at=1_000, updated_at=1_000)


def test_a_task_never_goes_back() -> None:
    moving = task()
    assert moving.move_to("succeed", "", 2_000)
    assert not moving.move_to("processing", "", 3_000)
    assert not moving.move_to("failed", "no", 3_000)
    assert (moving.status, moving.message, moving.updated_at) == ("succeed", "", 2_000)


def test_a_clock_that_goes_back_does_not_take_updated_at_along() -> None:
    moving = task()
    moving.move_to("processing", "", 500)
    assert moving.updated_at == 1_000


def test_tasks_take_different_times_around_the_ones_set() -> None:
    settings = Settings().changed({"submitted_seconds": 10.0, "processing_seconds": 100.0, "speed": 10.0})
    scheduler = make_account(7, "", settings).scheduler
    delays = [scheduler._delays(settings) for _ in range(20)]
    assert len(set(delays)) == 20
    assert all(0.8 <= first <= 1.2 and 8 <= second <= 12 for first, second in delays)


def test_urls_heal_only_as_often_as_they_died() -> None:
    dying = task()
    dying.kill_urls(403, times=2)
    generations = []
    for _ in range(4):
        dying.refresh_urls()
        generations.append(dying.generation)
    assert generations == [1, 2, 2, 2]
    assert (dying.dead_below, dying.dead_status) == (2, 403)
