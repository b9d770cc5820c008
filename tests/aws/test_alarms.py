"""Every alarm of the template fires for what it is about, also when nothing else happens around it."""

from typing import Any

import pytest

from tests.aws.alarms import fires, states
from tests.support.cloudformation import load_template

RESOURCES: dict[str, dict[str, Any]] = load_template()["Resources"]
ALARMS = {name: each["Properties"] for name, each in RESOURCES.items() if each["Type"] == "AWS::CloudWatch::Alarm"}
SILENCE = [None] * 20
# Throttled work of a queue, a stream or the schedule is only late, and a burst throttles for a minute without harm. An old
# record is one late batch. For these, three bad minutes count, with or without others between them.
PATIENT = {
    "ResubmitTasksThrottles", "PublishEventsThrottles", "ArchiveResultsThrottles", "DeliverWebhooksThrottles",
    "ReconcileTasksThrottles", "PublishEventsIteratorAge",
}  # fmt: skip
PROMPT = sorted(set(ALARMS) - PATIENT)


def alarm(**more: Any) -> dict[str, Any]:
    return {"EvaluationPeriods": 3, "Threshold": 0, "ComparisonOperator": "GreaterThanThreshold"} | more


def bad(name: str) -> float:
    """One value beyond the threshold."""
    return float(ALARMS[name]["Threshold"]) + 1


def watched(metric: str, resource: str) -> list[str]:
    """The alarms on a metric of a resource."""
    return [
        name
        for name, each in ALARMS.items()
        if each["MetricName"] == metric and any(resource in str(dimension["Value"]) for dimension in each["Dimensions"])
    ]


def of_type(kind: str) -> list[str]:
    return [name for name, each in RESOURCES.items() if each["Type"] == kind]


def test_consecutive_periods_miss_a_sparse_failure() -> None:
    sparse = [*SILENCE, 1, None, 1, None, 1, *SILENCE]
    assert not fires(alarm(TreatMissingData="notBreaching"), sparse)
    assert fires(alarm(TreatMissingData="notBreaching", DatapointsToAlarm=3, EvaluationPeriods=5), sparse)
    assert fires(alarm(TreatMissingData="notBreaching", EvaluationPeriods=1), sparse)


def test_missing_data_counts_as_the_alarm_says() -> None:
    assert states(alarm(EvaluationPeriods=1), [1, None]) == ["ALARM", "INSUFFICIENT_DATA"]
    assert states(alarm(EvaluationPeriods=1, TreatMissingData="ignore"), [1, None]) == ["ALARM", "ALARM"]
    assert states(alarm(EvaluationPeriods=1, TreatMissingData="breaching"), [None]) == ["ALARM"]
    assert states(alarm(EvaluationPeriods=1, TreatMissingData="notBreaching"), [1, None]) == ["ALARM", "OK"]


@pytest.mark.parametrize("name", PROMPT)
def test_one_failing_minute_among_silence_fires(name: str) -> None:
    assert fires(ALARMS[name], [*SILENCE, bad(name), *SILENCE])


@pytest.mark.parametrize("name", sorted(PATIENT))
def test_three_bad_minutes_fire_though_others_lie_between(name: str) -> None:
    assert not fires(ALARMS[name], [*SILENCE, bad(name), *SILENCE])
    assert fires(ALARMS[name], [*SILENCE, bad(name), None, 0, bad(name), None, bad(name), *SILENCE])


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_goes_back_to_ok_and_says_so(name: str) -> None:
    assert states(ALARMS[name], [*[bad(name)] * 20, *SILENCE])[-1] == "OK"
    assert ALARMS[name]["OKActions"] == ALARMS[name]["AlarmActions"]
    assert not fires(ALARMS[name], [*SILENCE, 0, float(ALARMS[name]["Threshold"]), 0])


def test_every_queue_with_a_consumer_has_an_alarm_on_its_oldest_message() -> None:
    sources = {str(RESOURCES[name]["Properties"]["EventSourceArn"]) for name in of_type("AWS::Lambda::EventSourceMapping")}
    consumed = [name for name in of_type("AWS::SQS::Queue") if str({"Fn::GetAtt": [name, "Arn"]}) in sources]
    assert len(consumed) == 4
    for name in consumed:
        assert watched("ApproximateAgeOfOldestMessage", f"'{name}'"), name


def test_every_rule_has_an_alarm_on_failed_invocations() -> None:
    schedules = [
        f"{name}{event}"
        for name in of_type("AWS::Serverless::Function")
        for event, each in RESOURCES[name]["Properties"].get("Events", {}).items()
        if each["Type"] == "Schedule"
    ]
    rules = [*of_type("AWS::Events::Rule"), *schedules]
    assert len(rules) == 4
    for name in rules:
        assert len(watched("FailedInvocations", name)) == 1, name


def test_the_api_has_an_alarm_on_its_errors() -> None:
    assert watched("5xx", "Gateway") == ["GatewayErrors"]
