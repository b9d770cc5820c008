"""A provider that knows no id of ours, and whose callbacks prove nothing: predictions of Replicate."""

import json
from typing import Any

import pytest

from relay.domain.errors import OutcomeUnknownError, UnavailableError
from relay.domain.task import Acceptance, FailureCode, Rank, Status, Task
from relay.providers.base import ProviderRequest, ProviderResponse
from relay.providers.registry import PROVIDERS
from relay.usecases.apply import Outcome
from relay.usecases.reconcile import Reconciled
from relay.usecases.submit import Submission, submit
from tests.support.cloudformation import ROOT
from tests.support.fakes.clock import NOON
from tests.support.fakes.fake_world import PUBLIC_URL, FakeWorld

FIXTURES = ROOT / "tests" / "fixtures" / "replicate"
PREDICTION_ID = "abcdefghjkmnpqrstvwxyz0123"
BODY = {"version": "0" * 64, "input": {"prompt": "a paper boat"}}
LOST = OutcomeUnknownError("no answer from the provider: ReadTimeout")
MISSING = (404, "error_0_404")

type Answer = tuple[int, str] | Exception


class Predictions:
    """ProviderApi that gives these answers in turn: an HTTP status and a fixture, or an exception."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.sent: list[ProviderRequest] = []

    def send(self, request: ProviderRequest, *, timeout: float) -> ProviderResponse:  # noqa: ARG002
        self.sent.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, name = answer
        return ProviderResponse(status, (FIXTURES / f"{name}.json").read_bytes())


class World(FakeWorld):
    """FakeWorld whose provider is Replicate."""

    def __init__(self, *answers: Answer) -> None:
        super().__init__()
        self.provider = PROVIDERS["replicate"]
        self.relay.providers = PROVIDERS
        self.predictions = self.relay.api = Predictions(*answers)

    def created(self, body: Any = None, *, operation: str = "predictions") -> Task:
        submission = Submission(
            tenant="acme", provider="replicate", operation=operation, body=body or BODY, idempotency_key=None,
            public_url=PUBLIC_URL,
        )  # fmt: skip
        return submit(submission, self.relay, new_id="a" * 32).task

    def hears(self, name: str, task: Task) -> Any:
        """A callback."""
        return self.receive(task.task_id, (FIXTURES / f"{name}.json").read_bytes())

    def polls(self, task: Task, *, after: int = 5) -> Reconciled:
        """The reconciler, so many seconds later."""
        self.clock.advance(after)
        return self.reconcile_one(task.task_id)


def test_a_prediction_is_polled_after_seconds_and_shown_with_our_id() -> None:
    world = World((201, "create_starting"), (200, "query_processing"), (200, "query_succeeded_array"))
    task = world.created()
    assert (task.provider_task_id, task.due_at) == (PREDICTION_ID, NOON + 5000)
    sent = world.predictions.sent[0].body
    assert sent
    assert sent["webhook"].startswith(f"{PUBLIC_URL}/callbacks/{task.task_id}/replicate.")
    shown = world.provider.view(task, {}, PUBLIC_URL)
    assert (shown["id"], shown["status"], shown["version"]) == (task.task_id, "starting", BODY["version"])
    assert shown["urls"]["get"] == f"{PUBLIC_URL}/replicate/v1/predictions/{task.task_id}"
    assert PREDICTION_ID not in json.dumps(shown)
    assert world.polls(task) is Reconciled.MOVED
    assert world.task(task.task_id).status is Status.PROCESSING
    assert world.polls(task) is Reconciled.MOVED
    done = world.task(task.task_id)
    assert (done.status, len(done.results)) == (Status.SUCCEED, 2)


def test_a_prediction_that_has_ended_in_its_create_needs_no_poll() -> None:
    world = World((201, "create_sync_succeeded"))
    task = world.created()
    assert (task.status, len(task.results), task.provider_task_id) == (Status.SUCCEED, 1, PREDICTION_ID)
    assert world.documents.callbacks[task.task_id] == (FIXTURES / "create_sync_succeeded.json").read_bytes()


def test_a_final_callback_waits_for_a_query() -> None:
    world = World((201, "create_starting"), (200, "query_succeeded_array"))
    task = world.created()
    assert world.hears("callback_start", task) is Outcome.APPLIED
    assert world.hears("callback_completed_succeeded", task) is Outcome.UNCONFIRMED
    waiting = world.task(task.task_id)
    assert (waiting.status, waiting.due_at) == (Status.PROCESSING, world.clock())
    assert world.polls(task, after=0) is Reconciled.MOVED
    assert world.task(task.task_id).status is Status.SUCCEED


def test_a_final_callback_that_the_provider_contradicts_changes_nothing() -> None:
    world = World((201, "create_starting"), (200, "query_processing"))
    task = world.created()
    assert world.hears("callback_completed_failed", task) is Outcome.UNCONFIRMED
    world.polls(task, after=0)
    assert world.task(task.task_id).status is Status.PROCESSING


def test_an_unknown_create_is_never_sent_again_and_a_callback_brings_its_id() -> None:
    world = World(LOST, (200, "query_succeeded_array"))
    task = world.created()
    assert (task.acceptance, world.resubmissions.messages) == (Acceptance.UNKNOWN, [])
    for _ in range(20):
        assert world.polls(task, after=60) is Reconciled.UNCHANGED
    assert len(world.predictions.sent) == 1, "there is no id to query with"
    assert world.hears("callback_start", task) is Outcome.APPLIED
    assert world.task(task.task_id).provider_task_id == PREDICTION_ID
    assert world.polls(task, after=3600) is Reconciled.MOVED
    assert [request.method for request in world.predictions.sent] == ["POST", "GET"]


def test_a_final_callback_alone_resolves_an_unknown_create() -> None:
    world = World(LOST, (200, "query_succeeded_array"))
    task = world.created()
    assert world.hears("callback_completed_succeeded", task) is Outcome.UNCONFIRMED
    assert world.polls(task, after=0) is Reconciled.MOVED
    assert world.task(task.task_id).status is Status.SUCCEED


def test_an_unknown_create_ends_at_its_deadline_and_a_late_callback_still_counts() -> None:
    world = World(LOST, (200, "query_processing"), (200, "query_succeeded_array"))
    task = world.created()
    assert world.polls(task, after=world.settings.task_deadline) is Reconciled.EXPIRED
    failure = world.task(task.task_id).failure
    assert failure
    assert failure.code is FailureCode.UNKNOWN
    assert world.hears("callback_completed_succeeded", task) is Outcome.UNCONFIRMED
    assert world.polls(task, after=0) is Reconciled.OVER
    assert (world.task(task.task_id).rank, world.task(task.task_id).due_at) == (Rank.GIVEN_UP, None)
    assert world.hears("callback_completed_succeeded", task) is Outcome.UNCONFIRMED
    assert world.polls(task, after=0) is Reconciled.MOVED
    assert world.task(task.task_id).status is Status.SUCCEED


def test_a_given_up_task_is_queried_again_while_the_provider_does_not_answer() -> None:
    world = World(LOST, LOST, (200, "query_succeeded_array"))
    task = world.created()
    world.polls(task, after=world.settings.task_deadline)
    world.hears("callback_completed_succeeded", task)
    assert world.polls(task, after=0) is Reconciled.UNCHANGED
    assert world.polls(task, after=3600) is Reconciled.MOVED


def test_a_fresh_id_that_a_query_does_not_find_says_nothing() -> None:
    world = World((201, "create_starting"), MISSING, (200, "query_processing"))
    task = world.created()
    assert world.polls(task) is Reconciled.UNCHANGED
    assert world.polls(task, after=60) is Reconciled.MOVED
    assert len([request for request in world.predictions.sent if request.method == "POST"]) == 1


@pytest.mark.parametrize(
    ("answer", "status"),
    [(MISSING, Status.FAILED), ((200, "query_cancel_response"), Status.FAILED), (LOST, Status.FAILED),
     (UnavailableError("the secret cannot be read"), Status.FAILED), ((200, "query_succeeded_array"), Status.SUCCEED)],
)  # fmt: skip
def test_the_provider_is_asked_to_cancel_first(answer: Answer, status: Status) -> None:
    world = World((201, "create_starting"), answer)
    task = world.created()
    cancelled = world.cancel(task.task_id)
    assert (cancelled.status, cancelled.is_cancelled) == (status, status is Status.FAILED)
    request = world.predictions.sent[1]
    assert (request.method, request.path) == ("POST", f"/replicate/v1/predictions/{PREDICTION_ID}/cancel")
    shown = world.provider.view(cancelled, {}, "")
    assert shown["status"] == ("canceled" if status is Status.FAILED else "succeeded")


def test_a_task_without_an_id_is_cancelled_without_the_provider() -> None:
    world = World(LOST)
    task = world.created()
    assert world.cancel(task.task_id).is_cancelled
    assert len(world.predictions.sent) == 1


def test_removed_results_do_not_replace_results_and_are_no_success() -> None:
    world = World((201, "create_starting"), (200, "query_succeeded_array"), (200, "removed"))
    task = world.created()
    world.polls(task)
    before = world.task(task.task_id)
    assert world.hears("removed", task) is Outcome.QUARANTINED
    assert world.task(task.task_id).results == before.results

    late = World((201, "create_starting"), *[(200, "removed")] * 12)
    task = late.created()
    for _ in range(10):
        late.polls(task, after=60)
    failure = late.task(task.task_id).failure
    assert failure
    assert failure.code is FailureCode.NO_RESULTS


@pytest.mark.parametrize("name", ["text", "string", "object", "array"])
def test_an_output_is_whatever_the_model_says(name: str) -> None:
    document = json.loads((FIXTURES / f"query_succeeded_{name}.json").read_text())
    world = World((201, "create_starting"), (200, f"query_succeeded_{name}"))
    task = world.created(operation="models/black-forest-labs/flux-schnell/predictions")
    world.polls(task)
    done = world.task(task.task_id)
    urls = {result.path: result.url for result in done.results}
    assert world.provider.view(done, urls, "")["output"] == document["output"]
    stored = {path: f"https://bucket.example/{path}" for path in urls}
    shown = json.dumps(world.provider.view(done, stored, "")["output"])
    assert all(url in shown for url in stored.values())
    assert not any(url in shown for url in urls.values())


def test_a_second_id_of_one_task_is_an_alarm_and_the_first_one_counts() -> None:
    world = World((201, "create_starting"), (200, "query_succeeded_array"))
    task = world.created()
    world.hears("callback_start", task)
    assert world.notices.twice == []
    other = json.loads((FIXTURES / "callback_completed_failed.json").read_text()) | {"id": "another"}
    assert world.receive(task.task_id, json.dumps(other).encode()) is Outcome.UNCONFIRMED
    assert world.notices.twice == [(task.task_id, PREDICTION_ID, "another")]
    world.polls(task, after=0)
    assert world.predictions.sent[1].path.endswith(PREDICTION_ID)
    assert world.task(task.task_id).status is Status.SUCCEED


def test_a_field_without_a_name_is_no_id_and_reaches_the_provider() -> None:
    world = World((201, "create_starting"))
    task = world.created({**BODY, "": "order-1"})
    assert task.external_task_id is None
    sent = world.predictions.sent[0].body
    assert sent
    assert sent[""] == "order-1"


def test_a_callback_counts_though_its_ids_cannot_be_compared() -> None:
    world = World(LOST)
    task = world.created()

    def broken(_task_id: str) -> None:
        raise UnavailableError("the table is throttled")

    world.tasks.get = broken  # type: ignore[method-assign, assignment]
    with pytest.raises(UnavailableError):
        world.hears("callback_start", task)
    assert world.task(task.task_id).provider_task_id == PREDICTION_ID
