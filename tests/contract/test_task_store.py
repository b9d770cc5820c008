"""What every TaskStore does, whatever it is made of."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from relay.domain.errors import InvalidRequestError, TaskConflictError, TaskNotFoundError
from relay.domain.task import (
    DUE_SHARDS,
    Acceptance,
    Archive,
    Change,
    Failure,
    FailureCode,
    Rank,
    Reason,
    Status,
    Task,
    derived_task_id,
    due_shard_of,
)
from relay.ports import TaskStore
from tests.support.tasks import (
    BUSY,
    CANCELLED,
    CANCELLED_UNSENT,
    EXPIRED,
    FAILED,
    HOUR,
    NOON,
    POLICY,
    PROCESSING,
    PROVIDER_ID,
    REJECTED,
    SUBMITTED,
    SUCCEED,
    SUCCEED_DUE,
    VIDEO,
    reported,
    task_of,
)

LATER = NOON + HOUR
STORED = (replace(VIDEO, bucket="results", key="results/a/0.mp4", bytes=9, sha256="0" * 64, media_type="video/mp4"),)
LOST = (replace(VIDEO, error="HTTP 404"),)
GIVEN_UP = Failure(code=FailureCode.ARCHIVE, message="task_result/videos/0/url: HTTP 404")


def created(store: TaskStore, *changes: Change, task: Task | None = None) -> Task:
    """A stored task after `changes`."""
    task = task or task_of()
    store.create(task)
    for change in changes:
        task = changed(store, task, change)
    return task


def changed(store: TaskStore, task: Task, change: Change, *, at: int = LATER) -> Task:
    """The stored task after one more."""
    store.change(task.task_id, change, at=at)
    return stored(store, task.task_id)


def stored(store: TaskStore, task_id: str = task_of().task_id) -> Task:
    task = store.get(task_id)
    assert task is not None
    return task


def all_due(store: TaskStore, now: int) -> list[str]:
    return store.due(now=now, limit=100)


# create, get


@pytest.mark.parametrize(
    "task",
    [
        task_of(),
        task_of(
            external_task_id="order 1 ✓",
            idempotency_key="key",
            callback_url="https://client.example/hook",
            provider_task_id=PROVIDER_ID,
            acceptance=Acceptance.ACCEPTED,
            message="Übersetzung \u2028 \x00",
            due_at=None,
            request=None,
        ),
    ],
    ids=["few fields", "many fields"],
)
def test_a_task_is_read_as_it_was_written(store: TaskStore, task: Task) -> None:
    store.create(task)

    assert store.get(task.task_id) == task


def test_a_task_is_created_once(store: TaskStore) -> None:
    task = created(store)

    with pytest.raises(TaskConflictError):
        store.create(replace(task, tenant="mallory"))

    assert stored(store) == task


@pytest.mark.parametrize("task_id", ["0" * 32, "", "ä" * 512, "é" * 513, "a" * 1025, "\x00", "../tasks", "\ud800"])
def test_an_id_that_no_task_has_finds_none(store: TaskStore, task_id: str) -> None:
    assert store.get(task_id) is None


# claims


def test_a_key_belongs_to_the_first_request_with_it(store: TaskStore) -> None:
    assert store.claim_key("acme", "key", "one", NOON // 1000)
    assert store.claim_key("acme", "key", "one", NOON // 1000 + 5)
    assert not store.claim_key("acme", "key", "other", NOON // 1000)
    assert store.claim_key("acme", "key", "one", NOON // 1000)


def test_a_key_of_one_tenant_says_nothing_about_that_of_another(store: TaskStore) -> None:
    assert store.claim_key("acme", "key", "one", NOON // 1000)
    assert store.claim_key("mallory", "key", "other", NOON // 1000)


def test_a_claim_is_no_task(store: TaskStore) -> None:
    store.claim_key("acme", "key", "one", NOON // 1000)

    assert store.get(derived_task_id("acme", "idempotency_key", "key")) is None
    assert store.of_tenant("acme", operation=None, status=None, limit=10, cursor=None).tasks == []
    assert all_due(store, LATER) == []


def test_a_key_that_is_claimed_makes_no_task_of_its_own(store: TaskStore) -> None:
    store.claim_key("acme", "key", "one", NOON // 1000)

    with pytest.raises(TaskConflictError):
        store.create(task_of(derived_task_id("acme", "idempotency_key", "key"), fingerprint="one"))


def test_a_key_that_has_made_a_task_cannot_be_claimed(store: TaskStore) -> None:
    task = task_of(derived_task_id("acme", "idempotency_key", "key"), fingerprint="one")
    store.create(task)

    assert not store.claim_key("acme", "key", "one", NOON // 1000)
    assert stored(store, task.task_id) == task


# change


@pytest.mark.parametrize(
    "changes",
    [
        (PROCESSING,),
        (PROCESSING, SUCCEED),
        (PROCESSING, FAILED),
        (SUCCEED,),
        (FAILED,),
        (EXPIRED,),
        (CANCELLED,),
        (PROCESSING, CANCELLED),
        (CANCELLED, SUCCEED),
        (REJECTED,),
        (EXPIRED, SUCCEED),
        (REJECTED, FAILED),
        (PROCESSING, EXPIRED, SUCCEED),
        (PROCESSING, reported(Status.PROCESSING, 5, "half of it is done")),
    ],
    ids=lambda changes: " > ".join(change.rank.name for change in changes),
)
def test_a_change_makes_of_a_task_what_the_task_itself_says(store: TaskStore, changes: tuple[Change, ...]) -> None:
    task = created(store)
    for step, change in enumerate(changes, 1):
        task = task.moved_to(change, at=LATER + step)

        assert changed(store, task, change, at=LATER + step) == task
    assert task.version == 1 + len(changes)


CONFLICTS: list[tuple[tuple[Change, ...], Change]] = [
    ((PROCESSING,), SUBMITTED),
    ((PROCESSING,), PROCESSING),
    ((PROCESSING,), reported(Status.PROCESSING, 1, "older, but another message")),
    ((PROCESSING,), reported(Status.PROCESSING, 9)),
    ((SUCCEED,), SUBMITTED),
    ((SUCCEED,), PROCESSING),
    ((SUCCEED,), SUCCEED),
    ((SUCCEED,), reported(Status.SUCCEED, 9, "again")),
    ((SUCCEED,), reported(Status.FAILED, 9, "after all")),
    ((FAILED,), reported(Status.SUCCEED, 9)),
    ((SUCCEED,), EXPIRED),
    ((FAILED,), REJECTED),
    ((EXPIRED,), reported(Status.PROCESSING, 9, "late")),
    ((EXPIRED,), EXPIRED),
    ((EXPIRED,), REJECTED),
    ((REJECTED,), EXPIRED),
    ((EXPIRED, SUCCEED), FAILED),
    ((CANCELLED,), CANCELLED),
    ((CANCELLED,), FAILED),
    ((CANCELLED,), EXPIRED),
    ((CANCELLED,), REJECTED),
    ((CANCELLED,), reported(Status.PROCESSING, 9, "late")),
    ((CANCELLED, SUCCEED), CANCELLED),
    ((EXPIRED,), CANCELLED),
    ((), CANCELLED_UNSENT),
    ((PROCESSING,), CANCELLED_UNSENT),
]


@pytest.mark.parametrize(("before", "change"), CONFLICTS)
def test_a_stale_a_repeated_or_a_late_change_changes_nothing(
    store: TaskStore, before: tuple[Change, ...], change: Change
) -> None:
    task = created(store, *before)

    with pytest.raises(TaskConflictError):
        store.change(task.task_id, change, at=LATER + 1)

    assert stored(store) == task


def test_the_first_snapshot_of_a_submitted_task_is_no_news_without_a_message(store: TaskStore) -> None:
    task = created(store)

    with pytest.raises(TaskConflictError):
        store.change(task.task_id, SUBMITTED, at=LATER)

    assert changed(store, task, reported(Status.SUBMITTED, 1, "in the queue")).version == 2


def test_a_newer_message_at_equal_rank_is_news(store: TaskStore) -> None:
    task = created(store, PROCESSING)

    moved = changed(store, task, reported(Status.PROCESSING, 9, "half of it is done"))

    assert (moved.message, moved.version, moved.snapshot_at) == ("half of it is done", 3, NOON + 9)


def test_a_verdict_that_comes_late_beats_our_own(store: TaskStore) -> None:
    task = created(store, EXPIRED)
    assert task.failure is not None

    moved = changed(store, task, SUCCEED)

    assert (moved.status, moved.rank, moved.failure, moved.results) == (Status.SUCCEED, Rank.FINAL, None, (VIDEO,))


def test_an_answer_without_a_task_is_kept_and_gives_way_to_a_verdict(store: TaskStore) -> None:
    answered = created(store, Change.answered("no task", {"answer": {"code": 0, "data": ["ä"]}}))
    assert (answered.is_answered, answered.document) == (True, {"answer": {"code": 0, "data": ["ä"]}})
    assert changed(store, answered, SUCCEED).document == SUCCEED.document


def test_the_first_provider_id_stays(store: TaskStore) -> None:
    task = created(store, PROCESSING)

    moved = changed(store, task, reported(Status.SUCCEED, 3, provider_task_id="another"))

    assert moved.provider_task_id == PROVIDER_ID


def test_a_change_without_a_provider_id_keeps_the_request(store: TaskStore) -> None:
    task = created(store)

    moved = changed(store, task, reported(Status.PROCESSING, 2, provider_task_id=None))

    assert (moved.request, moved.provider_task_id) == (task.request, None)


def test_the_request_is_forgotten_once_the_provider_has_the_task(store: TaskStore) -> None:
    assert created(store, PROCESSING).request is None


@pytest.mark.parametrize(
    "write",
    [
        lambda store: store.change("0" * 32, PROCESSING, at=NOON),
        lambda store: store.record_acceptance("0" * 32, PROVIDER_ID, due_at=NOON),
        lambda store: store.begin_attempt("0" * 32, 2, due_at=NOON),
        lambda store: store.postpone("0" * 32, due_at=NOON),
        lambda store: store.request_poll("0" * 32, PROVIDER_ID, due_at=NOON),
        lambda store: store.schedule_attempt(task_of("0" * 32), due_at=NOON, acceptance=Acceptance.UNSENT),
        lambda store: store.hold_refusal("0" * 32, POLICY, due_at=NOON, reason=BUSY),
        lambda store: store.record_archive("0" * 32, STORED, at=NOON),
    ],
    ids=["change", "accepted", "begin_attempt", "postponed", "polled", "scheduled", "refused", "archived"],
)
def test_a_write_to_a_task_that_is_not_there_makes_none(store: TaskStore, write: Callable[[TaskStore], object]) -> None:
    with pytest.raises(TaskNotFoundError):
        write(store)

    assert store.get("0" * 32) is None


# accepted


def test_an_accepted_task_knows_its_id_and_is_no_new_version(store: TaskStore) -> None:
    task = created(store)

    store.record_acceptance(task.task_id, PROVIDER_ID, due_at=LATER)

    assert stored(store) == replace(
        task, acceptance=Acceptance.ACCEPTED, provider_task_id=PROVIDER_ID, request=None, due_at=LATER
    )


def test_an_accepted_task_may_stay_due_when_it_was(store: TaskStore) -> None:
    task = created(store)

    store.record_acceptance(task.task_id, PROVIDER_ID, due_at=None)

    assert stored(store) == replace(task, acceptance=Acceptance.ACCEPTED, provider_task_id=PROVIDER_ID, request=None)


def test_an_acceptance_after_the_callback_keeps_what_the_callback_said(store: TaskStore) -> None:
    task = created(store, PROCESSING)

    store.record_acceptance(task.task_id, "another", due_at=LATER)

    assert stored(store) == replace(task, due_at=LATER)


@pytest.mark.parametrize("change", [SUCCEED, FAILED, EXPIRED, REJECTED, CANCELLED], ids=lambda change: change.rank.name)
def test_an_acceptance_after_the_end_changes_nothing(store: TaskStore, change: Change) -> None:
    task = created(store, change)

    store.record_acceptance(task.task_id, "another", due_at=LATER)

    assert stored(store) == task
    assert all_due(store, LATER + HOUR) == []


@pytest.mark.parametrize(
    "changes", [(), (PROCESSING,), (EXPIRED,), (CANCELLED,)], ids=["new", "processing", "expired", "cancelled"]
)
def test_a_poll_is_requested_of_a_task_that_the_provider_has_not_ended(store: TaskStore, changes: tuple[Change, ...]) -> None:
    task = created(store, *changes)

    store.request_poll(task.task_id, "another", due_at=LATER)

    known = task.provider_task_id or "another"
    asked = replace(task, acceptance=Acceptance.ACCEPTED, provider_task_id=known, due_at=LATER, request=None, reason=None)
    assert stored(store) == asked
    assert all_due(store, LATER) == [task.task_id]
    store.request_poll(task.task_id, None, due_at=LATER + 1)
    assert stored(store) == replace(asked, due_at=LATER + 1)


@pytest.mark.parametrize("change", [SUCCEED, FAILED], ids=lambda change: change.status)
def test_no_poll_is_requested_after_the_providers_verdict(store: TaskStore, change: Change) -> None:
    task = created(store, change)

    store.request_poll(task.task_id, "another", due_at=LATER)

    assert stored(store) == task


# cancelling


@pytest.mark.parametrize("attempts", [1, 3])
def test_an_unsent_task_is_cancelled_for_certain(store: TaskStore, attempts: int) -> None:
    task = created(store, task=task_of(acceptance=Acceptance.UNSENT, attempts=attempts))

    assert changed(store, task, CANCELLED_UNSENT) == task.moved_to(CANCELLED_UNSENT, at=LATER)
    with pytest.raises(TaskConflictError):
        store.begin_attempt(task.task_id, attempts + 1, due_at=LATER)
    assert not store.schedule_attempt(task, due_at=LATER, acceptance=Acceptance.UNSENT)
    assert all_due(store, LATER + HOUR) == []


def test_a_task_whose_next_attempt_has_begun_is_not_cancelled_for_certain(store: TaskStore) -> None:
    task = created(store, task=task_of(acceptance=Acceptance.UNSENT))
    begun = store.begin_attempt(task.task_id, 2, due_at=LATER)

    with pytest.raises(TaskConflictError):
        changed(store, task, CANCELLED_UNSENT)
    assert stored(store) == begun

    assert changed(store, begun, CANCELLED).is_cancelled


# begin_attempt


def test_the_next_attempt_is_begun_once(store: TaskStore) -> None:
    task = created(store)

    begun = store.begin_attempt(task.task_id, 2, due_at=LATER)

    assert begun == stored(store) == replace(task, attempts=2, due_at=LATER)
    with pytest.raises(TaskConflictError):
        store.begin_attempt(task.task_id, 2, due_at=LATER + 1)
    assert stored(store) == begun


def test_no_attempt_is_left_out(store: TaskStore) -> None:
    task = created(store)

    with pytest.raises(TaskConflictError):
        store.begin_attempt(task.task_id, 3, due_at=LATER)

    assert stored(store) == task


@pytest.mark.parametrize(
    "change", [SUCCEED, FAILED, EXPIRED, REJECTED, CANCELLED, PROCESSING], ids=lambda change: change.rank.name
)
def test_no_attempt_is_begun_for_a_task_that_is_over_or_accepted(store: TaskStore, change: Change) -> None:
    task = created(store, change)

    with pytest.raises(TaskConflictError):
        store.begin_attempt(task.task_id, 2, due_at=LATER)

    assert stored(store) == task


def test_an_attempt_leaves_its_outcome_unknown_and_says_until_when_an_earlier_one_was(store: TaskStore) -> None:
    task = created(store, task=task_of(acceptance=Acceptance.UNSENT))

    second = store.begin_attempt(task.task_id, 2, due_at=LATER)
    third = store.begin_attempt(task.task_id, 3, due_at=LATER, unresolved_at=LATER)

    assert second == replace(task, attempts=2, due_at=LATER, acceptance=Acceptance.UNKNOWN)
    assert third == stored(store) == replace(second, attempts=3, unresolved_at=LATER)
    assert store.begin_attempt(task.task_id, 4, due_at=LATER) == replace(third, attempts=4, unresolved_at=0)


@pytest.mark.parametrize("refusal", [REJECTED, replace(REJECTED, resolved_before=LATER - 1)], ids=["not asked", "asked before"])
def test_a_refusal_does_not_end_a_task_that_an_earlier_attempt_may_have_made(store: TaskStore, refusal: Change) -> None:
    task = created(store)
    begun = store.begin_attempt(task.task_id, 2, due_at=LATER, unresolved_at=LATER)

    with pytest.raises(TaskConflictError):
        store.change(task.task_id, refusal, at=LATER)

    assert stored(store) == begun
    closed = changed(store, begun, replace(REJECTED, resolved_before=LATER))
    assert closed == begun.moved_to(replace(REJECTED, resolved_before=LATER), at=LATER)
    assert (closed.acceptance, closed.unresolved_at) == (Acceptance.REFUSED, 0)


@pytest.mark.parametrize(
    "accept",
    [
        lambda store, task_id: store.record_acceptance(task_id, PROVIDER_ID, due_at=None),
        lambda store, task_id: store.change(task_id, reported(Status.PROCESSING, 2, provider_task_id=None), at=LATER),
        lambda store, task_id: store.change(task_id, reported(Status.SUBMITTED, 2, "queued", provider_task_id=None), at=LATER),
    ],
    ids=["by the response", "by a callback", "by a callback without news of the status"],
)
def test_an_accepted_task_is_not_refused_sent_or_scheduled(store: TaskStore, accept: Callable[[TaskStore, str], None]) -> None:
    before = created(store)
    accept(store, before.task_id)
    task = stored(store)
    assert task.acceptance is Acceptance.ACCEPTED

    with pytest.raises(TaskConflictError):
        store.change(task.task_id, REJECTED, at=LATER)
    with pytest.raises(TaskConflictError):
        store.begin_attempt(task.task_id, 2, due_at=LATER)
    assert not store.schedule_attempt(task, due_at=LATER, acceptance=Acceptance.UNSENT)
    store.hold_refusal(task.task_id, POLICY, due_at=LATER, reason=BUSY)
    assert stored(store) == task


def test_one_of_two_that_read_the_same_task_schedules_its_attempt(store: TaskStore) -> None:
    task = created(store)

    outcomes = [store.schedule_attempt(task, due_at=LATER + number, acceptance=Acceptance.UNSENT) for number in range(2)]

    assert outcomes == [True, False]
    assert stored(store) == replace(task, due_at=LATER, polls=1, acceptance=Acceptance.UNSENT)


def test_a_refusal_on_hold_is_dropped_once_the_provider_has_the_task(store: TaskStore) -> None:
    task = created(store)

    store.hold_refusal(task.task_id, POLICY, due_at=LATER, reason=BUSY)

    assert stored(store) == replace(task, refusal=POLICY, due_at=LATER, reason=BUSY)
    store.record_acceptance(task.task_id, PROVIDER_ID, due_at=None)
    assert stored(store).refusal is None


# postponed


def test_a_look_without_news_is_counted(store: TaskStore) -> None:
    task = created(store)

    store.postpone(task.task_id, due_at=LATER)
    store.postpone(task.task_id, due_at=LATER + 1)

    assert stored(store) == replace(task, due_at=LATER + 1, polls=2)


@pytest.mark.parametrize("change", [SUCCEED, FAILED, EXPIRED, REJECTED, CANCELLED], ids=lambda change: change.rank.name)
def test_a_finished_task_is_not_postponed(store: TaskStore, change: Change) -> None:
    task = created(store, change)

    store.postpone(task.task_id, due_at=LATER)

    assert stored(store) == task
    assert all_due(store, LATER + HOUR) == []


# archived


def test_a_succeeded_task_is_archived_once(store: TaskStore) -> None:
    task = created(store, SUCCEED)

    done = store.record_archive(task.task_id, STORED, at=LATER + 1)

    assert done == stored(store) == task.archived(STORED, at=LATER + 1)
    for failure in (None, GIVEN_UP):
        with pytest.raises(TaskConflictError):
            store.record_archive(task.task_id, LOST, at=LATER + 2, failure=failure)
    assert stored(store) == done


def test_files_stored_so_far_are_remembered_without_being_told(store: TaskStore) -> None:
    task = created(store, SUCCEED)

    store.record_partial_results(task.task_id, STORED)

    assert stored(store) == replace(task, results=STORED)


def test_what_is_settled_is_not_replaced_by_what_was_stored_so_far(store: TaskStore) -> None:
    task = created(store, SUCCEED)
    settled = store.record_archive(task.task_id, STORED, at=LATER)

    store.record_partial_results(task.task_id, LOST)

    assert stored(store) == settled


def test_a_failure_to_archive_is_told_once_and_mended_later(store: TaskStore) -> None:
    task = created(store, SUCCEED)

    failed = store.record_archive(task.task_id, LOST, at=LATER + 1, failure=GIVEN_UP)
    assert (failed.status, failed.archive, failed.failure) == (Status.SUCCEED, Archive.FAILED, GIVEN_UP)
    with pytest.raises(TaskConflictError):
        store.record_archive(task.task_id, LOST, at=LATER + 2, failure=GIVEN_UP)
    assert stored(store) == failed

    mended = store.record_archive(task.task_id, STORED, at=LATER + 3)
    assert (mended.archive, mended.failure, mended.version) == (Archive.STORED, None, failed.version + 1)
    assert stored(store) == mended


@pytest.mark.parametrize("changes", [(), (PROCESSING,), (FAILED,), (EXPIRED,)], ids=["new", "processing", "failed", "expired"])
@pytest.mark.parametrize("failure", [None, GIVEN_UP], ids=["stored", "given up"])
def test_only_a_success_is_archived(store: TaskStore, changes: tuple[Change, ...], failure: Failure | None) -> None:
    task = created(store, *changes)

    with pytest.raises(TaskConflictError):
        store.record_archive(task.task_id, STORED, at=LATER, failure=failure)

    assert stored(store) == task


def test_a_success_is_due_when_its_files_are_late_and_no_longer_once_archiving_ends(store: TaskStore) -> None:
    for number, failure in enumerate((None, GIVEN_UP)):
        task = created(store, SUCCEED_DUE, task=task_of(f"{number:032x}"))
        assert task == task_of(task.task_id).moved_to(SUCCEED_DUE, at=LATER)
        assert all_due(store, NOON + 89_999) == []
        assert all_due(store, NOON + 90_000) == [task.task_id]

        store.record_archive(task.task_id, STORED, at=LATER, failure=failure)

        assert stored(store, task.task_id) == task.archived(STORED, at=LATER, failure=failure)
        assert all_due(store, LATER) == []


def test_a_delay_is_announced_once_and_its_end_follows(store: TaskStore) -> None:
    task = created(store, SUCCEED_DUE)

    assert [store.record_delay(task.task_id, at=LATER) for _ in range(2)] == [True, False]

    late = stored(store)
    assert late == task.delayed(at=LATER)
    assert all_due(store, LATER) == []
    store.record_partial_results(task.task_id, STORED)
    assert stored(store) == replace(late, results=STORED)
    failed = store.record_archive(task.task_id, LOST, at=LATER + 1, failure=GIVEN_UP)
    assert failed == stored(store) == late.archived(LOST, at=LATER + 1, failure=GIVEN_UP)
    kept = store.record_archive(task.task_id, STORED, at=LATER + 2)
    assert kept == stored(store) == failed.archived(STORED, at=LATER + 2)


@pytest.mark.parametrize("failure", [None, GIVEN_UP], ids=["stored", "given up"])
def test_no_delay_is_announced_after_the_end_of_archiving(store: TaskStore, failure: Failure | None) -> None:
    task = created(store, SUCCEED_DUE)
    done = store.record_archive(task.task_id, STORED, at=LATER, failure=failure)

    assert not store.record_delay(task.task_id, at=LATER)

    assert stored(store) == done


@pytest.mark.parametrize("changes", [(), (PROCESSING,), (FAILED,), (EXPIRED,)], ids=["new", "processing", "failed", "expired"])
def test_only_the_files_of_a_success_are_late(store: TaskStore, changes: tuple[Change, ...]) -> None:
    task = created(store, *changes)

    assert not store.record_delay(task.task_id, at=LATER)

    assert stored(store) == task


# of_tenant


def listed(
    store: TaskStore, *, limit: int, operation: str | None = None, status: Status | None = None, tenant: str = "acme"
) -> list[list[str]]:
    """Every page of a tenant's tasks."""
    pages: list[list[str]] = []
    cursor: str | None = None
    while True:
        page = store.of_tenant(tenant, operation=operation, status=status, limit=limit, cursor=cursor)
        assert len(page.tasks) <= limit
        pages.append([task.task_id for task in page.tasks])
        if page.cursor is None:
            return pages
        assert page.cursor != cursor
        cursor = page.cursor


def flat(pages: list[list[str]]) -> list[str]:
    return [task_id for page in pages for task_id in page]


@pytest.fixture
def filled(store: TaskStore, request: pytest.FixtureRequest) -> list[Task]:
    """Thirty tasks of acme, newest first; every third is of another operation, every fifth has failed, two share a moment."""
    if request.node.callspec.params["store"] == "repeating":
        pytest.skip("repeated writes change no list")
    tasks = []
    for number in range(30):
        task = task_of(f"{number * 7919 % 1000:032x}", created_at=NOON + (number if number != 12 else 11))
        if number % 3 == 0:
            task = replace(task, operation="images/generations")
        tasks.append(created(store, *([FAILED] if number % 5 == 0 else []), task=task))
    store.create(task_of("f" * 32, tenant="mallory", created_at=NOON + 13))
    return sorted(tasks, key=lambda task: (task.created_at, task.task_id), reverse=True)


@pytest.mark.parametrize("limit", [1, 4, 15, 29, 30, 31, 100])
def test_the_pages_together_are_all_tasks_of_the_tenant_newest_first(store: TaskStore, filled: list[Task], limit: int) -> None:
    pages = listed(store, limit=limit)

    assert flat(pages) == [task.task_id for task in filled]
    assert all(len(page) == limit for page in pages[: 30 // limit])


def test_a_page_holds_the_tasks_as_they_are(store: TaskStore, filled: list[Task]) -> None:
    assert store.of_tenant("acme", operation=None, status=None, limit=5, cursor=None).tasks == filled[:5]


@pytest.mark.parametrize("limit", [1, 7, 100])
def test_filters_leave_out_what_does_not_fit_and_nothing_else(store: TaskStore, filled: list[Task], limit: int) -> None:
    for operation in (None, "images/generations", "videos/text2video", "videos/lip-sync"):
        for status in (None, Status.FAILED, Status.SUBMITTED, Status.SUCCEED):
            fitting = [task for task in filled if operation in {None, task.operation} and status in {None, task.status}]
            pages = listed(store, limit=limit, operation=operation, status=status)

            assert flat(pages) == [task.task_id for task in fitting], (operation, status)


def test_a_page_of_one_provider_holds_no_tasks_of_others(store: TaskStore, filled: list[Task]) -> None:
    other = replace(task_of("e" * 32, created_at=NOON + 14), provider="another")
    store.create(other)
    for provider, expected in (("another", [other]), ("kling", filled), ("nobody", [])):
        page = store.of_tenant("acme", provider=provider, operation=None, status=None, limit=100, cursor=None)
        assert page.tasks == expected


@pytest.mark.usefixtures("filled")
def test_a_cursor_of_another_tenant_shows_only_own_tasks(store: TaskStore) -> None:
    foreign = f"{NOON + 13:013d}#{'f' * 32}"

    page = store.of_tenant("acme", operation=None, status=None, limit=100, cursor=foreign)

    assert {task.tenant for task in page.tasks} == {"acme"}
    assert {task.created_at for task in page.tasks} == {NOON + number for number in range(14) if number != 12}


def test_a_tenant_without_tasks_has_an_empty_page(store: TaskStore) -> None:
    assert listed(store, limit=10, tenant="nobody") == [[]]


@pytest.mark.parametrize(
    "cursor", ["", "x", "1750000000000", "1750000000000#", "#a", f"{NOON}#a b", f"{NOON}#{'a' * 65}", f"{NOON}0#a"]
)
def test_a_cursor_that_is_none_is_refused(store: TaskStore, cursor: str) -> None:
    with pytest.raises(InvalidRequestError, match="cursor"):
        store.of_tenant("acme", operation=None, status=None, limit=10, cursor=cursor)


# due


def test_the_due_tasks_come_oldest_first(store: TaskStore) -> None:
    ids = [f"{number:032x}" for number in range(40) if due_shard_of(f"{number:032x}") == 0][:6]
    for delay, task_id in zip([5, 1, 4, 2, 3, 9], ids, strict=True):
        store.create(task_of(task_id, due_at=NOON + delay))

    assert store.due(now=NOON + 5, limit=10) == [ids[1], ids[3], ids[4], ids[2], ids[0]]
    assert store.due(now=NOON + 5, limit=2) == [ids[1], ids[3]]
    assert store.due(now=NOON, limit=10) == []


def test_a_partition_with_many_due_tasks_hides_no_other(store: TaskStore) -> None:
    ids = [f"{number:032x}" for number in range(80)]
    crowd = [task_id for task_id in ids if due_shard_of(task_id) == 0][:12]
    others = [next(task_id for task_id in ids if due_shard_of(task_id) == shard) for shard in range(1, DUE_SHARDS)]
    for age, task_id in enumerate(others + crowd):
        store.create(task_of(task_id, due_at=NOON - age))

    assert sorted(store.due(now=NOON, limit=3)) == sorted(others + crowd[-3:])


def test_every_due_task_is_in_one_shard(store: TaskStore) -> None:
    ids = {f"{number:032x}" for number in range(20)}
    for task_id in ids:
        store.create(task_of(task_id))

    found = all_due(store, LATER)

    assert sorted(found) == sorted(ids)


@pytest.mark.parametrize("change", [SUCCEED, FAILED, EXPIRED, REJECTED, CANCELLED], ids=lambda change: change.rank.name)
def test_nobody_asks_for_a_task_that_is_over(store: TaskStore, change: Change) -> None:
    task = created(store)
    assert all_due(store, LATER) == [task.task_id]

    store.change(task.task_id, change, at=LATER)

    assert all_due(store, LATER) == []


def test_a_task_that_proceeds_stays_due(store: TaskStore) -> None:
    task = created(store, PROCESSING)

    assert all_due(store, LATER) == [task.task_id]


def test_tasks_that_were_seen_are_passed_over_page_by_page(store: TaskStore) -> None:
    names = (f"{number:032x}" for number in range(1000))
    ids = [name for name in names if due_shard_of(name) == 0][:8]
    for number, task_id in enumerate(ids):
        store.create(task_of(task_id, due_at=NOON + number))

    assert store.due(now=LATER, limit=2, seen=ids[:6]) == ids[6:]
    some = store.due(now=LATER, limit=3, seen=ids[:1])
    assert 0 < len(some) <= 3
    assert some == ids[1 : 1 + len(some)]
    assert store.due(now=LATER, limit=3, seen=ids) == []


def test_the_reason_why_a_task_waits_is_that_of_the_last_poll(store: TaskStore) -> None:
    task = created(store)

    assert store.schedule_attempt(task, due_at=LATER, acceptance=Acceptance.UNSENT, reason=BUSY)
    assert stored(store).reason == BUSY
    store.begin_attempt(task.task_id, 2, due_at=LATER)
    assert stored(store).reason == BUSY
    store.postpone(task.task_id, due_at=LATER)
    assert stored(store).reason is None
    store.postpone(task.task_id, due_at=LATER, reason=BUSY)
    assert stored(store).reason == BUSY
    store.record_acceptance(task.task_id, PROVIDER_ID, due_at=None)
    assert stored(store).reason is None


@pytest.mark.parametrize(("change", "kept"), [(EXPIRED, BUSY), (PROCESSING, None)], ids=["given up", "accepted"])
def test_a_task_that_is_given_up_keeps_its_reason(store: TaskStore, change: Change, kept: Reason | None) -> None:
    task = created(store)
    store.postpone(task.task_id, due_at=LATER, reason=BUSY)

    store.change(task.task_id, change, at=LATER)

    assert stored(store).reason == kept


def test_a_postponed_task_is_due_later(store: TaskStore) -> None:
    task = created(store)

    store.postpone(task.task_id, due_at=LATER)

    assert all_due(store, LATER - 1) == []
    assert all_due(store, LATER) == [task.task_id]
