"""`relay dlq list|show|redrive`: count, show and retry dead letters."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from relay_cli.session import OPERATOR, Session, command

if TYPE_CHECKING:
    from collections.abc import Iterator

_HIDDEN_SECONDS = 60
_BATCH = 10  # messages; the most that SQS returns at once


class Queue(StrEnum):
    """The queues with dead letters, named as in relay_cli.operator.redrive, and the meaning of their messages."""

    meaning: str

    def __new__(cls, name: str, meaning: str) -> "Queue":
        """Create a text that also carries its meaning."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.meaning = meaning
        return member

    ARCHIVES = "archives", "tasks whose files could not be stored"
    RESUBMISSIONS = "resubmissions", "tasks that could not be sent to the provider"
    WEBHOOKS = "webhooks", "webhooks that the client did not accept"
    CHANGES = "changes", "task changes that were not published as events"
    SCHEDULES = "schedules", "scheduled runs of the reconciler that did not start"


app = typer.Typer(no_args_is_help=True, help="List, show and retry dead letters.")
_Queue = Annotated[Queue, typer.Argument(help="; ".join(f"{queue}: {queue.meaning}" for queue in Queue))]


@command(app, "list", OPERATOR)
def list_queues(session: Session) -> None:
    """Count the dead letters of each queue."""
    counts = count_letters(session.outputs, _sqs())
    table = Table("queue", "dead letters", "in flight", "meaning", box=None, pad_edge=False)
    for queue, (visible, in_flight) in counts.items():
        table.add_row(queue, str(visible), str(in_flight), queue.meaning, style="" if visible + in_flight else "dim")
    document = {
        queue.value: {"dead_letters": visible, "being_tried": in_flight} for queue, (visible, in_flight) in counts.items()
    }
    session.output.print_result(document, table)


@command(app, "show", OPERATOR)
def show(
    session: Session,
    queue: _Queue,
    *,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Maximum number of dead letters.")] = 10,
) -> None:
    """Show dead letters without removing them from their queue."""
    letters = list(_peek(session.outputs, queue, limit))
    texts = [f"{letter['sent_at']}  received {letter['receives']} times\n{_indented(letter['body'])}" for letter in letters]
    session.output.print_result(letters, *texts)
    if not letters:
        session.output.print_message(f"{queue}: no dead letters")


@command(app, "redrive", OPERATOR)
def redrive(session: Session, queues: Annotated[list[Queue], typer.Argument(help="The queues to redrive.")]) -> None:
    """Retry dead letters after you have fixed their cause."""
    from relay_cli.operator.redrive import redrive

    counts = {}
    for queue in dict.fromkeys(queues):
        counts[queue.value] = redrive(queue, session.outputs, session.invoke)
        session.output.print_message(f"{queue}: {counts[queue.value]} dead letters redriven")
    session.output.print_result(counts)


def count_letters(outputs: Mapping[str, str], sqs: Any) -> dict[Queue, tuple[int, int]]:
    """Return, for each queue, how many dead letters are visible and how many are in flight. SQS counts approximately."""
    from relay_cli.operator.redrive import letters_url

    names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    counts = {}
    for queue in Queue:
        answer = sqs.get_queue_attributes(QueueUrl=letters_url(queue, outputs), AttributeNames=list(names))["Attributes"]
        counts[queue] = (int(answer[names[0]]), int(answer[names[1]]))
    return counts


def _peek(outputs: Mapping[str, str], queue: Queue, limit: int) -> "Iterator[dict[str, Any]]":
    """Yield dead letters. They are hidden from other readers meanwhile, and made visible again at the end."""
    from relay_cli.operator.redrive import letters_url

    sqs, url = _sqs(), letters_url(queue, outputs)
    receipts: list[str] = []
    try:
        while len(receipts) < limit:
            answer = sqs.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=min(_BATCH, limit - len(receipts)),
                VisibilityTimeout=_HIDDEN_SECONDS,
                WaitTimeSeconds=1,
                MessageSystemAttributeNames=["All"],
            )
            if not answer.get("Messages"):
                return
            for message in answer["Messages"]:
                receipts.append(message["ReceiptHandle"])
                yield _letter(message)
    finally:
        for receipt in receipts:
            sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=0)


def _letter(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message of SQS as --json prints it; the body is parsed if it is JSON."""
    attributes = message.get("Attributes", {})
    sent = datetime.fromtimestamp(int(attributes.get("SentTimestamp", 0)) / 1000, UTC)
    try:
        body = json.loads(message["Body"])
    except ValueError:
        body = message["Body"]
    receives = int(attributes.get("ApproximateReceiveCount", 0))
    return {"message_id": message["MessageId"], "sent_at": f"{sent:%Y-%m-%dT%H:%M:%SZ}", "receives": receives, "body": body}


def _indented(body: Any) -> str:
    text = json.dumps(body, indent=2, ensure_ascii=False)
    return "\n".join(f"  {line}" for line in text.splitlines())


def _sqs() -> Any:
    from relay.adapters.aws import client

    return client("sqs")
