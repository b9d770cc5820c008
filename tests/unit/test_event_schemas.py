"""The events' schemas: what the code produces and what was ever published fits them, and nothing else does."""

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft4Validator

from relay.domain import events
from relay.domain.errors import TaskConflictError
from relay.domain.events import SOURCE, Event, event_between, quarantine_event
from relay.domain.task import Change, Failure, FailureCode, Result, Snapshot, Status, Task
from tests.support.cloudformation import ROOT, load_template

FOLDER = ROOT / "events" / "schemas"
DETAIL_TYPES = (
    events.STATUS_CHANGED,
    events.RESULTS_DELAYED,
    events.RESULTS_STORED,
    events.ARCHIVING_FAILED,
    events.CALLBACK_QUARANTINED,
    events.WEBHOOK_UNDELIVERABLE,
)
SAMPLES = sorted((FOLDER / "samples").glob("*.json"))
TASK_ID = "da62326e4a016c0e27e8de7372cbc1bc"
type Schema = dict[str, Any]


def stem(detail_type: str) -> str:
    return detail_type.lower().replace(" ", "_")


def closed(schema: Any) -> Any:
    """The schema without room for fields that it does not describe: consumers must ignore those, we must not invent them."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: closed(value) for name, value in schema.items()}
    return {**inner, "additionalProperties": False} if schema.get("type") == "object" else inner


SCHEMAS: dict[str, Schema] = {name: json.loads((FOLDER / f"{stem(name)}.json").read_text()) for name in DETAIL_TYPES}
VALIDATORS = {name: Draft4Validator(schema) for name, schema in SCHEMAS.items()}
STRICT = {name: Draft4Validator(closed(schema)) for name, schema in SCHEMAS.items()}


def delivered(event: Event) -> dict[str, Any]:
    """The event as EventBridge delivers it."""
    return {
        "version": "0",
        "id": "7bf73129-1428-4cd3-a780-95db273d1602",
        "detail-type": event.detail_type,
        "source": SOURCE,
        "account": "123456789012",
        "time": "2024-08-04T11:05:57Z",
        "region": "us-east-1",
        "resources": [],
        "detail": json.loads(json.dumps(event.detail)),
    }


def submitted(operation: str = "videos/text2video", external_task_id: str | None = None) -> Task:
    return Task(
        task_id=TASK_ID,
        tenant="acme",
        provider="kling",
        operation=operation,
        created_at=1_722_769_557_708,
        updated_at=1_722_769_557_708,
        deadline_at=1_722_855_957_708,
        due_at=1_722_769_677_708,
        expires_at=1_730_545_557,
        fingerprint="f",
        external_task_id=external_task_id,
    )


RESULTS = st.lists(
    st.builds(
        Result,
        path=st.just("task_result/videos/0/url"),
        kind=st.sampled_from(["image", "video", "audio"]),
        url=st.just("https://cdn.example.com/0"),
        index=st.none() | st.integers(0, 9),
        id=st.none() | st.text(),
        duration=st.none() | st.text(),
    ),
    min_size=1,
    max_size=3,
).map(tuple)
SNAPSHOTS = st.builds(
    Snapshot,
    status=st.sampled_from([Status.SUBMITTED, Status.PROCESSING, Status.FAILED]),
    provider_task_id=st.none() | st.text(min_size=1),
    message=st.text(),
    updated_at=st.none() | st.integers(0, 10**14),
) | st.builds(Snapshot, status=st.just(Status.SUCCEED), results=RESULTS)
VERDICTS_OF_OURS = st.builds(
    Change.given_up,
    st.sampled_from([FailureCode.REJECTED, FailureCode.EXPIRED, FailureCode.UNKNOWN, FailureCode.ANSWERED]),
    st.text(),
    provider_code=st.integers(-1, 5002),
    http_status=st.sampled_from([0, 400, 429]),
)
CHANGES = st.lists(SNAPSHOTS.map(Change.reported) | VERDICTS_OF_OURS, max_size=6)
ARCHIVING = st.lists(st.booleans(), max_size=3)
TASKS = st.builds(submitted, st.sampled_from(["videos/lip-sync", "images/generations"]), st.none() | st.text())


def kept(result: Result) -> Result:
    return replace(result, bucket="b", key="results/k", bytes=1, sha256="0" * 64, media_type="image/png", error=None)


def life(task: Task, changes: list[Change], archiving: list[bool], *, is_late: bool) -> Iterator[Task]:
    """Every version of a task, from its creation on."""
    yield task
    for at, change in enumerate(changes):
        try:
            task = task.moved_to(change, at=task.updated_at + at)
        except TaskConflictError:
            continue
        yield task
    if is_late and task.status is Status.SUCCEED:
        task = task.delayed(at=task.updated_at)
        yield task
    for stored in archiving:
        results = tuple(kept(result) if stored else replace(result, error="HTTP 404") for result in task.results)
        failure = None if stored else Failure(code=FailureCode.ARCHIVE, message="HTTP 404")
        try:
            task = task.archived(results, at=task.updated_at, failure=failure)
        except TaskConflictError:
            continue
        yield task


@given(TASKS, CHANGES, ARCHIVING, st.booleans())
def test_every_event_of_every_life_fits_its_schema(
    task: Task, changes: list[Change], archiving: list[bool], is_late: bool
) -> None:
    versions = list(life(task, changes, archiving, is_late=is_late))
    for before, after in pairwise([None, *versions]):
        assert after
        event = event_between(before, after)
        assert event
        STRICT[event.detail_type].validate(delivered(event))


def test_a_quarantine_event_fits_its_schema() -> None:
    event = quarantine_event(
        TASK_ID, f"quarantine/{TASK_ID}/1722769557708-0123456789abcdef", "bucket", "no JSON", 1_722_769_557_708
    )
    STRICT[event.detail_type].validate(delivered(event))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_every_published_sample_still_fits(sample: Path) -> None:
    event = json.loads(sample.read_text())
    assert sample.name.startswith(stem(event["detail-type"]) + ".")
    VALIDATORS[event["detail-type"]].validate(event)


def test_every_detail_type_has_a_schema_and_a_sample() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == {stem(name) for name in DETAIL_TYPES}
    assert {path.name.partition(".")[0] for path in SAMPLES} == {stem(name) for name in DETAIL_TYPES}


def test_no_detail_type_is_without_a_schema() -> None:
    named = {
        value for name, value in vars(events).items() if name.isupper() and isinstance(value, str) and value.startswith("Task ")
    }
    assert named == set(DETAIL_TYPES)


@pytest.mark.parametrize("detail_type", DETAIL_TYPES)
def test_a_schema_is_valid_and_of_the_draft_that_the_registry_takes(detail_type: str) -> None:
    Draft4Validator.check_schema(SCHEMAS[detail_type])
    assert SCHEMAS[detail_type]["$schema"] == "http://json-schema.org/draft-04/schema#"
    assert SCHEMAS[detail_type]["x-amazon-events-detail-type"] == detail_type
    assert SCHEMAS[detail_type]["x-amazon-events-source"] == SOURCE
    assert len((FOLDER / f"{stem(detail_type)}.json").read_text()) < 100_000  # AWS::EventSchemas::Schema, Content


@pytest.mark.parametrize("detail_type", DETAIL_TYPES)
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_an_event_fits_its_own_schema_alone(detail_type: str, sample: Path) -> None:
    event = json.loads(sample.read_text())
    assert VALIDATORS[detail_type].is_valid(event) is (event["detail-type"] == detail_type)


@pytest.mark.parametrize("detail_type", DETAIL_TYPES)
@pytest.mark.parametrize("change", [{"detail-type": "Task Deleted"}, {"source": "comet.rival"}, {"detail": {}}])
def test_an_unknown_detail_type_or_source_fits_nothing(detail_type: str, change: dict[str, Any]) -> None:
    for sample in SAMPLES:
        assert not VALIDATORS[detail_type].is_valid({**json.loads(sample.read_text()), **change})


@pytest.mark.parametrize(
    ("sample", "change"),
    [
        ("task_status_changed.created", {"status": "succeeded"}),
        ("task_status_changed.created", {"version": 0}),
        ("task_status_changed.created", {"schema_version": "2.0"}),
        ("task_status_changed.succeed", {"results": []}),
        ("task_status_changed.succeed", {"failure": {"code": "provider"}}),
        ("task_status_changed.failed", {"failure": {"code": "archive"}}),
        ("task_status_changed.processing", {"status": "failed"}),
        ("task_results_stored.video", {"results": [{"kind": "video", "url": "https://cdn.example.com/0.mp4"}]}),
        ("task_results_stored.video", {"failure": {"code": "archive"}}),
        ("task_results_archiving_failed.one_of_two", {"failure": {"code": "expired"}}),
        ("task_results_delayed.video", {"failure": {"code": "archive"}}),
        ("task_results_delayed.video", {"status": "failed"}),
    ],
)
def test_a_detail_that_contradicts_itself_does_not_fit(sample: str, change: dict[str, Any]) -> None:
    event = json.loads((FOLDER / "samples" / f"{sample}.json").read_text())
    event["detail"] |= change
    assert not VALIDATORS[event["detail-type"]].is_valid(event)


def test_what_schemas_share_is_the_same_in_each() -> None:
    for name in ("result", "failure"):
        shared = [schema["definitions"][name] for schema in SCHEMAS.values() if name in schema["definitions"]]
        assert len(shared) == 4
        assert all(each == shared[0] for each in shared)


def test_the_reasons_of_a_failure_are_those_of_the_code() -> None:
    failure = SCHEMAS[events.STATUS_CHANGED]["definitions"]["failure"]
    assert "enum" not in failure["properties"]["code"], "there will be other codes"
    said = failure["properties"]["code"]["description"]
    assert said == f"Known codes: {', '.join(FailureCode)}. There will be others"


def test_registered_schemas_are_these() -> None:
    """The template registers none of the files, or each of them once, as it is."""
    registered = []
    for name, resource in load_template()["Resources"].items():
        if resource["Type"] == "AWS::EventSchemas::Schema":
            assert resource["Properties"]["Type"] == "JSONSchemaDraft4", name
            registered.append(json.loads(resource["Properties"]["Content"]))
            assert resource["Properties"]["SchemaName"] == f"{SOURCE}@{registered[-1]['title']}", name
    assert sorted(schema["title"] for schema in registered) in ([], sorted(schema["title"] for schema in SCHEMAS.values()))
    assert all(schema in SCHEMAS.values() for schema in registered)
