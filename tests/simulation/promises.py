"""What must be true when the world is calm again: every promise that was made is kept, or its failure is on record."""

from typing import TYPE_CHECKING

from relay.domain.task import Acceptance, Archive, FailureCode, Rank, Status, Task
from relay.domain.webhook import DeliveryOutcome, url_id
from tests.simulation.clients import PREDICTIONS, UNTYPED
from tests.simulation.invariants import must
from tests.simulation.webhooks import SETTLED

if TYPE_CHECKING:
    from tests.simulation.simulated_world import SimulatedWorld


class Promises:
    """Checks a world at its end; `calm_since` in ms."""

    def __init__(self, world: "SimulatedWorld", *, calm_since: int) -> None:
        self._world = world
        self._calm_since = calm_since

    def check_dead_letters(self) -> None:
        """Before the redrive: what is not stored is in the dead letters, and its client knows."""
        dead = {message.body for message in self._world.archives.dead_letters}
        for message in self._world.archives.dead_letters:
            recorded = not message.receives or self._world.tasks.tasks[message.body].archive in {Archive.STORED, Archive.FAILED}
            must(recorded, "the last attempt is handled", f"{message.name} is a dead letter, and its task does not say so")
        for task in self._world.tasks.tasks.values():
            if task.status is Status.SUCCEED and task.archive is not Archive.STORED:
                self._known_to_be_late(task)
                must(task.task_id in dead, "a failure leaves a trace", f"{task.task_id[:6]} is not archived, nor in dead letters")

    def _known_to_be_late(self, task: Task) -> None:
        """The client has heard of the success, wants no more, or will after a redrive."""
        rule, identity = "late files are announced", f"{task.task_id}:{task.version}"
        must(task.archive, rule, f"{identity[:6]} has been forgotten")
        if task.callback_url is not None:
            world = self._world
            dead = {message.body.event_id for message in (*world.webhooks.dead_letters, *world.webhook_retries.dead_letters)}
            is_gone = url_id(task.tenant, task.callback_url) in world.endpoints.gone
            must(is_gone or identity in dead | world.endpoints.taken, rule, f"the client of {identity[:6]} has not heard of it")

    def check(self) -> None:
        """After the redrive."""
        world = self._world
        for task in world.tasks.tasks.values():
            self._told(task)
            self._ended(task)
            if before := world.invariants.cancelled.get(task.task_id):
                self._cancelled(before, task)
            if task.status is Status.SUCCEED:
                self._archived(task)
            if task.callback_url is not None:
                self._announced(task, task.callback_url)
        must(not world.due(), "the due index is empty", str(world.due()))
        must(not world.resubmissions.dead_letters, "a redrive brings everything back", "resubmissions")
        self.check_dead_letters()

    def check_undeliverable(self) -> None:
        """Before the redrive of webhooks: what was given up was told, and lies in the dead letters."""
        dead = {
            message.body.event_id for message in (*self._world.webhooks.dead_letters, *self._world.webhook_retries.dead_letters)
        }
        for task in self._world.tasks.tasks.values():
            log = self._world.hooks.log(task.task_id)
            if log and log.outcome is DeliveryOutcome.UNDELIVERABLE:
                identity = f"{task.task_id}:{log.version}"
                must(identity in dead, "a failure leaves a trace", f"the webhook {identity[:6]} is not in the dead letters")
                told = f"{identity}:undeliverable" in self._world.invariants.undeliverable
                must(told, "a failure leaves a trace", f"nobody was told of the webhook {identity[:6]}")

    def _announced(self, task: Task, url: str) -> None:
        """The client has the last version, or wants no more of it."""
        log, name = self._world.hooks.log(task.task_id), task.task_id[:6]
        must(log and log.version == task.version, "no terminal status is lost", f"the client of {name} is told of {log}")
        must(log and log.outcome in SETTLED, "no terminal status is lost", f"the webhooks of {name} are {log}")
        is_gone = url_id(task.tenant, url) in self._world.endpoints.gone
        taken = f"{task.task_id}:{task.version}" in self._world.endpoints.taken
        must(taken or is_gone, "no terminal status is lost", f"the client of {name} did not take version {task.version}")

    def _told(self, task: Task) -> None:
        """One event for each version, and none beyond."""
        told = self._world.invariants.told()[task.task_id]
        must(told == task.version, "no state change without its event", f"{task.task_id[:6]}: {told} events of {task.version}")
        last = self._world.invariants.events[f"{task.task_id}:{task.version}"]
        must(last["status"] == task.status, "no state change without its event", f"{task.task_id[:6]} is {task.status}")

    def _ended(self, task: Task) -> None:
        """Terminal, and as the provider says, unless there is a reason why nobody could know."""
        name, failure = task.task_id[:6], task.failure
        must(task.is_over, "every task comes to an end", f"{name} is {task.status}")
        verdict = self._world.provider.verdict_of(task.task_id)
        if task.rank is Rank.FINAL:
            must(verdict, "the verdict is the provider's", f"{name} is {task.status}, the provider has no verdict")
            must(verdict and verdict.status is task.status, "the verdict is the provider's", f"{name} is {task.status}")
            return
        must(failure, "every task comes to an end", f"{name} failed and does not say why")
        code = failure.code if failure else None
        if code is FailureCode.REJECTED:
            made = self._world.provider.paid[task.task_id]
            must(made == 0, "the verdict is the provider's", f"{name} is called refused, but the provider made it")
        elif code is FailureCode.CANCELLED:
            must(task.task_id in self._world.invariants.cancelled, "answers are true", f"nobody cancelled {name}")
        elif code is FailureCode.NO_RESULTS:
            is_empty = verdict is not None and verdict.status is Status.SUCCEED and not verdict.result
            must(is_empty, "the verdict is the provider's", f"{name} is called empty")
        elif code is FailureCode.EXPIRED:
            known = verdict is not None and max(verdict.updated_at, self._calm_since) < task.deadline_at
            must(not known, "lost callbacks are found", f"{name} expired, though the provider answered before its deadline")
        else:
            must(code is FailureCode.UNKNOWN, "every task comes to an end", f"{name}: {code}")
            blind = task.operation in {UNTYPED, PREDICTIONS} or not self._world.settings.external_ids_honoured
            must(blind, "lost callbacks are found", f"{name} is called unknown")

    def _cancelled(self, before: Task, task: Task) -> None:
        """It stays cancelled unless it succeeds, and it costs nothing if it was unsent."""
        kept = task.is_cancelled or task.status is Status.SUCCEED
        must(kept, "a cancelled task has ended", f"{task.task_id[:6]} is {task.status}, {task.failure}")
        if before.acceptance is Acceptance.UNSENT:
            paid = self._world.provider.paid[task.task_id]
            must(paid == 0, "a cancelled task is not sent", f"{task.task_id[:6]} was unsent, and paid {paid} times after that")

    def _archived(self, task: Task) -> None:
        """Stored with the provider's bytes; or given up with an event, because a file is beyond reach."""
        name = task.task_id[:6]
        if task.archive is Archive.STORED:
            self._world.invariants.stored(task)
        else:
            must(task.archive is Archive.FAILED, "results are archived", f"{name}: {task.archive}")
            must(task.task_id in self._world.source.lost, "results are archived", f"{name} was given up without need")
        document = self._world.documents.callbacks.get(task.task_id)
        must(document, "results are archived", f"the document of {name} is not kept")
        last = self._world.invariants.events[f"{task.task_id}:{task.version}"]
        errors = [result for result in last["results"] if result.get("error")]
        must(bool(errors) == (task.archive is Archive.FAILED), "results are archived", f"the event of {name} tells otherwise")
