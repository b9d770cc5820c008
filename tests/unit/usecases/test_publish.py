"""Publishing: the stream of the table becomes events, in order, none without its change."""

from collections.abc import Iterable

import pytest

from relay.domain.task import Task
from relay.ports import Record
from relay.usecases.publish import publish
from tests.support.fakes.events import FakeEvents
from tests.support.fakes.fake_world import FakeWorld
from tests.support.tasks import NOON, PROCESSING, SUCCEED, task_of

FIRST = task_of()
SECOND = FIRST.moved_to(PROCESSING, at=NOON)
THIRD = SECOND.moved_to(SUCCEED, at=NOON)


def records(steps: Iterable[tuple[Task | None, Task | None]]) -> list[Record]:
    return [Record(str(100 + number), before, after) for number, (before, after) in enumerate(steps)]


LIFE = records([(None, FIRST), (FIRST, FIRST), (None, None), (FIRST, SECOND), (SECOND, THIRD), (THIRD, None)])


def test_each_version_is_published_once_and_in_order() -> None:
    events = FakeEvents()

    assert publish(LIFE, events=events) is None

    assert events.ids == [f"{FIRST.task_id}:{version}" for version in (1, 2, 3)]


@pytest.mark.parametrize(("refused", "again_from"), [({0}, "100"), ({1}, "103"), ({2}, "104"), ({1, 2}, "103"), ({0, 2}, "100")])
def test_what_was_not_taken_is_begun_again_from_its_record(refused: set[int], again_from: str) -> None:
    events = FakeEvents()
    events.refusals.append(refused)

    assert publish(LIFE, events=events) == again_from

    rest = [record for record in LIFE if record.sequence_number >= again_from]
    assert publish(rest, events=events) is None
    assert set(events.ids) == {f"{FIRST.task_id}:{version}" for version in (1, 2, 3)}


def test_nothing_to_tell_is_no_call() -> None:
    events = FakeEvents()
    events.refusals.append({0})

    assert publish(records([(FIRST, FIRST), (None, None), (THIRD, None)]), events=events) is None
    assert publish([], events=events) is None
    assert len(events.refusals) == 1


def test_the_whole_way_of_a_task_is_told_without_a_gap(world: FakeWorld) -> None:
    task_id = world.submit().task.task_id
    world.reconcile_one(task_id)
    world.api.proceeds(task_id)
    world.called_back(task_id)
    world.api.succeeds(task_id)
    world.called_back(task_id)

    world.publish()

    assert world.events.ids == [f"{task_id}:{version}" for version in (1, 2, 3)]
    assert [event.detail["status"] for event in world.events.published] == ["submitted", "processing", "succeed"]
