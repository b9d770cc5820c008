"""What CloudWatch noticed, and whether anybody hears of it."""

from collections.abc import Iterator

from relay_cli.doctor.deployment import Deployment
from relay_cli.doctor.findings import Finding, broken, fine, note

_AT_ONCE = 100
_ADVICE = {
    "DeadLettersAlarm": "relay dlq list",
    "UnpublishedChangesAlarm": "relay dlq show changes",
    "MissedSchedulesAlarm": "relay dlq show schedules",
    "IteratorAge": "look at the log of PublishEvents, and at the bus's quota of PutEvents",
    "Errors": "look at that function's log group",
    "Throttles": "raise the account's Lambda concurrency, or what the function reserves",
}


def alarms(deployment: Deployment) -> Iterator[Finding]:
    """Every alarm of the stack is quiet."""
    names = {physical: name for name, physical in deployment.of_type("CloudWatch::Alarm").items()}
    loud = []
    cloudwatch, physical = deployment.client("cloudwatch"), list(names)
    for start in range(0, len(physical), _AT_ONCE):
        answer = cloudwatch.describe_alarms(AlarmNames=physical[start : start + _AT_ONCE], MaxRecords=_AT_ONCE)
        loud += [alarm for alarm in answer["MetricAlarms"] if alarm["StateValue"] == "ALARM"]
    for alarm in loud:
        name = names[alarm["AlarmName"]]
        advice = next((advice for end, advice in _ADVICE.items() if name.endswith(end)), "see the dashboard")
        yield broken("alarms", f"{name}: {alarm.get('AlarmDescription', '')}", advice)
    if not loud:
        yield fine("alarms", f"{len(names)} alarms, all quiet")
    if names and not deployment.parameters.get("AlarmTopicArn"):
        yield note("alarms", "nobody is told of an alarm", "deploy with AlarmTopicArn, an SNS topic")
