"""Task: which change follows which, and what it makes of the task."""

import contextlib
from collections import Counter
from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.domain.errors import TaskConflictError
from relay.domain.task import (
    DUE_SHARDS,
    RANKS,
    STATUS_MESSAGE_LIMIT,
    Acceptance,
    Archive,
    Change,
    Failure,
    FailureCode,
    Rank,
    Status,
    Task,
    derived_task_id,
    due_shard_of,
    fingerprint_of,
)
from tests.support.tasks import (
    CANCELLED,
    CANCELLED_UNSENT,
    EXPIRED,
    FAILED,
    NOON,
    PROCESSING,
    PROVIDER_ID,
    REJECTED,
    SUBMITTED,
    SUCCEED,
    SUCCEED_DUE,
    VIDEO,
    reported,
    snapshot_of,
    task_of,
)

LATER = NOON + 60_000
BEFORE: dict[str, Task] = {
    "submitted": task_of(),
    "processing": task_of().moved_to(PROCESSING, at=NOON),
    "expired": task_of().moved_to(EXPIRED, at=NOON),
    "rejected": task_of().moved_to(REJECTED, at=NOON),
    "cancelled": task_of().moved_to(CANCELLED, at=NOON),
    "unsent": task_of(acceptance=Acceptance.UNSENT),
    "cancelled while unsent": task_of(acceptance=Acceptance.UNSENT).moved_to(CANCELLED_UNSENT, at=NOON),
    "succeed": task_of().moved_to(SUCCEED, at=NOON),
    "failed": task_of().moved_to(FAILED, at=NOON),
}
CHANGES = {
    "submitted": SUBMITTED,
    "processing": PROCESSING,
    "expired": EXPIRED,
    "rejected": REJECTED,
    "cancelled": CANCELLED,
    "cancelled while unsent": CANCELLED_UNSENT,
    "succeed": SUCCEED,
    "failed": FAILED,
}
FOLLOWS = {
    "submitted": {"processing", "expired", "rejected", "cancelled", "succeed", "failed"},
    "unsent": {"processing", "expired", "rejected", "cancelled", "cancelled while unsent", "succeed", "failed"},
    "processing": {"expired", "cancelled", "succeed", "failed"},
    "cancelled": {"succeed"},
    "cancelled while unsent": {"succeed"},
    "expired": {"succeed", "failed"},
    "rejected": {"succeed", "failed"},
    "succeed": set(),
    "failed": set(),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("before", BEFORE)
def test_a_change_follows_a_state_or_not(before: str, change: str) -> None:
    task = BEFORE[before]
    if change in FOLLOWS[before]:
        moved = task.moved_to(CHANGES[change], at=LATER)
        assert (moved.status, moved.rank) == (CHANGES[change].status, CHANGES[change].rank)
        assert (moved.version, moved.updated_at) == (task.version + 1, LATER)
    else:
        with pytest.raises(TaskConflictError):
            task.moved_to(CHANGES[change], at=LATER)


def test_the_ranks_are_in_the_order_that_is_promised() -> None:
    assert [rank.name for rank in sorted(Rank)] == ["SUBMITTED", "PROCESSING", "GIVEN_UP", "FINAL"]
    assert {status.value: RANKS[status].name for status in Status} == {
        "submitted": "SUBMITTED",
        "processing": "PROCESSING",
        "succeed": "FINAL",
        "failed": "FINAL",
    }


@pytest.mark.parametrize("status", [Status.SUBMITTED, Status.PROCESSING])
@pytest.mark.parametrize(
    ("at", "message", "news"), [(9, "other", True), (9, "same", False), (5, "other", False), (4, "other", False)]
)
def test_at_equal_rank_only_a_newer_and_different_message_is_news(status: Status, at: int, message: str, news: bool) -> None:
    task = replace(task_of(), status=status, rank=RANKS[status], snapshot_at=NOON + 5, message="same")

    if news:
        assert task.moved_to(reported(status, at, message), at=LATER).message == "other"
    else:
        with pytest.raises(TaskConflictError):
            task.moved_to(reported(status, at, message), at=LATER)


def test_a_higher_rank_wins_though_its_clock_is_behind() -> None:
    task = BEFORE["processing"]

    assert task.moved_to(reported(Status.SUCCEED, -500), at=LATER).snapshot_at == NOON - 500


def test_a_snapshot_without_a_time_is_applied_for_its_rank() -> None:
    assert task_of().moved_to(reported(Status.PROCESSING, updated_at=None), at=LATER).snapshot_at == 0


changes = st.sampled_from([*CHANGES.values(), reported(Status.PROCESSING, 7, "x"), reported(Status.PROCESSING, 8, "y")])


@given(st.lists(changes, max_size=12))
def test_whatever_comes_in_whatever_order_the_rank_never_falls_and_a_verdict_is_final(history: list[Change]) -> None:
    task, verdicts = task_of(), list[Change]()
    for number, change in enumerate(history):
        before = task
        if change.rank is Rank.FINAL and not (before.is_cancelled and change.status is Status.FAILED):
            verdicts.append(change)
        try:
            task = before.moved_to(change, at=NOON + number)
        except TaskConflictError:
            continue
        assert task.rank >= before.rank
        assert before.rank is not Rank.FINAL
        assert task.version == before.version + 1

    assert (task.rank is Rank.FINAL) == bool(verdicts)
    if verdicts:
        assert (task.status, task.message, task.results) == (verdicts[0].status, verdicts[0].message, verdicts[0].results)


@given(st.lists(st.sampled_from([SUBMITTED, PROCESSING, EXPIRED]), max_size=6))
def test_in_order_reversed_or_twice_the_same_snapshots_come_to_the_same_end(history: list[Change]) -> None:
    ends = set()
    for order in (history, history[::-1], history + history):
        task = task_of()
        for change in [*order, SUCCEED]:
            with contextlib.suppress(TaskConflictError):
                task = task.moved_to(change, at=NOON)
        ends.add((task.status, task.rank, task.results, task.failure, task.provider_task_id))

    assert ends == {(Status.SUCCEED, Rank.FINAL, (VIDEO,), None, PROVIDER_ID)}


@pytest.mark.parametrize("name", ["expired", "rejected", "succeed", "failed"])
def test_a_task_that_is_over_waits_for_nothing_and_forgets_its_request(name: str) -> None:
    task = BEFORE[name]

    assert task.is_over
    assert (task.due_at, task.request) == (None, None)


@pytest.mark.parametrize("name", ["submitted", "processing"])
def test_a_task_that_is_not_over_is_due(name: str) -> None:
    assert not BEFORE[name].is_over
    assert BEFORE[name].due_at == task_of().due_at


def test_the_provider_id_comes_with_the_first_change_that_knows_it() -> None:
    without = reported(Status.PROCESSING, provider_task_id=None)
    task = task_of().moved_to(without, at=LATER)
    assert (task.provider_task_id, task.request) == (None, task_of().request)

    assert task.moved_to(SUCCEED, at=LATER).provider_task_id == PROVIDER_ID
    assert replace(task, provider_task_id="first").moved_to(SUCCEED, at=LATER).provider_task_id == "first"


def test_a_late_verdict_clears_the_failure_that_we_had_declared() -> None:
    moved = BEFORE["expired"].moved_to(SUCCEED, at=LATER)

    assert (moved.failure, moved.results, moved.message) == (None, (VIDEO,), "")


def test_a_failed_task_says_that_it_was_the_provider() -> None:
    assert BEFORE["failed"].failure == Failure(code=FailureCode.PROVIDER, message="Content policy violation")


def test_a_task_that_was_given_up_says_why() -> None:
    expected = Failure(code=FailureCode.REJECTED, message="content security policy", provider_code=1301, http_status=400)

    assert BEFORE["rejected"].failure == expected
    assert (BEFORE["rejected"].status, BEFORE["rejected"].message) == (Status.FAILED, expected.message)


def test_a_message_of_any_length_is_cut() -> None:
    long = "x" * (STATUS_MESSAGE_LIMIT + 1)

    for change in (Change.reported(snapshot_of(Status.FAILED, 1, long)), Change.given_up(FailureCode.EXPIRED, long)):
        assert change.failure is not None
        assert len(change.message) == len(change.failure.message) == STATUS_MESSAGE_LIMIT


def test_a_task_cannot_be_changed_in_place() -> None:
    with pytest.raises(FrozenInstanceError):
        task_of().status = Status.FAILED  # type: ignore[misc]


# archived


GIVEN_UP = Failure(code=FailureCode.ARCHIVE, message="HTTP 404")


@pytest.mark.parametrize("name", ["submitted", "processing", "expired", "rejected", "failed"])
def test_only_a_success_is_archived(name: str) -> None:
    with pytest.raises(TaskConflictError):
        BEFORE[name].archived((VIDEO,), at=LATER)


@pytest.mark.parametrize(
    ("before", "failure", "after"),
    [
        (None, None, Archive.STORED),
        (None, GIVEN_UP, Archive.FAILED),
        (Archive.PENDING, None, Archive.STORED),
        (Archive.PENDING, GIVEN_UP, Archive.FAILED),
        (Archive.FAILED, None, Archive.STORED),
        (Archive.FAILED, GIVEN_UP, None),
        (Archive.STORED, None, None),
        (Archive.STORED, GIVEN_UP, None),
    ],
)
def test_archiving_succeeds_once_and_fails_at_most_once_before(
    before: Archive | None, failure: Failure | None, after: Archive | None
) -> None:
    task = replace(BEFORE["succeed"], archive=before, due_at=LATER)

    if after is None:
        with pytest.raises(TaskConflictError):
            task.archived((), at=LATER, failure=failure)
    else:
        done = task.archived((), at=LATER, failure=failure)
        assert (done.archive, done.failure, done.results) == (after, failure, ())
        assert (done.status, done.version, done.updated_at) == (Status.SUCCEED, task.version + 1, LATER)
        assert done.due_at is None


def test_a_delay_is_announced_once_and_never_after_the_end_of_archiving() -> None:
    task = task_of().moved_to(SUCCEED_DUE, at=NOON)
    assert task.due_at == SUCCEED_DUE.due_at

    late = task.delayed(at=LATER)

    assert late == replace(task, archive=Archive.PENDING, version=task.version + 1, updated_at=LATER, due_at=None)
    for other in (late, *(late.archived((), at=LATER, failure=failure) for failure in (None, GIVEN_UP))):
        with pytest.raises(TaskConflictError):
            other.delayed(at=LATER)


@pytest.mark.parametrize("name", ["submitted", "processing", "expired", "rejected", "failed"])
def test_only_the_files_of_a_success_are_late(name: str) -> None:
    with pytest.raises(TaskConflictError):
        BEFORE[name].delayed(at=LATER)


# ids


def test_a_key_determines_an_id_and_nothing_else_does() -> None:
    ids = {
        derived_task_id(*key, generation)
        for key in [
            ("acme", "external_task_id", "1"),
            ("acme", "idempotency_key", "1"),
            ("mallory", "external_task_id", "1"),
            ("acme", "external_task_id", "2"),
            ("ac", "meexternal_task_id", "1"),
            ('acme", "external_task_id', "1", "0")[:3],
        ]
        for generation in range(3)
    }

    assert len(ids) == 18
    assert all(len(task_id) == 32 and int(task_id, 16) >= 0 for task_id in ids)
    assert derived_task_id("acme", "external_task_id", "1") == derived_task_id("acme", "external_task_id", "1", 0)


def test_the_ids_that_clients_have_today_are_those_of_tomorrow() -> None:
    assert derived_task_id("acme", "external_task_id", "order ✓ 1") == "dcb301f3d575c07285962c6f0d13fecb"
    assert fingerprint_of("videos/text2video", {"prompt": "✓", "n": 1}) == "34baa00177b686320cfde8387b412f15"


@pytest.mark.parametrize("value", ["\ud800", "\x00", "", "x" * 10_000])
def test_any_text_has_an_id(value: str) -> None:
    assert len(derived_task_id("acme", "external_task_id", value)) == 32


def test_a_request_is_told_apart_by_its_operation_and_body_but_not_by_the_order_of_its_fields() -> None:
    one = fingerprint_of("videos/text2video", {"prompt": "a", "input": {"x": 1, "y": 2}})

    assert one == fingerprint_of("videos/text2video", {"input": {"y": 2, "x": 1}, "prompt": "a"})
    assert one != fingerprint_of("videos/image2video", {"prompt": "a", "input": {"x": 1, "y": 2}})
    assert one != fingerprint_of("videos/text2video", {"prompt": "a", "input": {"x": 1, "y": "2"}})


def test_due_tasks_are_spread_over_all_shards() -> None:
    counts = Counter(due_shard_of(derived_task_id("acme", "external_task_id", str(number))) for number in range(4000))

    assert set(counts) == set(range(DUE_SHARDS))
    assert min(counts.values()) > 4000 / DUE_SHARDS * 0.85
