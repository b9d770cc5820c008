"""FakeResubmissions: the queue as a list."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """Another attempt after `attempt` attempts, in `delay` seconds."""

    task_id: str
    attempt: int
    due_at: int
    delay: int


class FakeResubmissions:
    """Resubmissions; who plays the queue takes from `messages`."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def put(self, task_id: str, *, attempt: int, due_at: int, delay: int) -> None:
        """SQS refuses a delay outside 0 to 900 s."""
        if not 0 <= delay <= 900:
            raise ValueError(f"delay: {delay} s")
        self.messages.append(Message(task_id, attempt, due_at, delay))
