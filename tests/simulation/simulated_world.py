"""One world from its seed: everything wired together, a stormy hour, and the calm in which every promise falls due."""

import json
from hashlib import blake2b
from typing import Any

from relay.config import Settings
from relay.domain.task import Status
from relay.providers.registry import PROVIDERS
from relay.providers.statuses import status_of
from tests.simulation.bus import SimulatedBus
from tests.simulation.callbacks import Callbacks
from tests.simulation.clients import Clients, planned
from tests.simulation.faults import Decisions, Fault
from tests.simulation.functions import Functions
from tests.simulation.invariants import Invariants, must
from tests.simulation.promises import Promises
from tests.simulation.provider import SimulatedProvider
from tests.simulation.queues import Queue, Stream
from tests.simulation.results import SimulatedResults
from tests.simulation.scheduler import PassingClock, Scheduler
from tests.simulation.webhooks import QueuedWebhooks, SimulatedEndpoints
from tests.support.fakes.clock import NOON
from tests.support.fakes.documents import FakeDocuments
from tests.support.fakes.fake_world import settings_of
from tests.support.fakes.notices import FakeNotices
from tests.support.fakes.relay import FakeRelay
from tests.support.fakes.resubmissions import FakeResubmissions
from tests.support.fakes.results import FakeResultStore
from tests.support.fakes.secrets import FakeSecretsManager
from tests.support.fakes.submission_counts import FakeSubmissionCounts
from tests.support.fakes.task_store import FakeTaskStore
from tests.support.fakes.uploads import FakeUploads
from tests.support.fakes.webhooks import FakeWebhooks
from tests.support.tasks import task_of

BATCH = 3
"""Due tasks of a partition that the reconciler reads at a time: few, so that there are more."""
_REQUESTS_WITHIN = 600
_STORMS = (240, 600, 1200, 2400)
_TICK = 60
_ANNOUNCED_WITHIN = 60
"""Seconds from the moment when files are late: the reconciler comes each minute."""
_STRANGERS = 4 * BATCH + 4
_STRANGERS_STAY = 900
"""Seconds of the calm."""
_ARCHIVE_ATTEMPTS = 3
_MOST_RECEIVES = 100


class QueuedResubmissions(FakeResubmissions):
    """FakeResubmissions on a queue that delivers."""

    def __init__(self) -> None:
        super().__init__()
        self.queue: Queue | None = None

    def put(self, task_id: str, *, attempt: int, due_at: int, delay: int) -> None:
        """Send the message."""
        super().put(task_id, attempt=attempt, due_at=due_at, delay=delay)
        if self.queue is not None:
            self.queue.send(f"{task_id[:6]} after attempt {attempt}", (task_id, attempt, due_at), delay=delay, continues=True)


def _told(body: bytes) -> tuple[str, str]:
    """The task and the status that a webhook tells of."""
    task = json.loads(body)
    status = status_of(task.get("task_status") or task["status"])
    assert status
    return task.get("task_id") or task["id"], status


class SimulatedWorld:
    """A seed's world; `live()` runs it, and raises the first Violation."""

    def __init__(self, decisions: Decisions) -> None:
        self.decisions = decisions
        self.clock = PassingClock(NOON)
        self.scheduler = self.clock.scheduler = Scheduler(self.clock, self._after_step)
        self.tasks = FakeTaskStore()
        self.documents = FakeDocuments()
        self.results = FakeResultStore()
        self.secrets = FakeSecretsManager()
        self.settings = self._settings()
        self.source = SimulatedResults(decisions, self.scheduler)
        self.provider = SimulatedProvider(
            self.clock, self.scheduler, decisions, self.source, knows_ids=self.settings.external_ids_honoured
        )
        self.provider.deadline = self.settings.task_deadline
        self.invariants = Invariants(self.tasks, self.results, self.source)
        self.invariants.is_accepted = lambda task_id: self.provider.paid[task_id] > 0
        self.bus = SimulatedBus(self.invariants, decisions)
        resubmissions = QueuedResubmissions()
        self.hooks, queued = FakeWebhooks(), QueuedWebhooks()
        self.endpoints = SimulatedEndpoints(self.invariants, self.scheduler, decisions, _told)
        self.bus.webhooks = queued
        relay = FakeRelay(
            settings=self.settings, clock=self.clock, providers=PROVIDERS, tasks=self.tasks,
            documents=self.documents, events=self.bus, api=self.provider, resubmissions=resubmissions, source=self.source,
            results=self.results, uploads=FakeUploads(), submission_counts=FakeSubmissionCounts(), webhooks=self.hooks,
            notices=FakeNotices(), webhook_sender=self.endpoints, webhook_queue=queued,
        )  # fmt: skip
        self.functions = Functions(relay, self.secrets, self.scheduler, decisions)
        self.stream = Stream(self.tasks, self.functions.publish, self.scheduler, decisions)
        at: dict[str, Any] = {"scheduler": self.scheduler, "decisions": decisions}
        self.resubmissions = resubmissions.queue = Queue(
            "resubmissions", self._resubmit, function="ResubmitTasks", visibility=540,
            most_receives=5, **at,
        )  # fmt: skip
        self.archives = self.bus.archives = Queue(
            "archives", self.functions.archive, function="ArchiveResults", visibility=900, most_receives=_MOST_RECEIVES,
            put_off=lambda receives: 5 * 2**receives, **at,
        )  # fmt: skip
        self.functions.bury_archiving = lambda task_id: self.archives.bury(task_id[:6], task_id)
        webhooks: dict[str, Any] = {
            "function": "DeliverWebhooks", "visibility": 360, "most_receives": _MOST_RECEIVES, **at,
        }  # fmt: skip
        self.webhooks = queued.first = Queue("webhooks", self.functions.deliver, **webhooks)
        self.webhook_retries = queued.retries = Queue("webhook-retries", self.functions.deliver, **webhooks)
        self.callbacks = Callbacks(self.functions, self.invariants, self.documents, **at)
        self.provider.call_back = self.callbacks.send
        self.clients = Clients(self.functions, self.invariants, tasks=self.tasks.tasks, **at)
        self._next_tick = self.calm_since = 0

    def _settings(self) -> Settings:
        pick = self.decisions.pick
        unknown = self.decisions.strikes(Fault.IDS_IGNORED, "provider", 0.25)
        return settings_of(
            external_ids_honoured=not unknown,
            inline_request_bytes=300,
            archive_attempts=_ARCHIVE_ATTEMPTS,
            task_deadline=pick("deadline", (300, 900, 3600, 14_400)),
            first_poll_after=pick("first poll", (60, 120)),
            secret_ttl=300,
            webhook_retry_seconds=pick(
                "webhook retries", ("5,60", "5,30,60,300", "5,300,1800,7200,18000,36000,50400,72000,86400")
            ),
        )

    def _resubmit(self, body: tuple[str, int, int], _receives: int) -> Any:
        task_id, _, due_at = body
        self.clients.attempted(task_id)
        before, steps, sent = self.tasks.tasks[task_id], self.scheduler.steps, self.resubmissions.sent
        ended = self.functions.resubmit(*body)
        alone = self.scheduler.steps == steps and self.tasks.tasks[task_id].attempts == before.attempts
        if alone and before.due_at != due_at:
            must(self.resubmissions.sent == sent, "messages do not multiply", f"{task_id[:6]} had a newer message")
        return ended

    def live(self) -> None:
        """The storm, the calm, the redrive, and the promises."""
        storm = self.decisions.pick("storm", _STORMS)
        self.clients.plan(planned(self.decisions), min(_REQUESTS_WITHIN, storm))
        self._plan_outage()
        self._plan_rotation()
        self._store_tasks_of_tomorrow(storm + _STRANGERS_STAY)
        self.scheduler.run(until=NOON + storm * 1000)
        self.decisions.calm = True
        self.calm_since = self.clock.now
        self.provider.is_down = False
        promises = Promises(self, calm_since=self.calm_since)
        self.scheduler.story.append((self.clock.now, 0, "── the calm ──"))
        self.scheduler.run()
        promises.check_dead_letters()
        self.archives.redrive()
        self.resubmissions.redrive()
        self.scheduler.run()
        promises.check_undeliverable()
        self.webhooks.redrive()
        self.webhook_retries.redrive()
        self.scheduler.run()
        promises.check()

    def _plan_outage(self) -> None:
        if not self.decisions.strikes(Fault.OUTAGE, "provider", 0.3):
            return
        start = self.decisions.between("outage", 0, 900)
        self.scheduler.after(start, f"! {Fault.OUTAGE}", lambda: setattr(self.provider, "is_down", not self.decisions.calm))
        end = start + self.decisions.between("outage ends", 30, 1200)
        self.scheduler.after(end, "the provider comes back", lambda: setattr(self.provider, "is_down", False))

    def _plan_rotation(self) -> None:
        if not self.decisions.strikes(Fault.SECRET_ROTATED, "secret", 0.5):
            return

        def rotate() -> None:
            self.secrets.rotate("the second secret")
            self.callbacks.rotated_at = self.clock.now

        self.scheduler.after(self.decisions.between("rotation", 30, 900), f"! {Fault.SECRET_ROTATED}", rotate)

    def _store_tasks_of_tomorrow(self, seconds: int) -> None:
        """A rollback leaves tasks that this version cannot poll, more than a batch of them, until they are deleted."""
        if not self.decisions.strikes(Fault.OF_TOMORROW, "table", 0.05):
            return
        ids = [blake2b(bytes([number]), digest_size=16).hexdigest() for number in range(_STRANGERS)]
        for task_id in ids:
            self.tasks.tasks[task_id] = task_of(task_id, provider="of-tomorrow", due_at=NOON)
            self.invariants.versions[task_id] = 1

        def delete() -> None:
            for task_id in ids:
                del self.tasks.tasks[task_id]

        self.scheduler.after(seconds, "the tasks of tomorrow are deleted", delete)

    def _after_step(self) -> None:
        self.invariants.look()
        self.stream.wake()
        self._check_delays()
        self._plan_tick()

    def _plan_tick(self) -> None:
        """The schedule ticks every minute; minutes in which nothing is due are passed over."""
        due = min((task.due_at for task in self.tasks.tasks.values() if task.due_at is not None), default=None)
        if due is None:
            return
        wait = max(due - self.clock.now, 1) / 1000
        minute = (self.clock.now - NOON + round(wait * 1000)) // (_TICK * 1000) + 1
        if self._next_tick > self.clock.now and self._next_tick <= NOON + minute * _TICK * 1000:
            return
        self._next_tick = NOON + minute * _TICK * 1000
        self.scheduler.after((self._next_tick - self.clock.now) / 1000, "tick", lambda: self._tick(minute))

    def _tick(self, minute: int) -> None:
        place = f"minute {minute}"
        if self.decisions.strikes(Fault.TICK_MISSED, place, 0.05):
            self.scheduler.say(f"! {Fault.TICK_MISSED}")
            return
        if self.decisions.strikes(Fault.TICK_REPEATED, place, 0.05):
            self.scheduler.after(0.5, "tick, again", self._reconcile)
        self._reconcile()

    def _reconcile(self) -> None:
        now = self.clock.now
        ours = [task for task in self.tasks.tasks.values() if task.provider in PROVIDERS and not task.is_over]
        due = {task.task_id: task.due_at for task in ours if task.due_at and task.due_at <= now}
        self.functions.reconcile()
        if self.decisions.calm and self.clock.now == now:
            waiting = [task_id for task_id, due_at in due.items() if self.tasks.tasks[task_id].due_at == due_at]
            must(not waiting, "every due task has its turn", f"{len(waiting)} of {len(due)} were not polled")

    def _check_delays(self) -> None:
        """In the calm, files that are late are announced by the next tick, whatever became of their archiving."""
        if not self.decisions.calm or self.clock.now - self.calm_since <= _ANNOUNCED_WITHIN * 1000:
            return
        late_since = self.clock.now - (self.settings.results_delayed_after + _ANNOUNCED_WITHIN) * 1000
        for task in self.tasks.tasks.values():
            is_open = task.status is Status.SUCCEED and task.archive is None
            must(not (is_open and task.updated_at < late_since), "late files are announced", f"{task.task_id[:6]} waits")

    def due(self) -> list[Any]:
        """What the index of due tasks holds."""
        return list(self.tasks.due(now=2**60, limit=100))
