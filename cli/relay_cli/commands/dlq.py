"""`relay dlq list|show|redrive`: what failed for good."""

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

_LOOK_SECONDS = 60
_AT_ONCE = 10


class Queue(StrEnum):
    """The queues of dead letters, as relay_cli.operator.redrive names them, and what lies in each."""

    meaning: str

    def __new__(cls, name: str, meaning: str) -> "Queue":
        """A text that knows what it means."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.meaning = meaning
        return member

    ARCHIVES = "archives", "tasks whose results could not be stored"
    RESUBMISSIONS = "resubmissions", "tasks that could not be sent to the provider"
    WEBHOOKS = "webhooks", "callbacks that a client did not take"
    CHANGES = "changes", "changes of tasks that did not become events"
    SCHEDULES = "schedules", "runs of the reconciler that did not take place"


app = typer.Typer(no_args_is_help=True, help="What failed for good: look at it, try it again.")
_Queue = Annotated[Queue, typer.Argument(help="; ".join(f"{queue}: {queue.meaning}" for queue in Queue))]


@command(app, "list", OPERATOR)
def list_queues(session: Session) -> None:
    """Count the dead letters of each queue."""
    counts = counted(session.outputs, _sqs())
    table = Table("queue", "dead letters", "being tried", "what they are", box=None, pad_edge=False)
    for queue, (waiting, taken) in counts.items():
        table.add_row(queue, str(waiting), str(taken), queue.meaning, style="" if waiting + taken else "dim")
    document = {queue.value: {"dead_letters": waiting, "being_tried": taken} for queue, (waiting, taken) in counts.items()}
    session.output.result(document, table)


@command(app, "show", OPERATOR)
def show(
    session: Session,
    queue: _Queue,
    *,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 10,
) -> None:
    """Show dead letters; they stay where they are."""
    letters = list(_seen(session.outputs, queue, limit))
    shown = [f"{letter['sent_at']}  received {letter['receives']} times\n{_indented(letter['body'])}" for letter in letters]
    session.output.result(letters, *shown)
    if not letters:
        session.output.story(f"{queue}: no dead letters")


@command(app, "redrive", OPERATOR)
def redrive(session: Session, queues: Annotated[list[Queue], typer.Argument(help="The queues.")]) -> None:
    """Try dead letters again, once their cause is mended."""
    from relay_cli.operator.redrive import redrive

    counts = {}
    for queue in dict.fromkeys(queues):
        counts[queue.value] = redrive(queue, session.outputs, session.invoke)
        session.output.story(f"{queue}: {counts[queue.value]} dead letters are tried again")
    session.output.result(counts)


def counted(outputs: Mapping[str, str], sqs: Any) -> dict[Queue, tuple[int, int]]:
    """Dead letters of each queue that wait, and that somebody tries just now."""
    from relay_cli.operator.redrive import letters_url

    names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    found = {}
    for queue in Queue:
        answer = sqs.get_queue_attributes(QueueUrl=letters_url(queue, outputs), AttributeNames=list(names))["Attributes"]
        found[queue] = (int(answer[names[0]]), int(answer[names[1]]))
    return found


def _seen(outputs: Mapping[str, str], queue: Queue, limit: int) -> "Iterator[dict[str, Any]]":
    """Messages that are hidden while they are looked at, then given back."""
    from relay_cli.operator.redrive import letters_url

    sqs, url = _sqs(), letters_url(queue, outputs)
    receipts: list[str] = []
    try:
        while len(receipts) < limit:
            answer = sqs.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=min(_AT_ONCE, limit - len(receipts)),
                VisibilityTimeout=_LOOK_SECONDS,
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
