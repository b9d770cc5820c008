"""SQS and the stream, as Lambda polls them: at least once, with visibility timeouts, receive counts and dead letters."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from relay.ports import Record
from tests.aws.recursion import Chain, allowed_by, invoked, is_stopped
from tests.simulation.faults import Decisions, Fault
from tests.simulation.scheduler import Scheduler
from tests.support.cloudformation import load_template
from tests.support.fakes.task_store import FakeTaskStore

ALLOWED = allowed_by(load_template())
"""The functions that template.yaml allows to invoke themselves."""


class Ended(Enum):
    """How an invocation ended, if not by returning."""

    FAILED = "failed"
    KILLED = "killed"


@dataclass(slots=True)
class Message:
    """A message of a queue."""

    name: str
    body: Any
    receives: int = 0
    deleted: bool = False
    chain: Chain = field(default_factory=dict)
    """The invocations that led to it, as the trace header tells Lambda."""


class Queue:
    """One queue of a function, by its name in the template.

    `process(body, receives)` ends or returns; `put_off(receives)`: seconds until a failed message comes again.
    """

    def __init__(
        self,
        name: str,
        process: Callable[[Any, int], object],
        *,
        function: str,
        visibility: int,
        most_receives: int,
        scheduler: Scheduler,
        decisions: Decisions,
        put_off: Callable[[int], int] | None = None,
    ) -> None:
        self.dead_letters: list[Message] = []
        self.sent = 0
        self._name = name
        self._process = process
        self._function = function
        self._visibility = visibility
        self._most_receives = most_receives
        self._scheduler = scheduler
        self._decisions = decisions
        self._put_off = put_off or (lambda _receives: visibility)

    def send(self, name: str, body: Any, *, delay: float, continues: bool = False) -> None:
        """Put a message into the queue; `continues`: a function sends it, so its chain of requests goes on."""
        message = Message(f"{self._name}: {name}", body, chain=self._scheduler.chain if continues else {})
        self.sent += 1
        self._later(delay, message)
        if self._decisions.strikes(Fault.MESSAGE_REPEATED, message.name, 0.08):
            self._later(delay + self._decisions.between(f"second {message.name}", 0, 30), message, again=True)

    def bury(self, name: str, body: Any) -> None:
        """Put a message straight to the dead letters."""
        self.dead_letters.append(Message(f"{self._name}: {name}", body))

    def redrive(self) -> None:
        """Deliver the dead letters again, counted anew."""
        dead, self.dead_letters = self.dead_letters, []
        for message in dead:
            self._later(0, Message(message.name, message.body))

    def _later(self, delay: float, message: Message, *, again: bool = False) -> None:
        self._scheduler.after(delay, message.name, lambda: self._deliver(message, again=again))

    def _deliver(self, message: Message, *, again: bool) -> None:
        if message.deleted and not again:
            return
        if message.receives >= self._most_receives:
            if not message.deleted:
                message.deleted = True
                self._scheduler.say("to the dead letters")
                self.dead_letters.append(message)
            return
        if is_stopped(message.chain, self._function, allowed=ALLOWED):
            message.deleted = True
            self._scheduler.say("dropped: Lambda stops a recursive loop")
            return
        message.receives += 1
        if self._decisions.strikes(Fault.RECEIVE_THROTTLED, message.name, 0.02):
            # No invocation. It is an outage of the account, so the next deliveries are not better.
            message.receives += int(self._decisions.between(f"throttled {message.name} {message.receives}", 0, 12))
            self._later(self._visibility, message)
            return
        ended = self._invoke(message)
        if not isinstance(ended, Ended):
            message.deleted = not self._decisions.strikes(Fault.DELETE_LOST, message.name, 0.03)
        if not (message.deleted or again):
            self._later(self._put_off(message.receives) if ended is Ended.FAILED else self._visibility, message)

    def _invoke(self, message: Message) -> object:
        outer, self._scheduler.chain = self._scheduler.chain, invoked(message.chain, self._function)
        try:
            return self._process(message.body, message.receives)
        finally:
            self._scheduler.chain = outer


class Stream:
    """The table's stream in two shards. `publish(records)` returns where to begin again, None, or how it ended."""

    def __init__(
        self, store: FakeTaskStore, publish: Callable[[list[Record]], object], scheduler: Scheduler, decisions: Decisions
    ) -> None:
        self._store = store
        self._publish = publish
        self._scheduler = scheduler
        self._decisions = decisions
        self._read = 0
        self._shards: tuple[list[Record], list[Record]] = ([], [])
        self._polled = [False, False]

    def wake(self) -> None:
        """Take over what was written; the poller of a shard with records is on its way."""
        for record in self._store.records[self._read :]:
            self._shards[int(record.after.task_id[0], 16) % 2 if record.after else 0].append(record)
        self._read = len(self._store.records)
        for number, shard in enumerate(self._shards):
            if shard and not self._polled[number]:
                self._polled[number] = True
                self._scheduler.after(0.4, f"stream shard {number}", lambda number=number: self._poll(number))  # type: ignore[misc]

    def _poll(self, number: int) -> None:
        shard = self._shards[number]
        place = f"from {named(shard[0])}"
        batch = shard[: 1 + int(self._decisions.share(self._decisions.visit(f"batch {place}")) * 10)]
        self._scheduler.say(", ".join(named(record) for record in batch))
        begin = self._publish(batch)
        if begin is None and not self._decisions.strikes(Fault.BATCH_REDELIVERED, place, 0.04):
            del shard[: len(batch)]
        elif isinstance(begin, str):
            done = [record.sequence_number for record in batch].index(begin)
            del shard[:done]
        self._polled[number] = False


def named(record: Record) -> str:
    """A record in stories and places."""
    return f"{record.after.task_id[:6]}:{record.after.version}" if record.after else "a claim"
