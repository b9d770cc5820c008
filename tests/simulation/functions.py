"""The functions: each invocation runs the real use case in a warm container, over the fakes and with faults."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from relay.adapters.secrets.cached import Secrets
from relay.adapters.secrets.callback_tokens import HmacCallbackTokens
from relay.config import Settings
from relay.domain.errors import CallbackNotAuthenticError, ClientError, TaskNotFoundError
from relay.domain.webhook import Delivery
from relay.ports import Record, Relay
from relay.usecases import archive, cancel, deliver, publish, query, receive, reconcile, resubmit, submit
from tests.simulation.calls import FaultyCalls
from tests.simulation.faults import Decisions
from tests.simulation.queues import Ended, named
from tests.simulation.scheduler import Scheduler
from tests.support.fakes.calls import Crash
from tests.support.fakes.relay import FakeRelay
from tests.support.fakes.secrets import FakeSecretsManager

_CONTAINERS = 3
_RECONCILER_SECONDS = 80
_ATTEMPT_SECONDS = 900.0
_WATCHED = {
    "tasks": "tasks", "provider_ids": "ids", "documents": "documents", "events": "events", "api": "api",
    "resubmissions": "resubmissions",
    "uploads": "uploads", "source": "source", "results": "results", "webhooks": "webhooks", "webhook_sender": "sender",
    "webhook_queue": "webhook_queue",
}  # fmt: skip
"""The name of each port in the simulation's stories."""
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


class Functions:
    """Invokes functions as Lambda does."""

    def __init__(self, relay: FakeRelay, secrets: FakeSecretsManager, scheduler: Scheduler, decisions: Decisions) -> None:
        self._relay = relay
        self._secrets = secrets
        self._scheduler = scheduler
        self._decisions = decisions
        self.bury_archiving: Callable[[str], None] = lambda _task_id: None
        self._warm: dict[tuple[str, int], Container] = {}

    def submit(self, submission: submit.Submission, new_id: str, label: str) -> Any:
        """`POST /kling/v1/{operation}`: Submitted, a refusal, or how it ended."""
        return self._invoke("submit", label, lambda relay: submit.submit(submission, relay, new_id=new_id))

    def resubmit(self, task_id: str, attempt: int, due_at: int) -> Any:
        """A message of the queue `resubmissions`: Resubmitted, or how it ended."""
        return self._invoke(
            "resubmit",
            f"{task_id[:6]} attempt {attempt}",
            lambda relay: resubmit.resubmit(task_id, attempt, relay, due_at=due_at),
        )

    def receive(self, task_id: str, token: str, body: bytes, label: str) -> tuple[Any, Container, list[str]]:
        """`POST /callbacks/{task_id}/{token}`: the outcome, a refusal, or how it ended; the container, and the calls made."""
        used: list[tuple[Container, list[str]]] = []
        return self._invoke(
            "receive", label, lambda relay: receive.receive(task_id, token, body, {}, relay), lambda *ran: used.append(ran)
        ), *used[0]

    def publish(self, records: list[Record]) -> Any:
        """A batch of the stream: where to begin again from, or how it ended."""
        label = f"from {named(records[0])}"
        return self._invoke("publish", label, lambda relay: publish.publish(records, relay.events))

    def archive(self, task_id: str, receives: int) -> Any:
        """A message of the queue `archives`."""
        last = receives >= self._relay.settings.archive_attempts

        def run(relay: Relay) -> object:
            try:
                return archive.archive(task_id, relay, last_attempt=last, seconds_left=lambda: _ATTEMPT_SECONDS)
            except archive.ArchivingError:
                if not last:
                    raise
                self.bury_archiving(task_id)
                return None

        return self._invoke("archive", f"{task_id[:6]}", run)

    def reconcile(self) -> Any:
        """A tick of the schedule."""
        until = self._scheduler.clock.now + _RECONCILER_SECONDS * 1000

        right = reconcile.reconcile_one

        def poll(task_id: str, relay: Relay) -> reconcile.Reconciled:
            result = right(task_id, relay)
            self._scheduler.say(f"{task_id[:6]}: {result}")
            return result

        with patch.object(reconcile, "reconcile_one", poll):
            return self._invoke(
                "reconcile",
                "tick",
                lambda relay: reconcile.reconcile(
                    relay,
                    lambda: until - self._scheduler.clock.now,
                    pause=lambda seconds: self._scheduler.pause(round(seconds * 1000)),
                ),
            )

    def deliver(self, delivery: Delivery, _receives: int) -> Any:
        """A message of the queues `webhooks` and `webhook_retries`."""
        return self._invoke(
            "deliver", f"{delivery.event_id[:6]}:{delivery.version}", lambda relay: deliver.deliver(delivery, relay)
        )

    def find(self, tenant: str, reference: str, label: str) -> Any:
        """`GET /tasks/{reference}`: the task, a refusal, or how it ended."""
        return self._invoke("query", label, lambda relay: query.find(tenant, reference, operation=None, tasks=relay.tasks))

    def cancel(self, tenant: str, reference: str, label: str) -> Any:
        """`DELETE /tasks/{reference}`: the task, a refusal, or how it ended."""
        return self._invoke("cancel", label, lambda relay: cancel.cancel(tenant, reference, relay))

    def _invoke(
        self,
        function: str,
        label: str,
        run: Callable[[Relay], Any],
        watch: Callable[[Container, list[str]], None] = lambda _container, _names: None,
    ) -> Any:
        calls = FaultyCalls(function, label, self._decisions, self._scheduler)
        slot = function, int(self._decisions.share(f"container {function} {calls.label}") * _CONTAINERS)
        container = self._warm.get(slot)
        if container is None:
            container = self._warm[slot] = Container(self._secrets, self._relay.settings, self._scheduler)
        watch(container, calls.names)
        try:
            return run(self._watched(calls, container))
        except _REFUSALS as refusal:
            if isinstance(refusal, TaskNotFoundError) and function not in {"query", "cancel"}:
                return self._failed(refusal)
            return refusal
        except Crash:
            self._warm.pop(slot, None)
            return Ended.KILLED
        except Exception as error:  # noqa: BLE001 - whatever comes out, Lambda reports a failed invocation
            return self._failed(error)

    def _watched(self, calls: FaultyCalls, container: Container) -> FakeRelay:
        """The relay of one invocation: every port watched, the tokens of its container."""
        ports = {port: calls.watch(name, getattr(self._relay, port)) for port, name in _WATCHED.items()}
        return replace(self._relay, **ports, tokens=calls.watch("tokens", container.tokens))

    def _failed(self, error: Exception) -> Ended:
        self._scheduler.say(f"fails: {type(error).__name__}: {error}"[:120])
        return Ended.FAILED
