"""Inside: tables, stream, queues, schedule: does a change become an event, does a result get stored?"""

from collections.abc import Iterator
from itertools import islice

from relay_cli.commands.dlq import counted
from relay_cli.commands.replay import kept
from relay_cli.doctor.deployment import Deployment
from relay_cli.doctor.findings import Finding, broken, fine, note, warning
from relay_cli.subscription import PREFIX

_SOME = 100


def stack(deployment: Deployment) -> Iterator[Finding]:
    """The last deployment went through."""
    status = deployment.status
    if status in {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"}:
        yield fine("stack", f"{deployment.name}: {status}")
    elif status.endswith("_IN_PROGRESS"):
        yield note("stack", f"{deployment.name}: {status}", "wait for the deployment, then look again")
    else:
        advice = f"aws cloudformation describe-stack-events --stack-name {deployment.name} says why; deploy again"
        yield (warning if status == "UPDATE_ROLLBACK_COMPLETE" else broken)("stack", f"{deployment.name}: {status}", advice)


def tables(deployment: Deployment) -> Iterator[Finding]:
    """The tables work, and the one of tasks has its stream."""
    dynamodb = deployment.client("dynamodb")
    for name, table in deployment.of_type("DynamoDB::Table").items():
        described = dynamodb.describe_table(TableName=table)["Table"]
        if described["TableStatus"] not in {"ACTIVE", "UPDATING"}:
            yield broken("tables", f"{name} is {described['TableStatus']}", "nothing works without it: look at DynamoDB")
        elif name == "Tasks" and not described.get("StreamSpecification", {}).get("StreamEnabled"):
            yield broken("tables", f"{name} has no stream", "changes do not become events: deploy again")
        else:
            yield fine("tables", f"{name} is {described['TableStatus']}")


def mappings(deployment: Deployment) -> Iterator[Finding]:
    """What reads the stream and the queues is switched on."""
    functions = deployment.client("lambda")
    for name, uuid in deployment.of_type("Lambda::EventSourceMapping").items():
        mapping = functions.get_event_source_mapping(UUID=uuid)
        state, result = mapping["State"], mapping.get("LastProcessingResult", "")
        if state not in {"Enabled", "Enabling", "Updating", "Creating"}:
            yield broken(
                "stream and queues", f"{name} is {state}", f"aws lambda update-event-source-mapping --uuid {uuid} --enabled"
            )
        elif result.startswith("PROBLEM"):
            yield broken("stream and queues", f"{name}: {result}", "look at the function's log and its permissions")
        else:
            yield fine("stream and queues", f"{name} is {state}")


def rules(deployment: Deployment) -> Iterator[Finding]:
    """The rules are switched on: the reconciler's minute, the archives."""
    events = deployment.client("events")
    for name, physical in deployment.of_type("Events::Rule").items():
        rule = physical.rpartition("|")[2]  # bus|rule, but for the default bus
        buses = ("default", deployment.outputs["EventBus"])
        listed = [(bus, each) for bus in buses for each in events.list_rules(EventBusName=bus, NamePrefix=rule)["Rules"]]
        bus, state = next(((bus, each["State"]) for bus, each in listed if each["Name"] == rule), ("", "gone"))
        if state.startswith("ENABLED"):
            yield fine("rules", f"{name} is on")
        else:
            advice = f"aws events enable-rule --event-bus-name {bus} --name {rule}" if bus else "deploy again"
            yield broken("rules", f"{name} is {state.lower()}", advice)


def dead_letters(deployment: Deployment) -> Iterator[Finding]:
    """Nothing failed for good."""
    for queue, (waiting, taken) in counted(deployment.outputs, deployment.client("sqs")).items():
        if waiting + taken:
            advice = f"relay dlq show {queue}; mend the cause, then relay dlq redrive {queue}"
            yield broken("dead letters", f"{queue}: {waiting + taken} {queue.meaning}", advice)
        else:
            yield fine("dead letters", f"{queue}: none")


def quarantine(deployment: Deployment) -> Iterator[Finding]:
    """Every callback was understood."""
    count = len(list(islice(kept(deployment.outputs["ResultsBucket"]), _SOME)))
    if count:
        told = f"{count if count < _SOME else f'{_SOME} or more'} callbacks were not understood"
        yield warning("quarantine", told, "relay replay --list; after a fix: relay replay KEY")
    else:
        yield fine("quarantine", "empty")


def leftovers(deployment: Deployment) -> Iterator[Finding]:
    """No `relay tail` left its rule behind."""
    bus = deployment.outputs["EventBus"]
    for rule in deployment.client("events").list_rules(EventBusName=bus, NamePrefix=PREFIX)["Rules"]:
        advice = (
            f"if nobody runs it: aws events remove-targets --event-bus-name {bus} --rule {rule['Name']} --ids {rule['Name']}; "
        )
        advice += f"aws events delete-rule --event-bus-name {bus} --name {rule['Name']}; and its queue of that name"
        yield note("tails", f"the rule {rule['Name']} of a `relay tail` is there", advice)
