"""Archiving: every file or its name in the event, from a fresh URL where the old one is dead."""

import hashlib

import pytest

from relay.domain.errors import ForbiddenAddressError, ResultGoneError
from relay.domain.task import Archive, FailureCode, Status
from relay.usecases.archive import ArchivingError
from tests.support.fakes.fake_world import FakeWorld
from tests.support.fakes.provider import RATE
from tests.support.fakes.results import MP4, PNG

ONE, TWO, FRESH = (f"https://provider.example/{name}" for name in ("1.png", "2.png", "fresh.png"))


@pytest.fixture
def task_id(world: FakeWorld) -> str:
    """A task that succeeded with two images."""
    task_id = world.submit({"prompt": "a lighthouse"}, operation="images/generations").task.task_id
    world.api.succeeds(task_id, ONE, TWO, kind="images")
    world.called_back(task_id)
    world.source.files = {ONE: PNG, TWO: PNG + b"2"}
    return task_id


def test_every_file_is_stored_and_described(world: FakeWorld, task_id: str) -> None:
    before = world.task(task_id)

    task = world.archive(task_id)

    assert task == world.task(task_id)
    assert (task.archive, task.version, task.failure) == (Archive.STORED, before.version + 1, None)
    keys = [f"results/{task_id}/{number}.png" for number in (0, 1)]
    assert world.results.files == dict(zip(keys, (PNG, PNG + b"2"), strict=True))
    assert [result.key for result in task.results] == keys
    for result, body in zip(task.results, (PNG, PNG + b"2"), strict=True):
        assert (result.bytes, result.sha256) == (len(body), hashlib.sha256(body).hexdigest())
        assert (result.media_type, result.bucket, result.error) == ("image/png", "results", None)


def test_a_video_is_stored_as_one(world: FakeWorld) -> None:
    task_id = world.submit().task.task_id
    url = world.api.succeeds(task_id).result["videos"][0]["url"]
    world.called_back(task_id)
    world.source.files[url] = MP4

    world.archive(task_id)

    assert list(world.results.files) == [f"results/{task_id}/0.mp4"]


def test_a_repeated_message_does_nothing(world: FakeWorld, task_id: str) -> None:
    world.archive(task_id)
    task, opened = world.task(task_id), len(world.source.opened)

    assert world.archive(task_id) is None
    assert world.archive(task_id, last_attempt=True) is None

    assert (world.task(task_id), len(world.source.opened)) == (task, opened)


def test_of_two_deliveries_at_once_one_marks_the_task(world: FakeWorld, task_id: str) -> None:
    open_ = world.source.open
    outcomes = []

    def open_between(url: str, *, seconds: float) -> object:
        world.source.open = open_  # type: ignore[method-assign]
        outcomes.append(world.archive(task_id))
        return open_(url, seconds=seconds)

    world.source.open = open_between  # type: ignore[method-assign,assignment]
    outcomes.append(world.archive(task_id))

    assert [outcome is None for outcome in outcomes] == [False, True]
    assert world.task(task_id).version == 3


@pytest.mark.parametrize("state", ["unknown", "submitted", "failed"])
def test_what_has_no_results_is_left_alone(world: FakeWorld, state: str) -> None:
    task_id = "0" * 32 if state == "unknown" else world.submit().task.task_id
    if state == "failed":
        world.api.fails(task_id)
        world.called_back(task_id)

    assert world.archive(task_id, last_attempt=True) is None
    assert world.source.opened == []


def test_a_dead_url_is_replaced_by_a_fresh_one(world: FakeWorld, task_id: str) -> None:
    del world.source.files[TWO]
    world.api.succeeds(task_id, ONE, FRESH, kind="images")
    world.source.files[FRESH] = PNG + b"fresh"

    task = world.archive(task_id)

    assert task is not None
    assert [result.url for result in task.results] == [ONE, FRESH]
    assert world.results.files[f"results/{task_id}/1.png"] == PNG + b"fresh"


def test_one_query_refreshes_all_dead_urls(world: FakeWorld, task_id: str) -> None:
    world.source.files = {FRESH: PNG, FRESH + "2": PNG}
    world.api.succeeds(task_id, FRESH, FRESH + "2", kind="images")
    requests = len(world.api.requests)

    assert world.archive(task_id) is not None
    assert len(world.api.requests) == requests + 1


def test_the_urls_of_two_queries_are_not_larger_than_those_of_one(world: FakeWorld) -> None:
    task_id = world.submit({"prompt": "a lighthouse"}, operation="images/generations").task.task_id
    long, short = ([f"https://provider.example/{number}".ljust(size, "x") for number in range(64)] for size in (4000, 100))
    before, after = long[:32] + short[32:], short[:32] + long[32:]
    world.api.succeeds(task_id, *before, kind="images")
    world.called_back(task_id)
    world.api.succeeds(task_id, *after, kind="images")
    world.source.files = dict.fromkeys(before[:32] + after[32:], PNG)

    task = world.archive(task_id)

    assert task is not None
    assert [result.url for result in task.results] == before
    assert all(result.key for result in task.results)


def test_a_file_that_fails_leaves_the_task_for_the_next_attempt(world: FakeWorld, task_id: str) -> None:
    world.source.files[TWO] = ResultGoneError("HTTP 410")
    before = world.task(task_id)

    with pytest.raises(ArchivingError, match="task_result/images/1/url: HTTP 410"):
        world.archive(task_id)
    task = world.task(task_id)
    assert (task.version, task.archive, [result.error for result in task.results]) == (before.version, None, [None, None])
    assert [result.key for result in task.results] == [f"results/{task_id}/0.png", None]

    world.source.files[TWO] = PNG
    world.source.opened.clear()
    assert world.archive(task_id) is not None
    assert set(world.results.files) == {f"results/{task_id}/0.png", f"results/{task_id}/1.png"}
    assert world.source.opened == [TWO], "what is stored is not fetched again"


def test_the_last_attempt_names_what_is_stored_and_what_is_not_and_raises_all_the_same(world: FakeWorld, task_id: str) -> None:
    world.source.files[TWO] = ForbiddenAddressError("not a public address")

    with pytest.raises(ArchivingError):
        world.archive(task_id, last_attempt=True)

    task = world.task(task_id)
    assert (task.status, task.archive) == (Status.SUCCEED, Archive.FAILED)
    assert task.failure is not None
    assert task.failure.code is FailureCode.ARCHIVE
    assert "task_result/images/1/url: not a public address" in task.failure.message
    assert [(bool(result.key), result.error) for result in task.results] == [(True, None), (False, "not a public address")]


def test_a_redriven_message_mends_what_was_given_up(world: FakeWorld, task_id: str) -> None:
    world.source.files[TWO] = ResultGoneError("HTTP 410")
    with pytest.raises(ArchivingError):
        world.archive(task_id, last_attempt=True)

    world.source.files[TWO] = PNG
    task = world.archive(task_id)

    assert task is not None
    assert (task.archive, task.failure) == (Archive.STORED, None)
    assert all(result.key and result.error is None for result in task.results)


def test_a_last_attempt_that_is_repeated_is_not_told_twice(world: FakeWorld, task_id: str) -> None:
    world.source.files[TWO] = ResultGoneError("HTTP 410")
    with pytest.raises(ArchivingError):
        world.archive(task_id, last_attempt=True)
    task = world.task(task_id)

    with pytest.raises(ArchivingError):  # the message must go to the dead-letter queue this time too
        world.archive(task_id, last_attempt=True)
    assert world.task(task_id) == task


def test_a_provider_that_does_not_answer_does_not_hide_the_first_error(world: FakeWorld, task_id: str) -> None:
    world.source.files[TWO] = ResultGoneError("HTTP 403")
    world.api.faults.append(RATE)

    with pytest.raises(ArchivingError, match="HTTP 403"):
        world.archive(task_id)


@pytest.mark.parametrize("announced", [10**9, 1, len(PNG)])
def test_a_lie_about_the_size_stores_nothing(world: FakeWorld, task_id: str, announced: int) -> None:
    world.source.sizes[TWO] = announced

    with pytest.raises(ArchivingError):
        world.archive(task_id)
    assert f"results/{task_id}/1.png" not in world.results.files


def test_a_file_of_unknown_size_is_stored(world: FakeWorld, task_id: str) -> None:
    world.source.sizes[TWO] = None

    assert world.archive(task_id) is not None


def test_a_connection_that_breaks_off_leaves_nothing(world: FakeWorld, task_id: str) -> None:
    world.source.breaks[TWO] = 2000

    with pytest.raises(ArchivingError, match="broke off"):
        world.archive(task_id)
    assert set(world.results.files) == {f"results/{task_id}/0.png"}


def test_what_is_no_media_file_is_not_stored(world: FakeWorld, task_id: str) -> None:
    world.source.files[TWO] = b"<html>not found</html>"

    with pytest.raises(ArchivingError, match="no image, video or audio"):
        world.archive(task_id)


def test_where_time_runs_out_between_two_files_the_next_attempt_goes_on(world: FakeWorld, task_id: str) -> None:
    left = iter([900.0, 50.0])

    with pytest.raises(ArchivingError, match="no time was left"):
        world.archive(task_id, seconds_left=lambda: next(left))

    first, second = world.task(task_id).results
    assert first.key == f"results/{task_id}/0.png"
    assert (second.key, second.error, world.task(task_id).archive) == (None, None, None)
    assert world.archive(task_id) == world.task(task_id)
    assert world.source.opened == [ONE, TWO]


@pytest.mark.parametrize("last_attempt", [False, True])
def test_any_exception_of_one_file_is_the_error_of_that_file(
    world: FakeWorld, task_id: str, monkeypatch: pytest.MonkeyPatch, *, last_attempt: bool
) -> None:
    open_ = world.source.open

    def open_or_break(url: str, *, seconds: float) -> object:
        if url == ONE:
            raise UnicodeError(f"no codec for {url}")
        return open_(url, seconds=seconds)

    monkeypatch.setattr(world.source, "open", open_or_break)

    with pytest.raises(ArchivingError, match="UnicodeError") as caught:
        world.archive(task_id, last_attempt=last_attempt)

    task = world.task(task_id)
    assert isinstance(caught.value.__cause__, UnicodeError)
    assert [result.key is not None for result in task.results] == [False, True]
    assert task.archive is (Archive.FAILED if last_attempt else None)
    if last_attempt:
        assert task.results[0].error == "the relay could not store the result: UnicodeError"
