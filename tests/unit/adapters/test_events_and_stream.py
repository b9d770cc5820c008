"""The bus in batches of ten, the stream's records as tasks, and the queue's messages."""

import json
from typing import Any

import pytest

from relay.adapters.dynamodb.items import failure_text, item_of
from relay.adapters.dynamodb.stream import records_of
from relay.adapters.eventbridge import EventBridgePublisher
from relay.adapters.sqs import SqsResubmissions, SqsWebhooks
from relay.domain.events import STATUS_CHANGED, Event, event_between
from relay.domain.task import Rank, Status, Task
from relay.domain.webhook import Delivery
from tests.support.tasks import NOON, task_of


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


LARGE = "x" * 262_144


@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_event_that_is_too_large_is_diverted_and_blocks_no_other(place: int) -> None:
    bus = Bus()
    diverted: list[tuple[Any, str]] = []
    batch = events(3)
    batch[place] = Event(STATUS_CHANGED, {"number": place, "text": LARGE})
    publisher = EventBridgePublisher(
        bus, "bus", divert=lambda entry, reason: diverted.append((json.loads(entry["Detail"]), reason))
    )

    assert publisher.publish(batch) == []

    ((detail, reason),) = diverted
    assert (detail["number"], detail["text"], reason) == (place, LARGE, "263190 bytes, more than 262144")
    assert [json.loads(entry["Detail"])["number"] for call in bus.calls for entry in call] == [n for n in range(3) if n != place]


@pytest.mark.parametrize("code", ["InvalidArgument", "MalformedDetail", "RedactionFailure"])
def test_an_event_that_the_bus_refuses_for_itself_is_diverted_and_others_are_told_again(code: str) -> None:
    answers = [
        {"EventId": "0"},
        {"ErrorCode": code},
        {"ErrorCode": "ThrottlingException"},
        {"ErrorCode": "AccessDeniedException"},
    ]
    diverted: list[str] = []

    class Strict:
        def put_events(self, Entries: list[Any]) -> dict[str, Any]:  # noqa: N803
            return {"Entries": answers[: len(Entries)]}

    publisher = EventBridgePublisher(Strict(), "bus", divert=lambda entry, reason: diverted.append(entry["Detail"] + reason))
    assert publisher.publish(events(4)) == [2, 3]
    assert diverted == ['{"number":1,"text":"für 🐈"}' + code]
    assert EventBridgePublisher(Strict(), "bus").publish(events(4)) == [1, 2, 3]


def test_an_event_is_out_only_once_it_is_stored() -> None:
    def fails(_entry: object, _reason: str) -> None:
        raise ConnectionError("no bucket")

    with pytest.raises(ConnectionError):
        EventBridgePublisher(Bus(), "bus", divert=fails).publish([Event(STATUS_CHANGED, {"number": 0, "text": LARGE})])


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
    broken = {name: value for name, value in item_of(TASK).items() if name != "tenant"}
    with pytest.raises(KeyError, match="tenant"):
        records_of({"Records": [record(1, NewImage=broken)]})


def test_a_resubmission_is_a_delayed_message() -> None:
    sent: list[dict[str, Any]] = []
    queue = type("Queue", (), {"send_message": staticmethod(lambda **message: sent.append(message))})
    SqsResubmissions(queue, "https://queue").put("task-1", attempt=3, due_at=NOON, delay=900)
    (message,) = sent
    assert json.loads(message.pop("MessageBody")) == {"task_id": "task-1", "attempt": 3, "due_at": NOON}
    assert message == {"QueueUrl": "https://queue", "DelaySeconds": 900}


@pytest.mark.parametrize("character", ["\ufffe", "\uffff", "\x01", "\x0b", "\ud800"])
def test_a_webhook_message_has_only_characters_that_sqs_takes(character: str) -> None:
    sent: list[str] = []

    class Queue:
        def send_message(self, *, MessageBody: str, **_: Any) -> None:  # noqa: N803
            sent.append(MessageBody)

    delivery = Delivery.of_task(task_of(message=f"a{character}b"))
    SqsWebhooks(Queue(), retries_url="retries", dead_letters_url="dead").put(delivery, now=NOON)
    assert all(" " <= each <= "~" for each in sent[0])
    assert Delivery.of(json.loads(sent[0])).message == f"a{character}b"


@pytest.mark.parametrize("name", ["status", "archive", "acceptance", "rank"])
def test_a_value_of_a_later_version_stops_no_reader(name: str) -> None:
    item = {**item_of(task_of()), name: {"N": "9"} if name == "rank" else {"S": "of-tomorrow"}}
    (record,) = records_of(one_record(item))
    assert record.after is not None
    assert record.after.task_id == task_of().task_id
    if name == "status":
        assert record.after.status is Status.PROCESSING


def test_the_fields_and_codes_of_a_later_version_stop_no_reader() -> None:
    result = {"path": "task_result/videos/0/url", "kind": "hologram", "url": "https://provider.example/a", "depth": 3}
    item = {
        **item_of(task_of(status=Status.FAILED, rank=Rank.GIVEN_UP)),
        "results": {"S": json.dumps([result])},
        "failure": {"S": json.dumps({"code": "of-tomorrow", "message": "m", "since": 1})},
        "refusal": {"S": json.dumps({"code": "rejected", "why": {}})},
        "mood": {"S": "fine"},
    }
    (record,) = records_of(one_record(item))
    task = record.after
    assert task is not None
    assert task.failure is not None
    assert (task.results[0].kind, task.failure.code, task.failure.code.value) == ("hologram", "of-tomorrow", "of-tomorrow")
    event = event_between(None, task)
    assert event is not None
    assert json.loads(json.dumps(event.detail))["failure"]["code"] == "of-tomorrow"
    assert json.loads(failure_text(task.failure)["S"])["code"] == "of-tomorrow"


def test_a_delivery_of_a_later_version_is_read() -> None:
    message = Delivery.of_task(task_of()).to_message()
    message["detail"] |= {"status": "of-tomorrow", "mood": "fine"}
    assert Delivery.of({**message, "colour": 1}).status is Status.PROCESSING


def one_record(item: dict[str, Any]) -> dict[str, Any]:
    return {"Records": [{"dynamodb": {"SequenceNumber": "1", "NewImage": item}}]}
