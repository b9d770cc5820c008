"""Bugs, planted one at a time: the simulation finds each of them within a thousand seeds."""

from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from typing import Any

import pytest

from relay.adapters.secrets.cached import Secrets
from relay.domain.errors import Meaning, ProviderTaskMissingError, TaskConflictError
from relay.domain.events import event_between
from relay.domain.task import Acceptance, Change, Rank, Status, Task
from relay.domain.webhook import Delivery, DeliveryLog, DeliveryOutcome
from relay.providers.base import ProviderRequest, ProviderResponse
from relay.providers.reply import Reply
from relay.usecases import archive, deliver, receive, reconcile, resubmit, send
from relay.usecases.apply import Outcome, apply
from relay.usecases.send import close
from tests.simulation import calls, simulated_world
from tests.simulation.run import run
from tests.support.fakes.task_store import FakeTaskStore
from tests.support.fakes.webhooks import FakeWebhooks

SEEDS = 1000

_MOVED_TO = Task.moved_to

Plant = Callable[[pytest.MonkeyPatch], None]


def _forced(task: Task, change: Change, at: int) -> Task:
    """The change as it stands, whatever the task is."""
    blank = replace(task, rank=Rank.SUBMITTED, snapshot_at=-1, message="\0")
    return _MOVED_TO(blank, change, at=at)


def the_update_has_no_condition(patch: pytest.MonkeyPatch) -> None:
    """UpdateItem without ConditionExpression."""

    def changed(store: FakeTaskStore, task_id: str, change: Change, *, at: int) -> Task:
        task = store._existing(task_id)
        return store._write(task, _forced(task, change, at))

    patch.setattr(FakeTaskStore, "change", changed)


def an_event_is_published_before_the_write(patch: pytest.MonkeyPatch) -> None:
    """The receiver tells of a change, and makes it then."""
    right = receive.receive

    def eager(task_id: str, token: str, body: bytes, headers: Any, relay: Any) -> Outcome | Reply:
        def telling(task_id: str, snapshot: Any, raw: bytes, relay: Any) -> Outcome:
            task = relay.tasks.get(task_id)
            after = replace(task, status=snapshot.status, message=snapshot.message, version=task.version + 1)
            event = event_between(task, after)
            assert event
            relay.events.publish([event])
            return apply(task_id, snapshot, raw, relay)

        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(receive, "apply", telling)
            return right(task_id, token, body, headers, relay)

    patch.setattr(receive, "receive", eager)


def a_task_is_sent_again_without_asking(patch: pytest.MonkeyPatch) -> None:
    """The resubmission does not look whether the provider has the task."""
    right = resubmit.resubmit

    class Blind:
        def __init__(self, api: Any) -> None:
            self._api = api

        def send(self, request: ProviderRequest, *, timeout: float) -> ProviderResponse:
            if request.method == "GET":
                raise ProviderTaskMissingError("not asked")
            answer: ProviderResponse = self._api.send(request, timeout=timeout)
            return answer

    patch.setattr(
        resubmit,
        "resubmit",
        lambda task_id, attempt, relay, **of: right(task_id, attempt, replace(relay, api=Blind(relay.api)), **of),
    )


def the_reconciler_does_not_compare_ranks(patch: pytest.MonkeyPatch) -> None:
    """What a query answers is written, whatever came before."""

    def unchecked(task_id: str, snapshot: Any, raw: bytes, relay: Any) -> Outcome:
        at = relay.clock()
        change = Change.reported(snapshot, due_at=at + 90_000 if snapshot.status is Status.SUCCEED else None)
        task = relay.tasks.get(task_id)
        if (task.rank, task.message) == (change.rank, change.message):
            return apply(task_id, snapshot, raw, relay)
        relay.documents.put_callback(task_id, raw)
        relay.tasks._write(task, _forced(task, change, at))
        return Outcome.APPLIED

    patch.setattr(reconcile, "apply", unchecked)


def results_are_called_stored_too_early(patch: pytest.MonkeyPatch) -> None:
    """The task is marked first, the files are copied then."""
    right = archive.archive

    def early(task_id: str, relay: Any, **arguments: Any) -> Task | None:
        task = relay.tasks.get(task_id)
        if task and task.archive is None and task.results:
            results = tuple(
                replace(result, key=f"results/{task_id}/{number}.mp4", bytes=1296) for number, result in enumerate(task.results)
            )
            relay.tasks.record_archive(task_id, results, at=relay.clock())
        return right(task_id, relay, **arguments)

    patch.setattr(archive, "archive", early)


def a_verdict_can_be_overwritten(patch: pytest.MonkeyPatch) -> None:
    """A second verdict, or our own expiry, follows the first."""

    def moved_to(task: Task, change: Change, *, at: int) -> Task:
        return _forced(task, change, at) if change.rank >= Rank.GIVEN_UP else _MOVED_TO(task, change, at=at)

    patch.setattr(Task, "moved_to", moved_to)


def a_stale_secret_is_refused_at_once(patch: pytest.MonkeyPatch) -> None:
    """A token that does not fit what is remembered is refused without another look."""
    patch.setattr(Secrets, "renew", lambda _secrets, _secret_id: False)


def an_unknown_operation_is_taken_for_a_known_one(patch: pytest.MonkeyPatch) -> None:
    """After an unknown outcome its "no such task" is believed, and it is sent again."""
    for use_case in (send, reconcile, resubmit):
        patch.setattr(use_case, "may_repeat", lambda _operation, _settings: True)


def a_webhook_is_not_overtaken(patch: pytest.MonkeyPatch) -> None:
    """The claim of an attempt has no condition on the version."""
    right = FakeWebhooks.begin

    def begun(webhooks: FakeWebhooks, delivery: Delivery, **times: int) -> DeliveryLog | None:
        kept = webhooks.items.pop(delivery.task_id, None)
        log = right(webhooks, delivery, **times)
        return replace(log, attempts=kept.log.attempts) if log and kept else log

    patch.setattr(FakeWebhooks, "begin", begun)


def a_retry_is_concluded_before_it_is_queued(patch: pytest.MonkeyPatch) -> None:
    """A crash between the two leaves nobody to make it."""
    right = deliver._conclude

    def concluded(claim: Any, answer: Any, relay: Any, *, at: int) -> DeliveryOutcome:
        queue = relay.webhook_queue
        kept: list[Callable[[], None]] = []

        class Later:
            def put(self, delivery: Delivery, *, now: int) -> None:
                kept.append(lambda: queue.put(delivery, now=now))

            def bury(self, delivery: Delivery) -> None:
                kept.append(lambda: queue.bury(delivery))

        outcome = right(claim, answer, replace(relay, webhook_queue=Later()), at=at)
        for put in kept:
            put()
        return outcome

    patch.setattr(deliver, "_conclude", concluded)


def a_webhook_tells_the_present_under_an_old_id(patch: pytest.MonkeyPatch) -> None:
    """The task is sent as it stands, whatever version the message is of."""
    patch.setattr(Delivery, "snapshot_of", lambda _delivery, task: task)


def a_refusal_forgets_the_attempts_before_it(patch: pytest.MonkeyPatch) -> None:
    """An attempt is begun as if every earlier one had been proven missing."""
    right = FakeTaskStore.begin_attempt

    def begun(store: FakeTaskStore, task_id: str, attempt: int, *, due_at: int, unresolved_at: int = 0) -> Task:
        return right(store, task_id, attempt, due_at=due_at, unresolved_at=min(0, unresolved_at))

    patch.setattr(FakeTaskStore, "begin_attempt", begun)


def a_write_does_not_recognise_itself(patch: pytest.MonkeyPatch) -> None:
    """A create that the SDK repeats after a lost response is taken for somebody else's."""
    patch.setattr(calls, "repeated", lambda _port, _first, call: call())


def a_retry_forgets_why_the_task_waits(patch: pytest.MonkeyPatch) -> None:
    """The reason of the provider's response is not stored."""
    right = FakeTaskStore.schedule_attempt

    def scheduled(self: FakeTaskStore, task: Task, **named: Any) -> bool:
        return right(self, task, **{**named, "reason": None})

    patch.setattr(FakeTaskStore, "schedule_attempt", scheduled)


def a_task_expires_without_an_answer(patch: pytest.MonkeyPatch) -> None:
    """There is no grace after the deadline."""
    patch.setattr(reconcile, "_GRACE_MS", 0)


def an_attempt_begins_for_a_cancelled_task(patch: pytest.MonkeyPatch) -> None:
    """The condition of `begin_attempt` is only the number of the attempt."""

    def begun(store: FakeTaskStore, task_id: str, attempt: int, *, due_at: int, unresolved_at: int = 0) -> Task:
        task = store._existing(task_id)
        if task.attempts != attempt - 1:
            raise TaskConflictError("another attempt")
        due = None if task.is_over else due_at
        return store._write(
            task, replace(task, attempts=attempt, acceptance=Acceptance.UNKNOWN, due_at=due, unresolved_at=unresolved_at)
        )

    patch.setattr(FakeTaskStore, "begin_attempt", begun)


def a_success_without_files_is_final_at_once(patch: pytest.MonkeyPatch) -> None:
    """The first report of it ends the task."""

    def settled(task: Task, error: Any, relay: Any) -> Any:
        relay.documents.put_callback(task.task_id, error.document)
        close(task, Change.without_results("no file"), relay)
        return reconcile.Reconciled.MOVED

    patch.setattr(reconcile, "_settle_empty", settled)


def an_old_task_of_the_provider_is_adopted(patch: pytest.MonkeyPatch) -> None:
    """A query finds the task of a forgotten one with the same id."""
    patch.setattr(Task, "is_ours", lambda _task, _snapshot: True)


def every_message_of_a_task_is_followed_by_another(patch: pytest.MonkeyPatch) -> None:
    """As in version 0.2.0, not only the newest one."""
    right = resubmit.resubmit
    patch.setattr(resubmit, "resubmit", lambda task_id, attempt, relay, **_of: right(task_id, attempt, relay, due_at=None))


def a_task_that_cannot_be_polled_stays_first(patch: pytest.MonkeyPatch) -> None:
    """An exception neither postpones it, nor does the reconciler read past it."""
    right = reconcile._batches
    patch.setattr(reconcile, "_batches", lambda relay, time_left: islice(right(relay, time_left), 1))
    patch.setattr(FakeTaskStore, "postpone", _not_for_exceptions(FakeTaskStore.postpone))


def late_files_are_not_announced(patch: pytest.MonkeyPatch) -> None:
    """The reconciler does nothing for a task that is over."""
    patch.setattr(reconcile, "_announce_delay", lambda _task, _relay: reconcile.Reconciled.OVER)


def _not_for_exceptions(right: Callable[..., None]) -> Callable[..., None]:
    def postponed(store: FakeTaskStore, task_id: str, *, due_at: int, reason: Any = None) -> None:
        if reason is None or reason.meaning is not Meaning.RELAY:
            right(store, task_id, due_at=due_at, reason=reason)

    return postponed


def throttled_deliveries_use_up_the_attempts(patch: pytest.MonkeyPatch) -> None:
    """The queue's maxReceiveCount is the number of attempts."""
    patch.setattr(simulated_world, "_MOST_RECEIVES", simulated_world._ARCHIVE_ATTEMPTS)


PLANTS: dict[str, tuple[Plant, set[str]]] = {
    "no condition": (the_update_has_no_condition, {"terminal states absorb", "stale snapshots never win"}),
    "event before the write": (an_event_is_published_before_the_write, {"no event without its state change"}),
    "no look-up": (a_task_is_sent_again_without_asking, {"never paid twice"}),
    "no rank check": (the_reconciler_does_not_compare_ranks, {"terminal states absorb", "stale snapshots never win"}),
    "stored too early": (results_are_called_stored_too_early, {"stored is stored"}),
    "verdict overwritten": (a_verdict_can_be_overwritten, {"terminal states absorb", "stale snapshots never win"}),
    "untyped believed": (an_unknown_operation_is_taken_for_a_known_one, {"never paid twice"}),
    "webhook not overtaken": (a_webhook_is_not_overtaken, {"webhooks never go back"}),
    "retry queued last": (a_retry_is_concluded_before_it_is_queued, {"no terminal status is lost", "a failure leaves a trace"}),
    "the present under an old id": (a_webhook_tells_the_present_under_an_old_id, {"a webhook tells what is stored"}),
    "refusal after a loss": (a_refusal_forgets_the_attempts_before_it, {"a refused task was not accepted"}),
    "own write unknown": (a_write_does_not_recognise_itself, {"a create knows its own task"}),
    "no reason": (a_retry_forgets_why_the_task_waits, {"a waiting task says why"}),
    "sent after its cancellation": (an_attempt_begins_for_a_cancelled_task, {"a cancelled task is not sent"}),
    "empty at once": (a_success_without_files_is_final_at_once, {"the verdict is the provider's"}),
    "old task": (an_old_task_of_the_provider_is_adopted, {"the verdict is the provider's"}),
    "messages multiply": (every_message_of_a_task_is_followed_by_another, {"messages do not multiply"}),
    "delayed never announced": (late_files_are_not_announced, {"late files are announced"}),
    "starvation": (a_task_that_cannot_be_polled_stays_first, {"every due task has its turn"}),
    "no grace": (a_task_expires_without_an_answer, {"lost callbacks are found"}),
    "throttled": (throttled_deliveries_use_up_the_attempts, {"the last attempt is handled"}),
    "stale secret": (a_stale_secret_is_refused_at_once, {"a genuine callback gets in"}),
}


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_bug_is_found(name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    plant, rules = PLANTS[name]
    plant(monkeypatch)
    for seed in range(SEEDS):
        violation = run(seed).violation
        if violation:
            break
    with capsys.disabled():
        print(f"\n{name}: seed {seed}: {violation}")  # noqa: T201
    assert violation, f"{name} was not found in {SEEDS} seeds"
    assert violation.rule in rules
