"""The example consumer: its handler on moto, and its template held to what the relay's own is held to."""

import importlib.util
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from relay.domain import events
from tests.support.cloudformation import ROOT, load_template

FOLDER = ROOT / "examples" / "consumer"
RESOURCES: dict[str, Any] = load_template(FOLDER / "template.yaml")["Resources"]
SAMPLES = ROOT / "events" / "schemas" / "samples"


class Context:
    """What the handler's decorators use of LambdaContext."""

    function_name = "KeepNewest"
    memory_limit_in_mb = 256
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:KeepNewest"
    aws_request_id = "6f747e00-9bd8-4e37-a9ab-4a2c7bc35b6e"
    tenant_id = None


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The handler's module, its table empty."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("CLIPS_TABLE", "clips")
    with mock_aws():
        properties = RESOURCES["Clips"]["Properties"]
        table = {name: properties[name] for name in ("BillingMode", "AttributeDefinitions", "KeySchema")}
        boto3.client("dynamodb").create_table(TableName="clips", **table)
        spec = importlib.util.spec_from_file_location("app_of_keep_newest", FOLDER / "keep_newest" / "app.py")
        assert spec
        assert spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module


def handled(app: Any, *bodies: object) -> list[str]:
    """Deliver a batch; the ids of the messages that failed."""
    records = [
        {"messageId": f"m{number}", "eventSource": "aws:sqs", "body": body if isinstance(body, str) else json.dumps(body)}
        for number, body in enumerate(bodies)
    ]
    answer = app.handler({"Records": records}, Context())
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def sample(case: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((SAMPLES / f"task_{case}.json").read_text())
    return event


def test_every_event_of_a_task_can_be_kept(app: Any) -> None:
    wanted = RESOURCES["Changes"]["Properties"]["EventPattern"]["detail-type"]
    told = [event for path in SAMPLES.glob("*.json") if (event := json.loads(path.read_text()))["detail-type"] in wanted]
    assert len(told) > 5
    assert handled(app, *told) == []


def test_the_newest_state_stays_whatever_comes_when(app: Any) -> None:
    stored, succeeded = sample("results_stored.video"), sample("status_changed.succeed")
    assert handled(app, sample("status_changed.created"), stored, succeeded, stored) == []
    (item,) = app.table.scan()["Items"]
    detail = stored["detail"]
    assert (item["version"], item["status"]) == (detail["version"], "succeed")
    assert item["files"] == [f"s3://{file['bucket']}/{file['key']}" for file in detail["results"]]


def test_one_bad_message_fails_alone(app: Any) -> None:
    assert handled(app, sample("status_changed.created"), "{", {"detail": {}}) == ["m1", "m2"]
    assert len(app.table.scan()["Items"]) == 1


def test_the_rule_asks_for_every_event_of_a_task() -> None:
    pattern = RESOURCES["Changes"]["Properties"]["EventPattern"]
    assert pattern["source"] == [events.SOURCE]
    assert set(pattern["detail-type"]) == {events.STATUS_CHANGED, events.RESULTS_STORED, events.ARCHIVING_FAILED}


def test_nothing_is_lost_on_the_way() -> None:
    (target,) = RESOURCES["Changes"]["Properties"]["Targets"]
    queue, mapping = RESOURCES["Events"]["Properties"], RESOURCES["KeepNewestFromQueue"]["Properties"]
    dead_letters = {"Fn::GetAtt": ["DeadLetters", "Arn"]}
    assert target["DeadLetterConfig"]["Arn"] == queue["RedrivePolicy"]["deadLetterTargetArn"] == dead_letters
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert queue["VisibilityTimeout"] == 6 * RESOURCES["KeepNewest"]["Properties"]["Timeout"]


def test_the_function_may_do_what_it_does_and_nothing_else() -> None:
    (policy,) = RESOURCES["KeepNewest"]["Properties"]["Policies"]
    assert [statement["Action"] for statement in policy["Statement"]] == [
        "dynamodb:PutItem",
        ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
    ]
    assert all("Fn::GetAtt" in statement["Resource"] for statement in policy["Statement"])


def test_its_powertools_are_the_relays() -> None:
    pinned = (FOLDER / "keep_newest" / "requirements.txt").read_text().strip()
    assert pinned in (ROOT / "layers" / "dependencies" / "requirements.txt").read_text().splitlines()
