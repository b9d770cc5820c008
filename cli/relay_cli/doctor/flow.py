"""Checks inside the stack: are changes published as events, and are results stored?"""

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

from relay.adapters.dynamodb.items import task_of, text
from relay.domain.errors import Meaning
from relay.domain.task import DUE_SHARDS
from relay_cli.commands.dlq import count_letters
from relay_cli.commands.replay import iter_quarantine
from relay_cli.doctor.deployment import Deployment
from relay_cli.doctor.findings import Finding, broken, fine, note, warning
from relay_cli.subscription import PREFIX

_MOST_COUNTED = 100
_WAITING_ADVICE = {
    Meaning.OPERATOR: "renew the provider key's secret, or top up the provider account",
    Meaning.NO_CHANNEL: "check the model's name, and whether CometAPI serves it",
    Meaning.RELAY: "check the log group of ReconcileTasks",
}


def stack(deployment: Deployment) -> Iterator[Finding]:
    """The last deployment succeeded."""
    status = deployment.status
    if status in {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"}:
        yield fine("stack", f"{deployment.name}: {status}")
    elif status.endswith("_IN_PROGRESS"):
        yield note("stack", f"{deployment.name}: {status}", "wait until the deployment is complete, then run relay doctor again")
    else:
        advice = f"for the reason: aws cloudformation describe-stack-events --stack-name {deployment.name}; then deploy again"
        yield (warning if status == "UPDATE_ROLLBACK_COMPLETE" else broken)("stack", f"{deployment.name}: {status}", advice)


def first_poll(deployment: Deployment) -> Iterator[Finding]:
    """No poll comes while the create is still under way. Versions up to 0.2.0 could be deployed so."""
    first, submit = (int(deployment.parameters[name]) for name in ("FirstPollAfterSeconds", "SubmitTimeoutSeconds"))
    text = f"the first poll comes after {first} s, a create takes up to {submit} s"
    if first > submit:
        yield fine("first poll", text)
    else:
        yield broken("first poll", f"{text}: a task may be sent, and paid, twice", "deploy with FirstPollAfterSeconds=30 or more")


def tables(deployment: Deployment) -> Iterator[Finding]:
    """The tables are active, and the table of tasks has its stream."""
    dynamodb = deployment.client("dynamodb")
    for name, table in deployment.of_type("DynamoDB::Table").items():
        described = dynamodb.describe_table(TableName=table)["Table"]
        if described["TableStatus"] not in {"ACTIVE", "UPDATING"}:
            yield broken(
                "tables",
                f"{name} is {described['TableStatus']}",
                "the relay cannot work without this table: check it in DynamoDB",
            )
        elif name == "Tasks" and not described.get("StreamSpecification", {}).get("StreamEnabled"):
            yield broken("tables", f"{name} has no stream", "changes are not published as events: deploy again")
        else:
            yield fine("tables", f"{name} is {described['TableStatus']}")


def mappings(deployment: Deployment) -> Iterator[Finding]:
    """The event source mappings of the stream and the queues are enabled."""
    functions = deployment.client("lambda")
    for name, uuid in deployment.of_type("Lambda::EventSourceMapping").items():
        mapping = functions.get_event_source_mapping(UUID=uuid)
        state, result = mapping["State"], mapping.get("LastProcessingResult", "")
        if state not in {"Enabled", "Enabling", "Updating", "Creating"}:
            yield broken(
                "stream and queues", f"{name} is {state}", f"aws lambda update-event-source-mapping --uuid {uuid} --enabled"
            )
        elif result.startswith("PROBLEM"):
            yield broken("stream and queues", f"{name}: {result}", "check the log and the permissions of the function")
        else:
            yield fine("stream and queues", f"{name} is {state}")


def rules(deployment: Deployment) -> Iterator[Finding]:
    """The EventBridge rules are enabled: they start the reconciler every minute and the archiving of results."""
    events = deployment.client("events")
    for name, physical in deployment.of_type("Events::Rule").items():
        rule = physical.rpartition("|")[2]  # `bus|rule`; on the default bus only `rule`
        buses = ("default", deployment.outputs["EventBus"])
        listed = [(bus, each) for bus in buses for each in events.list_rules(EventBusName=bus, NamePrefix=rule)["Rules"]]
        bus, state = next(((bus, each["State"]) for bus, each in listed if each["Name"] == rule), ("", "missing"))
        if state.startswith("ENABLED"):
            yield fine("rules", f"{name} is enabled")
        else:
            advice = f"aws events enable-rule --event-bus-name {bus} --name {rule}" if bus else "deploy again"
            yield broken("rules", f"{name} is {state.lower()}", advice)


def dead_letters(deployment: Deployment) -> Iterator[Finding]:
    """There are no dead letters."""
    for queue, (visible, in_flight) in count_letters(deployment.outputs, deployment.client("sqs")).items():
        if visible + in_flight:
            advice = f"relay dlq show {queue}; fix the cause, then relay dlq redrive {queue}"
            yield broken("dead letters", f"{queue}: {visible + in_flight} {queue.meaning}", advice)
        else:
            yield fine("dead letters", f"{queue}: none")


def waiting(deployment: Deployment) -> Iterator[Finding]:
    """No task waits because of the provider's responses. Looks at up to a hundred of the tasks that are polled next."""
    table, dynamodb = deployment.outputs["TasksTable"], deployment.client("dynamodb")
    ids: list[dict[str, Any]] = []
    for shard in range(DUE_SHARDS):
        found = dynamodb.query(
            TableName=table,
            IndexName="due",
            KeyConditionExpression="due_shard = :s",
            ExpressionAttributeValues={":s": text(str(shard))},
            Limit=_MOST_COUNTED // DUE_SHARDS,
        )
        ids += [{"task_id": item["task_id"]} for item in found["Items"]]
    items = dynamodb.batch_get_item(RequestItems={table: {"Keys": ids}})["Responses"][table] if ids else []
    reasons = [task.reason for item in items if (task := task_of(item)).reason]
    for meaning, count in Counter(reason.meaning for reason in reasons).items():
        last = max((reason for reason in reasons if reason.meaning is meaning), key=lambda reason: reason.at)
        advice = _WAITING_ADVICE.get(meaning, "nothing: the relay tries again until the task's deadline")
        report = broken if meaning in {Meaning.OPERATOR, Meaning.RELAY} else note
        yield report("waiting tasks", f"{count} of {len(items)} wait ({meaning}): {last.message}", advice)
    if not reasons:
        yield fine("waiting tasks", "the provider refuses none")


def quarantine(deployment: Deployment) -> Iterator[Finding]:
    """The quarantine is empty: every callback could be read."""
    count = len(list(islice(iter_quarantine(deployment.outputs["ResultsBucket"]), _MOST_COUNTED)))
    if count:
        message = f"callbacks that could not be read: {count if count < _MOST_COUNTED else f'{_MOST_COUNTED} or more'}"
        yield warning("quarantine", message, "relay replay --list; after a fix: relay replay KEY")
    else:
        yield fine("quarantine", "empty")


def leftovers(deployment: Deployment) -> Iterator[Finding]:
    """No `relay tail` left its rule behind."""
    bus = deployment.outputs["EventBus"]
    for rule in deployment.client("events").list_rules(EventBusName=bus, NamePrefix=PREFIX)["Rules"]:
        name = rule["Name"]
        advice = f"if no relay tail is running: aws events remove-targets --event-bus-name {bus} --rule {name} --ids {name}; "
        advice += f"aws events delete-rule --event-bus-name {bus} --name {name}; then delete the queue of the same name"
        yield note("tails", f"the rule {name} of a relay tail exists", advice)
