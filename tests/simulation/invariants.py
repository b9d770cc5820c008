"""What must be true after every step: of each write, of each event, of each answer to a client."""

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from relay.domain.events import STATUS_CHANGED, WEBHOOK_UNDELIVERABLE, Event
from relay.domain.task import Acceptance, Archive, Rank, Status, Task
from relay.ports import Record
from relay.providers.registry import PROVIDERS
from tests.simulation.results import SimulatedResults
from tests.support.fakes.results import FakeResultStore
from tests.support.fakes.task_store import FakeTaskStore

if TYPE_CHECKING:
    from collections.abc import Callable

_TOLD = ("status", "rank", "message", "snapshot_at", "document", "updated_at", "failure", "archive")
_IDENTITY = ("task_id", "tenant", "operation", "provider", "external_task_id", "fingerprint", "created_at", "deadline_at")


class Violation(BaseException):
    """A guarantee is broken: no code under test may catch it."""

    def __init__(self, rule: str, text: str) -> None:
        super().__init__(rule, text)
        self.rule = rule

    def __str__(self) -> str:
        return ": ".join(self.args)


class Invariants:
    """Looks at everything that was written, published and answered, at once."""

    def __init__(self, store: FakeTaskStore, files: FakeResultStore, source: SimulatedResults) -> None:
        self.versions: dict[str, int] = {}
        self.events: dict[str, dict[str, Any]] = {}
        self.quarantined: set[str] = set()
        """The keys of quarantined callbacks that were announced."""
        self.undeliverable: set[str] = set()
        """The ids of the events of webhooks that were given up, or whose endpoint is gone."""
        self._statuses: dict[str, dict[int, tuple[str, Archive | None]]] = defaultdict(dict)
        self._seen: dict[str, dict[str, Rank]] = defaultdict(dict)
        self._bodies: dict[tuple[str, str], str] = {}
        self._keys: dict[tuple[str, str], str] = {}
        self.is_accepted: Callable[[str], bool] = lambda _task_id: False
        """Whether the provider has made a task of ours."""
        self.cancelled: dict[str, Task] = {}
        """Each cancelled task as it was before."""
        self._store = store
        self._files = files
        self._source = source
        self._looked = 0

    def look(self) -> None:
        """Check what was written since the last look."""
        records = self._store.records
        while self._looked < len(records):
            record = records[self._looked]
            self._looked += 1
            if record.after is not None:
                self._written(record, record.after)

    def _written(self, record: Record, after: Task) -> None:
        before, name = record.before, after.task_id[:6]
        expected = self.versions.get(after.task_id, 0)
        told = before is None or any(getattr(before, field) != getattr(after, field) for field in _TOLD)
        must((before.version if before else 0) == expected, "versions are contiguous", f"{name} was changed beside the store")
        must(
            after.version == expected + told, "versions are contiguous", f"{name} goes from version {expected} to {after.version}"
        )
        told_why = after.reason is not None or after.acceptance is not Acceptance.UNSENT
        must(told_why, "a waiting task says why", f"{name} is {after.acceptance}")
        waits = not after.is_over or (after.status is Status.SUCCEED and after.archive is None)
        is_queried_again = (
            after.rank is Rank.GIVEN_UP and after.due_at is not None and PROVIDERS[after.provider].confirms_callbacks
        )
        must(
            is_queried_again or waits == (after.due_at is not None),
            "the due index holds what waits",
            f"{name}, {after.rank.name}, {after.archive}",
        )
        if before is not None:
            _moved(before, after, name)
            begun = after.attempts > before.attempts
            must(not (begun and before.is_cancelled), "a cancelled task is not sent", f"{name} begins attempt {after.attempts}")
            if after.is_cancelled and not before.is_cancelled:
                self.cancelled[after.task_id] = before
            if after.acceptance is Acceptance.REFUSED is not before.acceptance:
                must(not self.is_accepted(after.task_id), "a refused task was not accepted", name)
        self.versions[after.task_id] = after.version
        self._statuses[after.task_id][after.version] = (after.status.value, after.archive)
        if after.archive is Archive.STORED:
            self.stored(after)

    def stored(self, task: Task) -> None:
        """Every file of a stored task has exactly the provider's bytes."""
        for number, result in enumerate(task.results):
            truth = self._source.truth.get((task.task_id, number))
            kept = self._files.files.get(result.key or "")
            must(kept is not None and kept == truth, "stored is stored", f"{task.task_id[:6]}, file {number}: {result.key}")
            must(result.bytes == len(truth or b""), "stored is stored", f"{task.task_id[:6]}, file {number}: its size")

    def published(self, event: Event) -> None:
        """An event that goes out belongs to a version that is stored, and is the only one of its id."""
        self.look()
        detail = event.detail
        identity, task_id = detail["event_id"], detail["task_id"]
        if event.detail_type == WEBHOOK_UNDELIVERABLE:
            self.undeliverable.add(identity)
            return
        if "version" not in detail:
            self.quarantined.add(detail["key"])
            return
        status, archive = self._statuses[task_id].get(detail["version"], ("none", None))
        must(status == detail["status"], "no event without its state change", f"{identity[:6]}:{detail['version']} is {status}")
        must(archive is None or event.detail_type != STATUS_CHANGED, "each event says what changed", identity)
        earlier = self.events.setdefault(identity, detail)
        must(earlier == detail, "no two events of one id", identity)

    def status_of(self, event_id: str) -> str:
        """The status of a stored version."""
        self.look()
        task_id, _, version = event_id.partition(":")
        return self._statuses[task_id].get(int(version), ("none", None))[0]

    def seen(self, client: str) -> dict[str, Rank]:
        """How far a client has seen each task: what it asks for from now on must not be older."""
        return dict(self._seen[client])

    def answered(self, client: str, task: Task, *, seen: dict[str, Rank], key: str | None = None, request: str = "") -> None:
        """A client's answer shows the stored task, its own, and always the same for the same key."""
        self.look()
        stored = self._store.tasks.get(task.task_id)
        name = task.task_id[:6]
        if stored is None:
            raise Violation("answers are true", f"{name} is not stored")
        must(stored.tenant == client, "tenants see only their own", f"{client} was answered with {name} of {stored.tenant}")
        must(task.rank <= stored.rank, "answers are true", f"{name} is {stored.status}, the answer says {task.status}")
        must(task.version < stored.version or _same(task, stored), "answers are true", f"{name} is told otherwise than stored")
        least = seen.get(task.task_id, Rank.SUBMITTED)
        must(task.rank >= least, "answers never go back", f"{name} was {least.name}, then {task.rank.name}")
        self._seen[client][task.task_id] = max(least, task.rank, self._seen[client].get(task.task_id, least))
        if key is not None:
            must(self._bodies.setdefault((client, key), request) == request, "a key stands for one request", f"{client}, {key}")
            must(self._keys.setdefault((client, key), task.task_id) == task.task_id, "a key stands for one task", f"{key}")

    def told(self) -> Counter[str]:
        """How many events each task has."""
        return Counter(detail["task_id"] for detail in self.events.values())


def _moved(before: Task, after: Task, name: str) -> None:
    said = f"{name}: {before.rank.name} ({before.message!r}, {before.snapshot_at}), then {after.rank.name} ({after.message!r})"
    must(all(getattr(before, field) == getattr(after, field) for field in _IDENTITY), "a task stays itself", said)
    must(after.rank >= before.rank, "stale snapshots never win", said)
    must(before.provider_task_id in {None, after.provider_task_id}, "a task stays itself", said)
    if before.archive is Archive.STORED:
        must(before == after, "stored is final", said)
    is_announced = after.archive is Archive.PENDING is not before.archive
    must(before.archive is None or not is_announced, "late files are announced once", f"{name} was {before.archive}")
    if before.rank is Rank.FINAL or before.rank == after.rank == Rank.GIVEN_UP:
        kept = ("status", "rank", "message", "snapshot_at", "document")
        same = all(getattr(before, field) == getattr(after, field) for field in kept)
        must(same and (before.version == after.version or after.archive is not None), "terminal states absorb", said)
    elif before.version != after.version and before.rank == after.rank:
        must(after.snapshot_at > before.snapshot_at and after.message != before.message, "stale snapshots never win", said)


def _same(task: Task, stored: Task) -> bool:
    return task.version == stored.version and (task.status, task.failure) == (stored.status, stored.failure)


def must(holds: object, rule: str, text: str) -> None:
    """Raise a Violation unless it holds."""
    if not holds:
        raise Violation(rule, text)
