"""The functions: each invocation runs the real use case in a warm container, over the fakes and with faults."""

import json
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from relay.adapters.secrets.cached import Secrets
from relay.adapters.secrets.callback_tokens import HmacCallbackTokens
from relay.config import Settings
from relay.domain.errors import CallbackNotAuthenticError, ClientError, TaskNotFoundError
from relay.domain.task import Task
from relay.domain.webhook import Delivery
from relay.ports import Record
from relay.providers.base import Provider
from relay.providers.kling.translator import Kling
from relay.usecases import archive, deliver, publish, query, receive, reconcile, resubmit, submit
from tests.simulation.bus import SimulatedBus
from tests.simulation.calls import FaultyCalls
from tests.simulation.faults import Decisions
from tests.simulation.provider import SimulatedProvider
from tests.simulation.queues import Ended, named
from tests.simulation.results import SimulatedResults
from tests.simulation.scheduler import Scheduler
from tests.simulation.webhooks import QueuedWebhooks, SimulatedEndpoints
from tests.support.fakes.calls import Crash
from tests.support.fakes.documents import FakeDocuments
from tests.support.fakes.resubmissions import FakeResubmissions
from tests.support.fakes.results import FakeResultStore
from tests.support.fakes.secrets import FakeSecretsManager
from tests.support.fakes.submission_counts import FakeSubmissionCounts
from tests.support.fakes.task_store import FakeTaskStore
from tests.support.fakes.uploads import FakeUploads
from tests.support.fakes.webhooks import FakeWebhooks

_CONTAINERS = 3
_RECONCILER_SECONDS = 35
_ATTEMPT_SECONDS = 900.0
_REFUSALS = (ClientError, CallbackNotAuthenticError)


class Container:
    """A warm function: what it read of the secret, and when."""

    def __init__(self, manager: FakeSecretsManager, settings: Settings, scheduler: Scheduler) -> None:
        self.reads: dict[str, int] = {}
        self._manager = manager
        self._scheduler = scheduler
        secrets = Secrets(self, settings.secret_ttl, lambda: scheduler.clock.now / 1000)
        self.tokens = HmacCallbackTokens(secrets, settings.callback_secret_id)

    def get_secret_value(self, *, SecretId: str, VersionStage: str) -> dict[str, Any]:  # noqa: N803 - as AWS names them
        """Note the time of the read."""
        self.reads[VersionStage] = self._scheduler.clock.now
        return self._manager.get_secret_value(SecretId=SecretId, VersionStage=VersionStage)


class InlinePool:
    """In the place of the reconciler's threads: one look after the other; an error comes out when all have been made."""

    def __init__(self, _size: int) -> None: ...

    def __enter__(self) -> "InlinePool":
        return self

    def __exit__(self, *error: object) -> None: ...

    def submit[B](self, look: Callable[..., B], *arguments: Any) -> Future[B]:
        """Made at once, its error kept as an executor keeps it; a kill is no error, it ends everything."""
        made: Future[B] = Future()
        try:
            made.set_result(look(*arguments))
        except Exception as error:  # noqa: BLE001 - as an executor keeps it
            made.set_exception(error)
        return made


@dataclass(slots=True, kw_only=True)
class Services:
    """The fakes of one world."""

    settings: Settings
    provider: Kling
    tasks: FakeTaskStore
    documents: FakeDocuments
    events: SimulatedBus
    api: SimulatedProvider
    resubmissions: FakeResubmissions
    uploads: FakeUploads
    source: SimulatedResults
    results: FakeResultStore
    secrets: FakeSecretsManager
    webhooks: FakeWebhooks
    sender: SimulatedEndpoints
    webhook_queue: QueuedWebhooks

    @property
    def providers(self) -> dict[str, Provider]:
        """By name."""
        return {self.provider.name: self.provider}


class Functions:
    """Invokes functions as Lambda does."""

    def __init__(self, services: Services, scheduler: Scheduler, decisions: Decisions) -> None:
        self._to = services
        self._scheduler = scheduler
        self._decisions = decisions
        self._warm: dict[tuple[str, int], Container] = {}

    def submit(self, submission: submit.Submission, new_id: str, label: str) -> Any:
        """`POST /kling/v1/{operation}`: Submitted, a refusal, or how it ended."""
        return self._invoke("submit", label, lambda calls, container: submit.submit(
            submission, tokens=calls.watch("tokens", container.tokens), new_id=new_id, settings=self._to.settings,
            counts=FakeSubmissionCounts(),
            provider=self._to.provider, uploads=calls.watch("uploads", self._to.uploads), **self._sending(calls),
        ))  # fmt: skip

    def resubmit(self, task_id: str, attempt: int) -> Any:
        """A message of the queue `resubmissions`: Resubmitted, or how it ended."""
        return self._invoke("resubmit", f"{task_id[:6]} attempt {attempt}", lambda calls, container: resubmit.resubmit(
            task_id, attempt, tokens=calls.watch("tokens", container.tokens), settings=self._to.settings,
            providers=self._to.providers, uploads=calls.watch("uploads", self._to.uploads), **self._sending(calls),
        ))  # fmt: skip

    def receive(self, task_id: str, token: str, body: bytes, label: str) -> tuple[Any, Container, list[str]]:
        """`POST /callbacks/{task_id}/{token}`: the outcome, a refusal, or how it ended; the container, and the calls made."""
        used: list[tuple[Container, list[str]]] = []

        def run(calls: FaultyCalls, container: Container) -> Any:
            used.append((container, calls.names))
            return receive.receive(
                task_id, token, body,
                providers=self._to.providers,
                tokens=calls.watch("tokens", container.tokens),
                tasks=calls.watch("tasks", self._to.tasks),
                documents=calls.watch("documents", self._to.documents),
                events=calls.watch("events", self._to.events),
                clock=self._scheduler.clock,
            )  # fmt: skip

        return self._invoke("receive", label, run), *used[0]

    def publish(self, records: list[Record]) -> Any:
        """A batch of the stream: where to begin again from, or how it ended."""
        label = f"from {named(records[0])}"
        return self._invoke("publish", label, lambda calls, _: publish.publish(
            records, events=calls.watch("events", self._to.events)
        ))  # fmt: skip

    def archive(self, task_id: str, receives: int) -> Any:
        """A message of the queue `archives`."""
        last = receives >= self._to.settings.archive_attempts
        return self._invoke("archive", f"{task_id[:6]}", lambda calls, _: archive.archive(
            task_id,
            last_attempt=last,
            providers=self._to.providers,
            tasks=calls.watch("tasks", self._to.tasks),
            api=calls.watch("api", self._to.api),
            source=calls.watch("source", self._to.source),
            store=calls.watch("results", self._to.results),
            clock=self._scheduler.clock,
            seconds_left=lambda: _ATTEMPT_SECONDS,
        ))  # fmt: skip

    def reconcile(self) -> Any:
        """A tick of the schedule."""
        until = self._scheduler.clock.now + _RECONCILER_SECONDS * 1000

        def run(calls: FaultyCalls, _: Container) -> dict[str, int]:
            ports = self._sending(calls)

            def one(task_id: str) -> reconcile.Reconciled:
                result = reconcile.reconcile_one(task_id, providers=self._to.providers, settings=self._to.settings, **ports)
                self._scheduler.say(f"{task_id[:6]}: {result}")
                return result

            return reconcile.reconcile(
                one, tasks=ports["tasks"], clock=self._scheduler.clock, time_left=lambda: until - self._scheduler.clock.now
            )

        return self._invoke("reconcile", "tick", run)

    def deliver(self, delivery: Delivery, _receives: int) -> Any:
        """A message of the queues `webhooks` and `webhook_retries`."""
        return self._invoke("deliver", f"{delivery.event_id[:6]}:{delivery.version}", lambda calls, _: deliver.deliver(
            delivery,
            schedule=self._to.settings.webhook_schedule,
            body_of=self._body_of,
            tasks=calls.watch("tasks", self._to.tasks),
            webhooks=calls.watch("webhooks", self._to.webhooks),
            sender=calls.watch("sender", self._to.sender),
            queue=calls.watch("webhook_queue", self._to.webhook_queue),
            events=calls.watch("events", self._to.events),
            clock=self._scheduler.clock,
        ))  # fmt: skip

    def _body_of(self, task: Task) -> bytes:
        return json.dumps(self._to.provider.view(task, {result.path: result.url for result in task.results})).encode()

    def find(self, tenant: str, reference: str, label: str) -> Any:
        """`GET /tasks/{reference}`: the task, a refusal, or how it ended."""
        return self._invoke("query", label, lambda calls, _: query.find(
            tenant, reference, operation=None, tasks=calls.watch("tasks", self._to.tasks)
        ))  # fmt: skip

    def _sending(self, calls: FaultyCalls) -> dict[str, Any]:
        return {
            "tasks": calls.watch("tasks", self._to.tasks),
            "documents": calls.watch("documents", self._to.documents),
            "api": calls.watch("api", self._to.api),
            "resubmissions": calls.watch("resubmissions", self._to.resubmissions),
            "clock": self._scheduler.clock,
        }

    def _invoke(self, function: str, label: str, run: Callable[[FaultyCalls, Container], Any]) -> Any:
        calls = FaultyCalls(function, label, self._decisions, self._scheduler)
        slot = function, int(self._decisions.share(f"container {function} {calls.label}") * _CONTAINERS)
        container = self._warm.get(slot)
        if container is None:
            container = self._warm[slot] = Container(self._to.secrets, self._to.settings, self._scheduler)
        try:
            return run(calls, container)
        except _REFUSALS as refusal:
            if isinstance(refusal, TaskNotFoundError) and function != "query":
                return self._failed(refusal)
            return refusal
        except Crash:
            self._warm.pop(slot, None)
            return Ended.KILLED
        except Exception as error:  # noqa: BLE001 - whatever comes out, Lambda reports a failed invocation
            return self._failed(error)

    def _failed(self, error: Exception) -> Ended:
        self._scheduler.say(f"fails: {type(error).__name__}: {error}"[:120])
        return Ended.FAILED
