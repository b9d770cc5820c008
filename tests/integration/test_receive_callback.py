"""POST /callbacks/{task_id}/{token}: who is let in, what is applied, what is kept."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from relay.domain.errors import Meaning
from relay.domain.task import Acceptance, FailureCode, Status
from relay.providers.kling.translator import Kling
from relay.providers.reply import Reply
from tests.support.cloudformation import ROOT
from tests.support.moto_world import MotoWorld, event, with_body, with_path

FIXTURES = sorted((ROOT / "tests" / "fixtures" / "kling").glob("callback_*.json"))


def test_the_course_of_a_task_is_followed(world: MotoWorld) -> None:
    task_id = world.submitted()
    outcomes = [world.callback(case, task_id).data["status"] for case in ("submitted", "processing", "processing", "succeed")]
    assert outcomes == ["stale", "applied", "stale", "applied"]
    task = world.task(task_id)
    assert (task.status, task.version) == (Status.SUCCEED, 3)
    assert task.results[0].duration == "5.1"
    assert task.due_at == task.updated_at + 60_000, "its files are late then"


def test_a_success_is_kept_as_it_came_before_it_is_known(world: MotoWorld) -> None:
    task_id = world.submitted()
    world.callback("succeed", task_id)
    world.callback("succeed", task_id, final_unit_deduction="7")
    (kept,) = world.objects(f"results/{task_id}/").items()
    assert kept == (f"results/{task_id}/callback.json", event("receive_callback.succeed")["body"].encode())


def test_a_failure_says_why(world: MotoWorld) -> None:
    task_id = world.submitted()
    assert world.callback("failed", task_id).data == {"status": "applied"}
    task = world.task(task_id)
    assert (task.status, task.message) == (Status.FAILED, "Failure to pass the risk control system")
    assert task.failure
    assert task.failure.code is FailureCode.PROVIDER


@pytest.mark.parametrize("late", ["submitted", "processing", "succeed", "succeed_images"])
def test_after_the_verdict_nothing_changes(world: MotoWorld, late: str) -> None:
    task_id = world.submitted()
    world.callback("failed", task_id)
    before = world.task(task_id)
    assert (answer := world.callback(late, task_id)).status == 200
    assert answer.data == {"status": "stale"}
    assert world.task(task_id) == before


def test_every_picture_is_a_result(world: MotoWorld) -> None:
    task_id = world.submitted("generations")
    world.callback("succeed_images", task_id)
    assert [(result.kind, result.index) for result in world.task(task_id).results] == [("image", 0), ("image", 1)]


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: path.stem)
def test_the_callbacks_seen_in_the_wild_are_understood(world: MotoWorld, fixture: Path) -> None:
    task_id = world.submitted()
    answer = world.callback("succeed", task_id, body=fixture.read_text())
    expected = "stale" if fixture.stem == "callback_submitted" else "applied"
    assert (answer.status, answer.data) == (200, {"status": expected})


@pytest.mark.parametrize("case", ["numbers_as_strings", "nulls"])
def test_loose_types_are_understood(world: MotoWorld, case: str) -> None:
    task_id = world.submitted()
    assert world.callback(case, task_id).data == {"status": "applied"}
    task = world.task(task_id)
    assert task.status is Status.PROCESSING
    assert task.snapshot_at == (1_722_769_562_708 if case == "numbers_as_strings" else 0)


def test_a_callback_in_base64_is_the_same(world: MotoWorld) -> None:
    task_id = world.submitted()
    body = event("receive_callback.succeed")["body"].encode()
    assert world.callback("succeed", task_id, body=body).data == {"status": "applied"}


# ── what cannot be understood ──────────────────────────────────────────────────────────────────────────────────────

NO_STATUS = "task_status means none of submitted, processing, succeed, failed"
NULLED = {"task_id": None, "task_status": None, "task_result": None}
UNREADABLE: dict[str, tuple[str, object, str]] = {
    "an unknown status": ("unknown_status", None, f"{NO_STATUS}: 'moderating'"),
    "another protocol": ("other_protocol", None, "no object with task_id and task_status in it"),
    "not JSON": ("not_json", None, "no object with task_id and task_status in it"),
    "empty": ("empty", "", "no object with task_id and task_status in it"),
    "nothing but nulls": ("succeed", NULLED, f"{NO_STATUS}: None"),
    "null": ("succeed", "null", "no object with task_id and task_status in it"),
    "a list": ("succeed", [], "no object with task_id and task_status in it"),
    "not UTF-8": ("succeed", b'{"task_id": "\xff"}', "no object with task_id and task_status in it"),
    "an id that is none": ("succeed", {"task_id": [], "task_status": "processing"}, "task_id is not an id"),
    "300 KB": ("succeed", " " * 300_000, "300000 bytes, more than 262144"),
}  # fmt: skip


@pytest.mark.parametrize(("case", "body", "reason"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_understood_is_kept_and_announced(world: MotoWorld, case: str, body: object, reason: str) -> None:
    task_id = world.submitted()
    before = world.task(task_id)
    answer = world.callback(case, task_id, body=body)
    assert (answer.status, answer.code, answer.data) == (200, 0, {"status": "quarantined"})
    assert world.task(task_id) == before
    ((key, kept),) = world.objects().items()
    assert key.startswith(f"quarantine/{task_id}/")
    assert kept == raw_body(case, body)
    metadata = world.s3.head_object(Bucket="results", Key=key)["Metadata"]
    assert metadata == {"reason": json.dumps(reason), "task-id": task_id}
    (announced,) = world.messages("events")
    assert announced["detail-type"] == "Task Callback Quarantined"
    detail = announced["detail"]
    assert (detail["task_id"], detail["bucket"], detail["key"], detail["reason"]) == (task_id, "results", key, reason)


TEXTS = {"task_id": "1", "task_status": "succeed", "task_result": {"videos": ["a", 1]}}


@pytest.mark.parametrize(("case", "body"), [("missing_result", None), ("succeed", TEXTS)], ids=["nothing", "texts"])
def test_a_success_without_files_is_kept_and_queried_soon(world: MotoWorld, case: str, body: object) -> None:
    task_id = world.submitted()
    assert world.callback(case, task_id, body=body).data == {"status": "quarantined"}
    task = world.task(task_id)
    assert task.reason
    assert (task.status, task.reason.meaning, task.acceptance) == (Status.SUBMITTED, Meaning.NO_RESULTS, Acceptance.ACCEPTED)
    assert task.due_at == task.reason.at
    assert list(world.objects().values()) == [raw_body(case, body)]


def raw_body(case: str, body: object) -> bytes:
    if isinstance(body, bytes):
        return body
    payload = event(f"receive_callback.{case}") if body is None else with_body({"headers": {}}, body)
    return str(payload["body"]).encode()


def test_a_callback_for_a_task_that_is_gone_is_kept(world: MotoWorld) -> None:
    task_id = world.submitted()
    world.dynamodb.delete_item(TableName="tasks", Key={"task_id": {"S": task_id}})
    assert world.callback("processing", task_id).data == {"status": "quarantined"}
    (announced,) = world.messages("events")
    assert announced["detail"]["reason"] == "the task is no longer stored"


# ── who is let in ──────────────────────────────────────────────────────────────────────────────────────────────────

FORGERIES: dict[str, Any] = {
    "forged": lambda _: event("receive_callback.forged")["pathParameters"]["token"],
    "empty": lambda _: "",
    "without its last character": lambda token: token[:-1],
    "without its first character": lambda token: token[1:],
    "with one character more": lambda token: token + "A",
    "with padding": lambda token: token + "=",
    "with much more": lambda token: token + "A" * 5000,
    "one character changed": lambda token: token[:-2] + ("A" if token[-2] != "A" else "B") + token[-1],
    "in capitals": lambda token: token.upper(),
    "without the provider": lambda token: token.partition(".")[2],
    "of another provider": lambda token: "other." + token.partition(".")[2],
    "only the provider": lambda _: "kling.",
    "with a null character": lambda token: token + "\0",
    "not ASCII": lambda _: "kling.✓" + "\ud800" * 3,
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_token_is_a_plain_404_and_changes_nothing(world: MotoWorld, forge: Any) -> None:
    task_id = world.submitted()
    before = world.task(task_id)
    for body in (None, "not JSON"):
        answer = world.callback("succeed", task_id, forge(world.token(task_id)), body)
        assert (answer.status, answer.code, answer.message) == (404, 1203, "not found")
        assert "data" not in answer.body
    assert world.task(task_id) == before
    assert world.objects() == {}
    assert world.messages("events") == []


def test_the_token_of_another_task_is_a_plain_404(world: MotoWorld) -> None:
    one, other = world.submitted(), world.submitted()
    assert world.callback("succeed", one, world.token(other)).status == 404
    assert world.callback("succeed", other, world.token(other)).status == 200
    assert world.task(one).version == 1


def test_a_callback_without_path_parameters_is_a_plain_404(world: MotoWorld) -> None:
    payload = event("receive_callback.succeed")
    del payload["pathParameters"]
    assert world.http("receive_callback", payload).status == 404


def test_a_token_is_checked_before_anything_is_read(world: MotoWorld) -> None:
    task_id = world.submitted()
    world.dynamodb.delete_table(TableName="tasks")
    world.s3.delete_bucket(Bucket="results")
    assert world.callback("succeed", task_id, "kling.forged").status == 404


def test_tokens_outlive_a_rotation_of_the_secret(world: MotoWorld) -> None:
    task_id = world.submitted()
    old = world.token(task_id)
    world.secrets.put_secret_value(SecretId="callback-key", SecretString="n" * 64)
    world.services._secrets._kept.clear()
    assert world.callback("processing", task_id, old).data == {"status": "applied"}
    newer = world.submitted()
    assert world.token(newer) == world.services.tokens.path(newer, "kling").partition("/")[2]
    world.secrets.put_secret_value(SecretId="callback-key", SecretString="m" * 64)
    world.services._secrets._kept.clear()
    assert world.callback("succeed", task_id, old).status == 404
    assert world.callback("succeed", newer).data == {"status": "applied"}


def test_a_failure_of_our_own_is_a_500_in_the_envelope_counted_for_its_alarm(
    world: MotoWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    task_id = world.submitted()
    world.s3.delete_bucket(Bucket="results")
    answer = world.callback("succeed", task_id)
    assert (answer.status, answer.code) == (500, 5000)
    assert "bucket" not in answer.message.lower()
    assert '"InternalErrors"' in capsys.readouterr().out
    assert world.task(task_id).version == 1


def test_a_callback_is_one_line_that_says_what_became_of_it(world: MotoWorld, capsys: pytest.CaptureFixture[str]) -> None:
    task_id = world.submitted()
    capsys.readouterr()
    world.callback("processing", task_id)
    (line,) = capsys.readouterr().out.splitlines()
    said = json.loads(line)
    assert said["_aws"]["CloudWatchMetrics"][0]["Metrics"] == [{"Name": "CallbackApplied", "Unit": "Count"}]
    assert {name: said[name] for name in ("level", "message", "task_id", "outcome", "CallbackApplied")} == {
        "level": "INFO", "message": "callback", "task_id": task_id, "outcome": "applied", "CallbackApplied": [1.0],
    }  # fmt: skip
    assert said["correlation_id"] == "JKJaXmPLvHcESHA="


def test_a_challenge_is_answered_as_the_provider_wants_it_and_changes_nothing(
    world: MotoWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    task_id = world.submitted()
    before = world.task(task_id)
    heard: list[Mapping[str, str]] = []

    def challenge(_provider: Kling, body: bytes, headers: Mapping[str, str]) -> Reply:
        heard.append(headers)
        return Reply(202, {"challenge": json.loads(body)["challenge"]})

    monkeypatch.setattr(Kling, "read_callback", challenge)
    payload = with_body(event("receive_callback.processing"), {"challenge": "c-1"}, X_Signature="s")
    token = world.token(task_id)
    payload["pathParameters"] = {"task_id": task_id, "token": token}
    answer = world.call("receive_callback", with_path(payload, f"/callbacks/{task_id}/{token}"))
    assert (answer["statusCode"], json.loads(answer["body"])) == (202, {"challenge": "c-1"})
    assert heard[0]["x-signature"] == "s"
    assert world.task(task_id) == before
