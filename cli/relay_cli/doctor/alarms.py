"""Checks CloudWatch's alarms, and whether they notify anybody."""

from collections.abc import Iterator

from relay_cli.doctor.deployment import Deployment
from relay_cli.doctor.findings import Finding, broken, fine, note

_BATCH = 100
_ADVICE = {
    "DeadLettersAlarm": "relay dlq list",
    "UnpublishedChangesAlarm": "relay dlq show changes",
    "EventsDiverted": "the log of PublishEvents names the object in the bucket: send it to the queue that misses it",
    "MissedSchedulesAlarm": "relay dlq show schedules",
    "RecursionDropped": "aws lambda put-function-recursion-config --recursive-loop Allow, for that function",
    "IteratorAge": "check the log of PublishEvents and the account's PutEvents quota",
    "Age": "check that function's log group, then raise the queue's concurrency parameter",
    "Failed": "deploy the stack again: EventBridge may not send to a queue or invoke a function",
    "TasksPaidTwice": "compare both ids, which the log of receive_callback names, with the provider's bill",
    "OperatorFaults": "renew the provider key's secret, or top up the provider account; waiting tasks then go on",
    "GatewayErrors": "check the API's access logs, then the function's log group",
    "Errors": "check the log group of that function",
    "Throttles": "raise the account's Lambda concurrency or the function's reserved concurrency",
}


def alarms(deployment: Deployment) -> Iterator[Finding]:
    """No alarm of the stack is in the state ALARM, and alarms are sent to a topic."""
    names = {physical: name for name, physical in deployment.of_type("CloudWatch::Alarm").items()}
    active = []
    cloudwatch, physical = deployment.client("cloudwatch"), list(names)
    for start in range(0, len(physical), _BATCH):
        answer = cloudwatch.describe_alarms(AlarmNames=physical[start : start + _BATCH], MaxRecords=_BATCH)
        active += [alarm for alarm in answer["MetricAlarms"] if alarm["StateValue"] == "ALARM"]
    for alarm in active:
        name = names[alarm["AlarmName"]]
        advice = next((advice for end, advice in _ADVICE.items() if name.endswith(end)), "check the dashboard")
        yield broken("alarms", f"{name}: {alarm.get('AlarmDescription', '')}", advice)
    if not active:
        yield fine("alarms", f"none of {len(names)} alarms is active")
    if names and not deployment.parameters.get("AlarmTopicArn"):
        yield note("alarms", "alarms notify nobody", "deploy with AlarmTopicArn, the ARN of an SNS topic")
