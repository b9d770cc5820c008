"""A task's lifecycle, driven by Hypothesis: whatever is reported in whatever order, the guarantees hold after each step."""

from hypothesis import settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from relay.domain.errors import TaskConflictError
from relay.domain.events import event_between
from relay.domain.task import Archive, Change, Failure, FailureCode, Rank, Snapshot, Status, Task
from tests.support.fakes.task_store import FakeTaskStore
from tests.support.tasks import NOON, VIDEO, task_of

_RUNNING = strategies.sampled_from([Status.SUBMITTED, Status.PROCESSING])
_TIMES = strategies.integers(NOON, NOON + 20)
_MESSAGES = strategies.sampled_from(["", "half done", "nearly"])
_LOST = Failure(code=FailureCode.ARCHIVE, message="HTTP 404")


class Lifecycle(RuleBasedStateMachine):
    """One task in a store; `verdict` is the provider's first."""

    def __init__(self) -> None:
        super().__init__()
        self.store = FakeTaskStore()
        self.store.create(task_of())
        self.task_id = task_of().task_id
        self.seen = self.task
        self.verdict: Status | None = None

    @property
    def task(self) -> Task:
        """As it is stored."""
        return self.store.tasks[self.task_id]

    def _report(self, change: Change) -> bool:
        before = self.task
        try:
            self.store.change(self.task_id, change, at=NOON)
        except TaskConflictError:
            assert self.task == before, "what is refused changes nothing"
            return False
        return True

    @rule(status=_RUNNING, at=_TIMES, message=_MESSAGES)
    def still_running(self, status: Status, at: int, message: str) -> None:
        """The provider is at it."""
        self._report(Change.reported(Snapshot(status=status, provider_task_id="1", message=message, updated_at=at)))

    @rule(success=strategies.booleans(), at=_TIMES)
    def provider_decides(self, success: bool, at: int) -> None:
        """A verdict, perhaps not the first."""
        status = Status.SUCCEED if success else Status.FAILED
        results = (VIDEO,) if success else ()
        taken = self._report(
            Change.reported(
                Snapshot(status=status, provider_task_id="1", updated_at=at, results=results), due_at=NOON if success else None
            )
        )
        assert taken is (self.verdict is None), "the first verdict is taken, and no other"
        self.verdict = self.verdict or status

    @rule(code=strategies.sampled_from([FailureCode.EXPIRED, FailureCode.REJECTED, FailureCode.UNKNOWN]))
    def relay_gives_up(self, code: FailureCode) -> None:
        """Our own verdict."""
        before = self.task.rank
        assert self._report(Change.given_up(code, "given up")) is (before < Rank.GIVEN_UP)

    @precondition(lambda self: self.verdict is Status.SUCCEED)
    @rule(stored=strategies.booleans())
    def archiving_ends(self, stored: bool) -> None:
        """Well, or not."""
        before = self.task.archive
        try:
            self.store.record_archive(self.task_id, (VIDEO,), at=NOON, failure=None if stored else _LOST)
        except TaskConflictError:
            assert before is Archive.STORED or (before is Archive.FAILED and not stored)

    @rule()
    def files_are_late(self) -> None:
        """Or not: that is announced at most once, and not after the end of archiving."""
        before = self.task
        announced = self.store.record_delay(self.task_id, at=NOON)
        assert announced is (before.status is Status.SUCCEED and before.archive is None)
        assert announced or self.task == before

    @rule(due=_TIMES)
    def bookkeeping(self, due: int) -> None:
        """Writes that nobody is told of."""
        version = self.task.version
        self.store.postpone(self.task_id, due_at=due)
        self.store.record_acceptance(self.task_id, "1", due_at=due)
        assert self.task.version == version

    @invariant()
    def the_rank_never_falls(self) -> None:
        """Nor does the version, which goes up by one."""
        assert self.task.rank >= self.seen.rank
        assert self.task.version - self.seen.version in {0, 1}
        self.seen = self.task

    @invariant()
    def the_verdict_stays(self) -> None:
        """Terminal states absorb."""
        if self.verdict:
            assert (self.task.status, self.task.rank) == (self.verdict, Rank.FINAL)
            assert (self.task.due_at is None) == (self.verdict is Status.FAILED or self.task.archive is not None)

    @invariant()
    def each_version_has_its_event(self) -> None:
        """From the stream: one each, without gaps."""
        events = [event_between(record.before, record.after) for record in self.store.records if record.after]
        versions = [event.detail["version"] for event in events if event]
        assert versions == list(range(1, self.task.version + 1))


TestLifecycle = Lifecycle.TestCase
TestLifecycle.settings = settings(max_examples=200, stateful_step_count=30, derandomize=True, deadline=None)
