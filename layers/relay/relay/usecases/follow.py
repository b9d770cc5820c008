"""Follow: poll tasks in the rhythm of their operations, between two ticks. A poll without news writes nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from relay.domain.errors import Meaning, NoResultsError, ProviderError, UnreadableSnapshotError
from relay.domain.task import RANKS, Rank
from relay.usecases.apply import apply
from relay.usecases.ask import ask_provider

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Executor

    from relay.domain.task import Task
    from relay.ports import Relay

_LONGEST_MS = 58_000
"""Then the next tick goes on, a minute after this one."""
_LONGEST_PAUSE_MS = 5000
"""Tasks that become due meanwhile wait no longer."""
_LONGEST_RHYTHM_MS = 60_000
"""What is polled less often waits for a tick."""
_SHARE_OF_AGE = 20


def rhythm_of(task: Task, relay: Relay, *, at: int) -> int:
    """Seconds between two polls: those of the operation, later a twentieth of the task's age; 0: it has no rhythm.

    Without the provider's id there is nothing to query with, and a rhythm would only cost writes.
    """
    seconds = relay.providers[task.provider].operation(task.operation).poll_seconds
    if not (seconds and task.provider_task_id):
        return 0
    return max(seconds, (at - task.created_at) // 1000 // _SHARE_OF_AGE)


@dataclass(slots=True)
class _Followed:
    """A task as it was read or reported last; times in ms."""

    task: Task
    rhythm: int
    next_at: int


class Following:
    """The tasks that one invocation follows. Each has a lease: it is not due for another invocation until this one stops.

    If the invocation ends early, the leases run out. A callback, a cancellation or another poll meanwhile does no harm, since
    every change is conditional.
    """

    def __init__(self, relay: Relay, pause: Callable[[float], None]) -> None:
        self._relay = relay
        self._pause = pause
        self._until = relay.clock() + _LONGEST_MS
        self.errors: list[BaseException] = []
        self._followed: dict[str, _Followed] = {}

    def consider(self, task_id: str) -> None:
        """Follow a task that was polled just now, if the provider has it, its operation has a rhythm, and time is left."""
        now, task = self._relay.clock(), self._relay.tasks.get(task_id)
        if task is None or task.is_over:
            return
        if task.reason and task.reason.meaning is Meaning.NO_RESULTS:  # the reconciler counts the minutes of that
            return
        rhythm, until = rhythm_of(task, self._relay, at=now) * 1000, min(self._until, task.deadline_at)
        if not 0 < rhythm < _LONGEST_RHYTHM_MS or now >= until:
            return
        self._relay.tasks.postpone(task_id, due_at=until, reason=task.reason)
        if now + rhythm < until:  # else its next turn is that of the next tick
            self._followed[task_id] = _Followed(task, rhythm, now + rhythm)

    def poll(self, pool: Executor) -> int:
        """Wait for the next task's turn, and poll those whose turn it is. Returns how many have moved on."""
        now = self._relay.clock()
        next_at = min((each.next_at for each in self._followed.values()), default=now)
        self._pause(min(max(next_at - now, 0), _LONGEST_PAUSE_MS) / 1000)
        now = self._relay.clock()
        if now >= self._until:
            self._followed.clear()
        due = [each for each in self._followed.values() if each.next_at <= now]
        moved = 0
        for followed, poll in [(each, pool.submit(self._poll_one, each)) for each in due]:
            error = poll.exception()
            if error:  # its lease runs out, and the next tick polls it again
                self.errors.append(error)
                self._leave(followed.task)
            else:
                moved += poll.result()
        return moved

    def __bool__(self) -> bool:
        return bool(self._followed)

    def _poll_one(self, followed: _Followed) -> bool:
        task, now = followed.task, self._relay.clock()
        followed.next_at = now + followed.rhythm
        try:
            snapshot, document = ask_provider(task, self._relay)
        except NoResultsError:
            self._leave(task, due_at=now)
            return False
        except (ProviderError, UnreadableSnapshotError):
            followed.rhythm *= 2
            return False
        rank = RANKS[snapshot.status]
        if rank <= task.rank:
            return False
        apply(task.task_id, snapshot, document, self._relay)
        followed.task = replace(task, rank=rank)
        if rank is Rank.FINAL:
            self._leave(task)
        return True

    def _leave(self, task: Task, *, due_at: int | None = None) -> None:
        self._followed.pop(task.task_id, None)
        if due_at is not None:
            self._relay.tasks.postpone(task.task_id, due_at=due_at, reason=task.reason)
