"""A queue that gets the bus's events for as long as somebody listens: made, read and removed again."""

import json
import signal
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

PREFIX = "relay-tail-"
"""What the queue and the rule are called, so that what a killed program left can be found."""
_WAIT_SECONDS = 5  # below the client's read timeout
_KEPT_SECONDS = "300"


class Subscription:
    """The queue, while it is there."""

    def __init__(self, sqs: Any, url: str) -> None:
        self._sqs = sqs
        self._url = url

    def events(self) -> list[dict[str, Any]]:
        """What came, within some seconds; each event is given once unless the bus delivers it twice."""
        answer = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10, WaitTimeSeconds=_WAIT_SECONDS)
        messages = answer.get("Messages", [])
        if messages:
            entries = [{"Id": str(number), "ReceiptHandle": each["ReceiptHandle"]} for number, each in enumerate(messages)]
            self._sqs.delete_message_batch(QueueUrl=self._url, Entries=entries)
        return [json.loads(message["Body"]) for message in messages]


@contextmanager
def subscribed(bus: str, pattern: Mapping[str, Any], client: Callable[[str], Any]) -> Iterator[Subscription]:
    """Queue, rule and target; all of them are removed at the end, on Ctrl-C and SIGTERM too."""
    sqs, events, name = client("sqs"), client("events"), PREFIX + uuid.uuid4().hex[:12]
    with _interruptible(), ExitStack() as undo:
        url = sqs.create_queue(QueueName=name, Attributes={"MessageRetentionPeriod": _KEPT_SECONDS})["QueueUrl"]
        undo.callback(sqs.delete_queue, QueueUrl=url)
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        rule = events.put_rule(Name=name, EventBusName=bus, EventPattern=json.dumps(pattern), Description="relay tail")
        undo.callback(events.delete_rule, Name=name, EventBusName=bus)
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": _policy(arn, rule["RuleArn"])})
        events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": name, "Arn": arn}])
        undo.callback(events.remove_targets, Rule=name, EventBusName=bus, Ids=[name])
        undo.callback(_deafened)
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


def _deafened() -> None:
    """A second Ctrl-C must not leave a half of it behind."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM and a closed terminal end the program as Ctrl-C does: through what must be undone."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    before[signal.SIGINT] = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
