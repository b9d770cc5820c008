"""The stream as outbox: which events each change of a task puts on the bus."""

import copy
import json
from collections.abc import Sequence
from typing import Any

import pytest

from relay.domain.events import Event
from tests.support.moto_world import MotoWorld, event

DONE: dict[str, object] = {"batchItemFailures": []}


@pytest.mark.parametrize(
    ("case", "kind", "version", "previous", "status"),
    [
        ("created", "Task Status Changed", 1, None, "submitted"),
        ("processing", "Task Status Changed", 2, "submitted", "processing"),
        ("succeed", "Task Status Changed", 3, "processing", "succeed"),
        ("failed", "Task Status Changed", 2, "submitted", "failed"),
        ("results_delayed", "Task Results Delayed", 4, "succeed", "succeed"),
        ("results_stored", "Task Results Stored", 4, "succeed", "succeed"),
    ],
)
def test_each_change_is_one_event(world: MotoWorld, case: str, kind: str, version: int, previous: str, status: str) -> None:
    payload = event(f"publish_events.{case}")
    assert world.call("publish_events", payload) == DONE
    (told,) = world.messages("events")
    assert (told["source"], told["detail-type"]) == ("comet.relay", kind)
    detail = told["detail"]
    image = payload["Records"][0]["dynamodb"]["NewImage"]
    assert detail["event_id"] == f"{image['task_id']['S']}:{version}"
    assert (detail["version"], detail["previous_status"], detail["status"]) == (version, previous, status)
    assert (detail["tenant"], detail["schema_version"]) == ("acme", "1.2")
    assert len(world.messages("archives")) == (1 if case == "succeed" else 0)


def test_stored_results_are_described_in_full(world: MotoWorld) -> None:
    world.call("publish_events", event("publish_events.results_stored"))
    (result,) = world.messages("events")[0]["detail"]["results"]
    assert {"bucket", "key", "bytes", "sha256", "media_type", "url", "id", "kind", "duration"} == result.keys()


def test_an_event_tells_nothing_that_is_private(world: MotoWorld) -> None:
    world.call("publish_events", event("publish_events.created"))
    (told,) = world.messages("events")
    assert {"request", "fingerprint", "idempotency_key", "callback_url", "document"}.isdisjoint(told["detail"])


@pytest.mark.parametrize("case", ["accepted", "expired_item"])
def test_what_is_no_change_of_state_is_no_event(world: MotoWorld, case: str) -> None:
    assert world.call("publish_events", event(f"publish_events.{case}")) == DONE
    assert world.messages("events") == []


def test_neither_the_claim_of_an_idempotency_key_nor_the_acceptance_is_an_event(world: MotoWorld) -> None:
    world.submit(body={"prompt": "a", "external_task_id": "order-1"}, idempotency_key="key-1")
    assert len(world.records()) == 1, "the mapping leaves the claim and the acceptance out"
    world.sequences.clear()
    assert world.publish() == DONE
    assert [told["detail"]["version"] for told in world.messages("events")] == [1]


def test_a_whole_batch_is_published_in_order(world: MotoWorld) -> None:
    task_ids = [world.submitted() for _ in range(6)]
    for case in ("processing", "succeed"):
        for task_id in task_ids:
            world.callback(case, task_id)
    assert world.publish() == DONE
    told = world.messages("events")
    assert len(told) == 18
    for task_id in task_ids:
        assert sorted(each["detail"]["version"] for each in told if each["detail"]["task_id"] == task_id) == [1, 2, 3]
    assert len(world.messages("archives")) == 6


def test_an_event_that_no_bus_accepts_is_in_the_bucket_and_the_next_is_published(
    world: MotoWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a task that version 0.2.0 stored may be, which had no limit for all results together."""
    large, small = (copy.deepcopy(event("publish_events.succeed")["Records"][0]) for _ in range(2))
    image = large["dynamodb"]["NewImage"]
    results = json.loads(image["results"]["S"])
    image["results"]["S"] = json.dumps([{**results[0], "url": f"https://c/{n}".ljust(4096, "x")} for n in range(64)])

    assert world.call("publish_events", {"Records": [large, small]}) == DONE

    assert [len(told["detail"]["results"]) for told in world.messages("events")] == [1]
    key = f"unpublished/{image['task_id']['S']}/{image['version']['N']}.json"
    kept = json.loads(world.s3.get_object(Bucket="results", Key=key)["Body"].read())
    assert (kept["source"], kept["detail-type"], len(kept["detail"]["results"])) == ("comet.relay", "Task Status Changed", 64)
    assert '"EventsDiverted":[1.0]' in capsys.readouterr().out


class HalfDeafBus:
    """Does not take the events with these indices."""

    def __init__(self, *failing: int) -> None:
        self._failing = failing

    def publish(self, events: Sequence[Event]) -> list[int]:
        return [index for index in self._failing if index < len(events)]


@pytest.mark.parametrize(("failing", "again_from"), [((2,), 2), ((0, 1, 2), 0), ((1, 2), 1)])
def test_the_batch_is_delivered_again_from_the_first_event_not_taken(
    world: MotoWorld, failing: tuple[int, ...], again_from: int
) -> None:
    records: list[Any] = []
    for number, case in enumerate(("created", "accepted", "processing", "expired_item", "succeed")):
        record = copy.deepcopy(event(f"publish_events.{case}")["Records"][0])
        record["dynamodb"]["SequenceNumber"] = f"sequence-{number}"
        records.append(record)
    world.services.__dict__["events"] = HalfDeafBus(*failing)
    told = ["sequence-0", "sequence-2", "sequence-4"]
    answer = world.call("publish_events", {"Records": records})
    assert answer == {"batchItemFailures": [{"itemIdentifier": told[again_from]}]}


def test_a_bus_that_fails_altogether_fails_the_batch(world: MotoWorld) -> None:
    world.services.__dict__["events"] = None
    with (
        pytest.warns(UserWarning, match="No application metrics"),
        pytest.raises(AttributeError, match="publish"),
    ):
        world.call("publish_events", event("publish_events.created"))
