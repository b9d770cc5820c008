"""Predictions of any shape: read without an exception of another kind, and shown again."""

import json
from contextlib import suppress
from random import Random
from typing import Any

import pytest

from relay.adapters.dynamodb.items import item_of, results_text, task_of
from relay.domain.errors import InvalidRequestError, RelayError, UnknownOperationError
from relay.domain.task import Change, Failure, FailureCode, Snapshot, Status
from relay.providers.base import Action, Paging, PromptLimits, ProviderResponse
from relay.providers.replicate.translator import Replicate
from tests.fuzz.mutations import mutated, text_of
from tests.support import tasks
from tests.support.cloudformation import ROOT

REPLICATE = Replicate()
PREDICTIONS = REPLICATE.operations["predictions"]
LIMITS = PromptLimits(2500, 2500)
FIXTURES = [json.loads(path.read_text()) for path in sorted((ROOT / "tests" / "fixtures" / "replicate").glob("*.json"))]
BATCHES = 20


def read(raw: bytes, random: Random) -> Snapshot | None:
    """Read it as a callback, a query or a create; None if it is refused."""
    response = ProviderResponse(random.choice((200, 200, 200, 201, 400, 404, 422, 429, 500)), raw)
    how = random.randrange(3)
    with suppress(RelayError):
        if how == 0:
            snapshot = REPLICATE.read_callback(raw, {})
        else:
            reader = REPLICATE.read_queried if how == 1 else REPLICATE.read_created
            snapshot = reader(PREDICTIONS, response)
        assert isinstance(snapshot, Snapshot)
        return snapshot
    return None


@pytest.mark.parametrize("batch", range(BATCHES))
def test_whatever_comes_is_read_stored_and_shown_or_refused(batch: int) -> None:
    random = Random(batch)  # noqa: S311 - repeatable
    for _ in range(100):
        document: Any = mutated(random.choice(FIXTURES), random, tuple(FIXTURES))
        snapshot = read(text_of(document, random), random)
        if snapshot is None:
            continue
        task = tasks.task_of(provider="replicate", operation="predictions")
        if snapshot.status is not Status.SUBMITTED:
            task = task.moved_to(Change.reported(snapshot), at=1)
        item = {**item_of(task), **({"results": results_text(task.results)} if task.results else {})}
        assert sum(len(next(iter(value.values())).encode()) for value in item.values()) < 400_000
        assert task_of(item).document == task.document
        shown = REPLICATE.view(task, {result.path: f"https://b.example/{result.index}" for result in task.results}, "https://r")
        text = json.dumps(shown, allow_nan=False)
        assert isinstance(shown["model"], str)
        assert isinstance(shown["version"], str)
        assert all(f"https://b.example/{result.index}" in text for result in task.results) or shown["output"] is None


@pytest.mark.parametrize(
    ("method", "path", "action", "name", "reference"),
    [
        ("POST", "predictions", Action.CREATE, "predictions", ""),
        ("POST", "models/a/b-1.c/predictions", Action.CREATE, "models/a/b-1.c/predictions", ""),
        ("POST", "predictions/abc/cancel", Action.CANCEL, "", "abc"),
        ("GET", "predictions/abc", Action.QUERY, "", "abc"),
        ("GET", "predictions/a/b", Action.QUERY, "", "a/b"),
        ("GET", "predictions", Action.LIST, "", ""),
    ],
)
def test_a_path_is_what_replicates_clients_mean(method: str, path: str, action: Action, name: str, reference: str) -> None:
    route = REPLICATE.route(method, f"/replicate/v1/{path}", {"cursor": "1"})
    assert (route.action, route.name, route.reference) == (action, name, reference)
    if action is Action.LIST:
        assert route.paging == Paging(size=100, cursor="1", may_be_shorter=True)


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", ""), ("POST", "models/a/predictions"), ("POST", "models/../b/predictions"), ("POST", "models/a/b/../predictions"),
     ("POST", "predictions/abc"), ("GET", "models/a/b"), ("GET", ""), ("DELETE", "predictions/abc"), ("POST", "files"),
     ("POST", "models/a/b%2Fc/predictions")],
)  # fmt: skip
def test_any_other_path_is_unknown(method: str, path: str) -> None:
    with pytest.raises(UnknownOperationError):
        REPLICATE.route(method, f"/replicate/v1/{path}", {})


@pytest.mark.parametrize(
    ("body", "field"),
    [({}, "input"), ({"input": "x"}, "input"), ({"input": {}}, "version"), ({"input": {}, "version": 5}, "version"),
     ({"input": {}, "model": "a/b", "webhook": ["x"]}, "webhook"), ({"input": {"a": float("nan")}, "version": "1"}, "expected")],
)  # fmt: skip
def test_a_body_that_no_model_takes_is_refused_before_anything_is_paid(body: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequestError, match=field):
        REPLICATE.checked(PREDICTIONS, body, LIMITS)


def test_an_invalid_field_is_unprocessable_as_at_replicate() -> None:
    reply = REPLICATE.error_reply(400, 1201, "input: expected an object", "r")
    assert (reply.status, reply.body["detail"], reply.body["status"]) == (422, "input: expected an object", 422)
    assert REPLICATE.error_reply(404, 1203, "no task", "r").body == {"title": "Not Found", "detail": "no task", "status": 404}


def test_a_refusal_about_the_relays_key_is_no_401_for_the_client() -> None:
    failure = Failure(code=FailureCode.REJECTED, message="no", http_status=401)
    assert REPLICATE.refusal(failure)[0] == 400


def test_a_large_text_keeps_the_output_and_drops_the_rest() -> None:
    document = {"id": "p", "status": "succeeded", "output": "x" * 100_000, "logs": "l" * 100_000, "input": {"prompt": "p"}}
    snapshot = REPLICATE.read_callback(json.dumps(document).encode(), {})
    assert isinstance(snapshot, Snapshot)
    assert snapshot.document
    assert snapshot.document["output"] == "x" * 100_000
    assert "logs" not in snapshot.document


def test_a_text_beside_a_file_stays_a_text() -> None:
    output = {"image": "https://files.example/0.png", "seed": "0", "note": "see relay:result/0"}
    snapshot = REPLICATE.read_callback(json.dumps({"id": "p", "status": "succeeded", "output": output}).encode(), {})
    assert isinstance(snapshot, Snapshot)
    task = tasks.task_of(provider="replicate", operation="predictions").moved_to(Change.reported(snapshot), at=1)
    shown = REPLICATE.view(task, {"output/0": "https://bucket.example/0"}, "")["output"]
    assert shown == {**output, "image": "https://bucket.example/0"}


def test_a_long_name_costs_no_output() -> None:
    document = {"id": "p", "status": "succeeded", "output": "a text", "version": "v" * 200_000, "started_at": "s" * 200_000}
    snapshot = REPLICATE.read_callback(json.dumps(document).encode(), {})
    assert isinstance(snapshot, Snapshot)
    assert snapshot.document
    assert snapshot.document["output"] == "a text"
    assert len(snapshot.document["version"]) == 256
