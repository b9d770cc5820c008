"""A temporary subscription to the event bus: a queue and a rule that are removed when the command ends."""

import json
import signal
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

PREFIX = "relay-tail-"
"""Prefix of the names of the queue and the rule. `relay doctor` uses it to find what a killed program left behind."""
_WAIT_SECONDS = 5  # below the read timeout of the AWS client
_RETENTION_SECONDS = "300"


class Subscription:
    """The queue of a subscription, while it exists."""

    def __init__(self, sqs: Any, url: str) -> None:
        self._sqs = sqs
        self._url = url

    def receive(self) -> list[dict[str, Any]]:
        """Wait up to 5 seconds, then return at most ten new events and delete them from the queue."""
        answer = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10, WaitTimeSeconds=_WAIT_SECONDS)
        messages = answer.get("Messages", [])
        if messages:
            entries = [{"Id": str(number), "ReceiptHandle": each["ReceiptHandle"]} for number, each in enumerate(messages)]
            self._sqs.delete_message_batch(QueueUrl=self._url, Entries=entries)
        return [json.loads(message["Body"]) for message in messages]


@contextmanager
def subscribe(bus: str, pattern: Mapping[str, Any], client: Callable[[str], Any]) -> Iterator[Subscription]:
    """Create a queue, a rule and a target on the bus. All are removed at the end, also after Ctrl-C, SIGTERM and SIGHUP."""
    sqs, events, name = client("sqs"), client("events"), PREFIX + uuid.uuid4().hex[:12]
    with _handle_signals_as_interrupts(), ExitStack() as undo:
        url = sqs.create_queue(QueueName=name, Attributes={"MessageRetentionPeriod": _RETENTION_SECONDS})["QueueUrl"]
        undo.callback(sqs.delete_queue, QueueUrl=url)
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        rule = events.put_rule(Name=name, EventBusName=bus, EventPattern=json.dumps(pattern), Description="relay tail")
        undo.callback(events.delete_rule, Name=name, EventBusName=bus)
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": _policy(arn, rule["RuleArn"])})
        events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": name, "Arn": arn}])
        undo.callback(events.remove_targets, Rule=name, EventBusName=bus, Ids=[name])
        undo.callback(_ignore_interrupts)
        yield Subscription(sqs, url)


def _policy(queue: str, rule: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _ignore_interrupts() -> None:
    """Ignore Ctrl-C while the resources are removed, so that none of them is left behind."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _handle_signals_as_interrupts() -> Iterator[None]:
    """Make SIGTERM and SIGHUP (a closed terminal) raise KeyboardInterrupt as Ctrl-C does, so that the resources are removed."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    before[signal.SIGINT] = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
