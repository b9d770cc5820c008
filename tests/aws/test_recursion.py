"""Functions that send to their own queue may do so more often than Lambda's loop detection expects."""

from tests.aws.recursion import MOST_INVOCATIONS, Chain, allowed_by, invoked, is_stopped, recursive
from tests.support.cloudformation import load_template
from tests.support.fakes.fake_world import settings_of

TEMPLATE = load_template()
LONGEST_DELAY = 900
"""Seconds: the longest that SQS delays a message."""


def test_the_seventeenth_invocation_in_a_chain_is_dropped() -> None:
    chain: Chain = {}
    for _ in range(MOST_INVOCATIONS):
        assert not is_stopped(chain, "F", allowed=frozenset())
        chain = invoked(chain, "F")
    assert is_stopped(chain, "F", allowed=frozenset())
    assert not is_stopped(chain, "F", allowed=frozenset({"F"}))
    assert not is_stopped(chain, "Another", allowed=frozenset())


def test_a_schedule_is_longer_than_lambda_allows_by_default() -> None:
    invocations = sum(-(-seconds // LONGEST_DELAY) for seconds in settings_of().webhook_schedule)
    assert invocations > 10 * MOST_INVOCATIONS


def test_a_loop_through_another_function_is_found() -> None:
    def sends(queue: str) -> dict[str, object]:
        statement = {"Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": {"Fn::GetAtt": [queue, "Arn"]}}
        return {"Type": "AWS::Serverless::Function", "Properties": {"Policies": [{"Statement": [statement]}]}}

    def mapped(queue: str, function: str) -> dict[str, object]:
        properties = {"FunctionName": {"Ref": function}, "EventSourceArn": {"Fn::GetAtt": [queue, "Arn"]}}
        return {"Type": "AWS::Lambda::EventSourceMapping", "Properties": properties}

    resources = {"A": sends("Q"), "B": sends("P"), "C": sends("Q"), "M": mapped("Q", "B.Alias"), "N": mapped("P", "A")}
    assert recursive({"Resources": resources}) == {"A", "B"}


def test_exactly_the_functions_that_invoke_themselves_are_allowed_to() -> None:
    assert recursive(TEMPLATE) == {"DeliverWebhooks", "ResubmitTasks"}
    assert allowed_by(TEMPLATE) == recursive(TEMPLATE)


def test_a_dropped_invocation_raises_an_alarm() -> None:
    alarms = [each["Properties"] for each in TEMPLATE["Resources"].values() if each["Type"] == "AWS::CloudWatch::Alarm"]
    watched = {
        alarm["Dimensions"][0]["Value"]["Ref"] for alarm in alarms if alarm.get("MetricName") == "RecursiveInvocationsDropped"
    }
    functions = {name for name, each in TEMPLATE["Resources"].items() if each["Type"] == "AWS::Serverless::Function"}
    assert recursive(TEMPLATE) <= watched <= functions
