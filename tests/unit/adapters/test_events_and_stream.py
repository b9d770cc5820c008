"""The bus in batches of ten, the stream's records as tasks, and the queue's messages."""

import json
from typing import Any

import pytest

from relay.adapters.dynamodb.items import item_of
from relay.adapters.dynamodb.stream import records_of
from relay.adapters.eventbridge import EventBridgePublisher
from relay.adapters.sqs import SqsResubmissions
from relay.domain.events import STATUS_CHANGED, Event
from relay.domain.task import Task
from tests.support.tasks import NOON


class Bus:
    """PutEvents that does not take the entries with these event ids."""

    def __init__(self, *failing: int) -> None:
        self._failing = failing
        self.calls: list[list[dict[str, Any]]] = []

    def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        self.calls.append(Entries)
        answers = []
        for entry in Entries:
            number = json.loads(entry["Detail"])["number"]
            fails = number in self._failing
            answers.append({"ErrorCode": "ThrottlingException", "ErrorMessage": "slow"} if fails else {"EventId": str(number)})
        return {"FailedEntryCount": sum("ErrorCode" in answer for answer in answers), "Entries": answers}


def events(count: int) -> list[Event]:
    return [Event(STATUS_CHANGED, {"number": number, "text": "für 🐈"}) for number in range(count)]


@pytest.mark.parametrize(("count", "sizes"), [(0, []), (1, [1]), (10, [10]), (11, [10, 1]), (25, [10, 10, 5])])
def test_events_go_out_ten_at_a_time_and_in_order(count: int, sizes: list[int]) -> None:
    bus = Bus()
    assert EventBridgePublisher(bus, "bus").publish(events(count)) == []
    assert [len(call) for call in bus.calls] == sizes
    assert [json.loads(entry["Detail"])["number"] for call in bus.calls for entry in call] == list(range(count))


@pytest.mark.parametrize("failing", [(0,), (9,), (10,), (3, 17), (0, 9, 10, 19, 20, 24), tuple(range(25))])
def test_the_indices_of_those_not_taken_are_those_of_the_whole_batch(failing: tuple[int, ...]) -> None:
    assert EventBridgePublisher(Bus(*failing), "bus").publish(events(25)) == list(failing)


def test_an_entry_says_source_kind_detail_and_bus() -> None:
    bus = Bus()
    EventBridgePublisher(bus, "the-bus").publish(events(1))
    ((entry,),) = bus.calls
    assert {name: value for name, value in entry.items() if name != "Detail"} == {
        "Source": "comet.relay",
        "DetailType": "Task Status Changed",
        "EventBusName": "the-bus",
    }
    assert entry["Detail"] == '{"number":0,"text":"für 🐈"}'


TASK = Task(
    task_id="t", tenant="acme", provider="kling", operation="videos/text2video", created_at=1, updated_at=2, deadline_at=3,
    due_at=4, expires_at=5, fingerprint="f",
)  # fmt: skip
CLAIM = {"task_id": {"S": "key#1"}, "fingerprint": {"S": "f"}, "expires_at": {"N": "5"}}


def record(number: int, **images: object) -> dict[str, Any]:
    return {"eventName": "MODIFY", "dynamodb": {"SequenceNumber": str(number), "Keys": {"task_id": {"S": "t"}}, **images}}


def test_the_images_of_a_record_become_tasks_in_order() -> None:
    batch = [
        record(1, NewImage=item_of(TASK)),
        record(2, OldImage=item_of(TASK), NewImage=item_of(TASK)),
        record(3, OldImage=item_of(TASK)),
        record(4, NewImage=CLAIM),
        record(5),
    ]
    decoded = records_of({"Records": batch})
    assert [each.sequence_number for each in decoded] == ["1", "2", "3", "4", "5"]
    assert [(each.before, each.after) for each in decoded] == [
        (None, TASK),
        (TASK, TASK),
        (TASK, None),
        (None, None),
        (None, None),
    ]


def test_an_image_that_is_no_task_of_ours_fails_the_batch() -> None:
    broken = {**item_of(TASK), "status": {"S": "sleeping"}}
    with pytest.raises(ValueError, match="sleeping"):
        records_of({"Records": [record(1, NewImage=broken)]})


def test_a_resubmission_is_a_delayed_message() -> None:
    sent: list[dict[str, Any]] = []
    queue = type("Queue", (), {"send_message": staticmethod(lambda **message: sent.append(message))})
    SqsResubmissions(queue, "https://queue").put("task-1", attempt=3, due_at=NOON, delay=900)
    (message,) = sent
    assert json.loads(message.pop("MessageBody")) == {"task_id": "task-1", "attempt": 3, "due_at": NOON}
    assert message == {"QueueUrl": "https://queue", "DelaySeconds": 900}
