"""The example consumer, deployed beside the relay: it sees the events, and keeps the newest state whatever comes late."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from local.emulator.artefacts import sam_build, translate_template
from local.emulator.deploy import create_stack
from local.gateway import EventLog, Gateway
from local.stack import ROOT, Stack
from tests.e2e.conftest import PATIENCE, until

FOLDER = ROOT / "examples" / "consumer"


class Consumer:
    """What the consumer's stack has."""

    def __init__(self, stack: Stack, outputs: dict[str, str]) -> None:
        self._dynamodb, self.sqs = stack.client("dynamodb"), stack.client("sqs")
        self._outputs = outputs

    def clip(self, task_id: str) -> dict[str, Any] | None:
        """What it knows of a task."""
        found = self._dynamodb.get_item(TableName=self._outputs["ClipsTable"], Key={"task_id": {"S": task_id}}).get("Item")
        if found is None:
            return None
        files = [file["S"] for file in found["files"]["L"]]
        return {"version": int(found["version"]["N"]), "status": found["status"]["S"], "files": files}

    def send(self, event: dict[str, Any]) -> None:
        """Deliver an event once more."""
        self.sqs.send_message(QueueUrl=self._outputs["EventsQueueUrl"], MessageBody=json.dumps(event))

    def waiting(self, queue: str = "EventsQueueUrl") -> int:
        """Messages that are not done with."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.sqs.get_queue_attributes(QueueUrl=self._outputs[queue], AttributeNames=names)["Attributes"]
        return sum(int(answer[name]) for name in names)


@pytest.fixture(scope="module")
def consumer(stack: Stack) -> Iterator[Consumer]:
    """Its own stack, built as its users do, gone afterwards."""
    name, parameters = f"consumer-{uuid.uuid4().hex[:8]}", {"EventBus": stack.event_bus}
    template = translate_template(stack.aws_endpoint_url, parameters, sam_build(FOLDER))
    yield Consumer(stack, create_stack(stack.aws_endpoint_url, name, template, parameters))
    stack.client("cloudformation").delete_stack(StackName=name)


@pytest.mark.usefixtures("provider")
def test_the_consumer_sees_a_task_until_its_files_are_stored(
    consumer: Consumer, gateway: Gateway, events: EventLog, stack: Stack
) -> None:
    task_id = gateway.submit("videos/text2video", {"prompt": "A cat"})["task_id"]
    failed = gateway.submit("videos/text2video", {"prompt": "[risk] a cat"})["task_id"]
    events.wait_for([task_id, failed], timeout=PATIENCE)
    files = [f"s3://{stack.results_bucket}/{event['key']}" for event in events.of(task_id)[-1]["detail"]["results"]]
    assert files
    until(lambda: consumer.clip(task_id) == {"version": 4, "status": "succeed", "files": files}, "the stored files")
    until(lambda: consumer.clip(failed) == {"version": 3, "status": "failed", "files": []}, "the failure")

    for event in events.of(task_id):
        consumer.send(event)
    until(lambda: consumer.waiting() == 0, "every event is done with")
    assert consumer.clip(task_id) == {"version": 4, "status": "succeed", "files": files}
    assert consumer.waiting("DeadLettersUrl") == 0
