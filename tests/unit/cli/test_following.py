"""When a task is finished, why it failed, and its estimated progress."""

from typing import Any

import pytest

from relay_cli.failures import TimedOut
from relay_cli.following import failure_of, follow, is_finished, phase, progress, typical_seconds

BASE: dict[str, Any] = {
    "task_id": "t",
    "operation": "videos/text2video",
    "status": "submitted",
    "archive": None,
    "failure": None,
    "status_message": "",
    "created_at": 1_000_000,
    "updated_at": 1_000_000,
    "results": [],
}


def task(**fields: Any) -> dict[str, Any]:
    return {**BASE, **fields}


class Api:
    """Returns one state after the other, and then the last one again and again."""

    def __init__(self, *states: dict[str, Any]) -> None:
        self.states = list(states)

    def task(self, _: str) -> dict[str, Any]:
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]


@pytest.fixture(autouse=True)
def time_flies(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []
    monkeypatch.setattr("relay_cli.following.time.sleep", slept.append)
    monkeypatch.setattr("relay_cli.following.time.monotonic", lambda: sum(slept))
    return slept


STORED = task(status="succeed", archive="stored")


@pytest.mark.parametrize(
    ("state", "finished", "name"),
    [
        (task(), False, "submitted"),
        (task(status="processing"), False, "processing"),
        (task(status="succeed"), False, "storing"),
        (task(status="succeed", archive="pending"), False, "delayed"),
        (STORED, True, "stored"),
        (task(status="succeed", archive="failed"), True, "not stored"),
        (task(status="failed"), True, "failed"),
    ],
)
def test_a_success_is_finished_when_its_files_are_stored_or_given_up(state: dict[str, Any], finished: bool, name: str) -> None:
    assert (is_finished(state), phase(state)) == (finished, name)


def test_following_ends_with_the_last_state_and_polls_less_and_less_often(time_flies: list[float]) -> None:
    states = [task(), *[task(status="processing")] * 30, STORED]
    assert list(follow(Api(*states), ["t"], timeout=None)) == states  # type: ignore[arg-type]
    assert time_flies == sorted(time_flies)
    assert time_flies[-1] == 5.0


def test_following_stops_at_its_timeout(time_flies: list[float]) -> None:
    with pytest.raises(TimedOut, match="not finished after 10 s: t"):
        list(follow(Api(task()), ["t"], timeout=10))  # type: ignore[arg-type]
    assert 5 < sum(time_flies) <= 10


def test_a_failed_task_has_a_reason_and_advice() -> None:
    failed = failure_of(task(status="failed", status_message="risk control", failure={"code": "provider", "message": ""}))
    assert failed
    assert "risk control (provider)" in failed.message
    assert "submit again" in failed.advice
    unstored = failure_of(task(status="succeed", archive="failed", failure={"code": "archive", "message": "HTTP 404"}))
    assert unstored
    assert "HTTP 404" in unstored.message
    assert failure_of(STORED) is None


def test_progress_never_decreases_and_ends_at_one() -> None:
    states = [
        (task(), 0),
        (task(), 500),
        (task(status="processing"), 3_000),
        (task(status="processing"), 9_000_000),
        (task(status="succeed"), 9_000_000),
        (STORED, 9_000_000),
    ]
    seen = [progress(state, now_ms=1_000_000 + after, typical=100) for state, after in states]
    assert seen == sorted(seen)
    assert seen[0] > 0
    assert seen[-2] < seen[-1] == 1


def test_the_typical_duration_is_the_median_of_the_successes() -> None:
    past = [task(status="succeed", archive="stored", updated_at=1_000_000 + 1000 * seconds) for seconds in (10, 30, 500)]
    past += [task(status="failed", updated_at=1_001_000)] * 5
    assert typical_seconds(past, "videos/text2video") == 30
    assert typical_seconds(past, "images/generations") == 120
