"""Kling's envelope, callbacks and errors: what is understood, what is tolerated, and what a failure means."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.domain.errors import (
    AlreadyAcceptedError,
    NoChannelError,
    NoResultsError,
    OperatorFaultError,
    OutcomeUnknownError,
    ProviderBusyError,
    ProviderError,
    ProviderRefusedError,
    ProviderTaskMissingError,
    UnreadableSnapshotError,
)
from relay.domain.task import Change, Failure, FailureCode, Result, Snapshot, Status, Task
from relay.domain.text import NESTING_LIMIT
from relay.providers.base import ProviderResponse
from relay.providers.kling.translator import Kling
from tests.support.tasks import NOON, task_of

FIXTURES = Path(__file__).parents[3] / "fixtures" / "kling"
KLING = Kling()
T2V = KLING.operations["videos/text2video"]
T2V = KLING.operations["videos/text2video"]
VIDEOS = {"videos": [{"id": "v-1", "url": "https://cdn.example/1.mp4", "duration": "5.1"}]}


def fixture(name: str) -> bytes:
    return (FIXTURES / f"{name}.json").read_bytes()


def callback(**fields: Any) -> bytes:
    """A succeed callback with `fields` in place of its own; ... takes one out."""
    body: dict[str, Any] = {
        "task_id": "878106242831892487",
        "task_status": "succeed",
        "task_status_msg": "",
        "created_at": 1722769557708,
        "updated_at": 1722769560000,
        "task_result": VIDEOS,
    }
    body |= fields
    return json.dumps({name: value for name, value in body.items() if value is not ...}).encode()


def received(**fields: Any) -> Snapshot:
    return KLING.read_callback(callback(**fields))


def queried(body: object, status: int = 200) -> Snapshot:
    return KLING.read_queried(T2V, response(status, body))


def created(body: object, status: int = 200) -> Snapshot:
    return KLING.read_created(T2V, response(status, body))


def response(status: int, body: object) -> ProviderResponse:
    return ProviderResponse(status, body if isinstance(body, bytes) else json.dumps(body).encode())


def succeeded(**fields: Any) -> Task:
    """A task after a succeed callback."""
    return task_of(external_task_id="ours").moved_to(Change.reported(received(**fields)), at=NOON + 5)


# What the documents say

FACTS: dict[str, tuple[str, Status, str, str | None, int, int]] = {
    "callback_submitted": ("CjI17WevH1IAAAAAAHmgsw", Status.SUBMITTED, "", None, 1739744384259, 0),
    "callback_processing": ("CjI17WevH1IAAAAAAHmgsw", Status.PROCESSING, "", None, 1739744391000, 0),
    "callback_processing_empty_objects": ("878106242831892487", Status.PROCESSING, "", None, 1777385363321, 0),
    "callback_failed": ("task-abc-123", Status.FAILED, "Content policy violation", None, 1722769560000, 0),
    "callback_succeed": ("CjI17WevH1IAAAAAAHmgsw", Status.SUCCEED, "", None, 1739744621359, 1),
    "callback_legacy_doc": ("string", Status.SUCCEED, "string", "string", 1722769557708, 2),
    "query_failed_policy": ("task-abc-123", Status.FAILED, "Content policy violation", None, 1722769560000, 0),
    "query_full_succeed": ("task-abc-123", Status.SUCCEED, "", None, 1722769560000, 2),
    "query_i2v_succeed": ("CjI17WevH1IAAAAAAHmgsw", Status.SUCCEED, "", None, 1739744621359, 1),
    "query_processing_nulls": ("task_def456uvw123", Status.PROCESSING, "", "my_custom_task_001", 1722769590123, 0),
    "comet_query_processing": ("878106242831892487", Status.PROCESSING, "", None, 1777385363321, 0),
    "create_i2v_submitted": ("CjI17WevH1IAAAAAAHmgsw", Status.SUBMITTED, "", None, 1739744384259, 0),
    "callback_advanced_lip_sync": ("878106242831800006", Status.SUCCEED, "", None, 1777385420006, 1),
    "callback_avatar_image2video": ("878106242831800005", Status.SUCCEED, "", None, 1777385420005, 1),
    "callback_custom_voices": ("878106242831800013", Status.SUCCEED, "", None, 1777385420013, 1),
    "callback_effects": ("878106242831800004", Status.SUCCEED, "", None, 1777385420004, 1),
    "callback_expand": ("878106242831800010", Status.SUCCEED, "", None, 1777385420010, 1),
    "callback_motion_control": ("878106242831800003", Status.SUCCEED, "", None, 1777385420003, 1),
    "callback_multi_elements": ("878106242831800007", Status.SUCCEED, "", None, 1777385420007, 1),
    "callback_multi_image2image": ("878106242831800008", Status.SUCCEED, "", None, 1777385420008, 2),
    "callback_multi_image2video": ("878106242831800001", Status.SUCCEED, "", None, 1777385420001, 1),
    "callback_omni_image_series": ("878106242831800009", Status.SUCCEED, "", None, 1777385420009, 4),
    "callback_omni_video": ("878106242831800002", Status.SUCCEED, "", "order-42", 1777385420002, 1),
    "callback_text_to_audio": ("878106242831800011", Status.SUCCEED, "", None, 1777385420011, 2),
    "callback_video_to_audio": ("878106242831800012", Status.SUCCEED, "", None, 1777385420012, 2),
    "query_omni_image_single": ("878106242831800014", Status.SUCCEED, "", None, 1777385420014, 1),
    "query_text_to_audio": ("878106242831800015", Status.SUCCEED, "", None, 1777385420015, 2),
    "comet_create_i2v": ("2032273942220931072", Status.SUBMITTED, "", None, 1773366840306, 0),
}


@pytest.mark.parametrize("name", FACTS)
def test_a_document_is_read_for_what_it_says(name: str) -> None:
    body = fixture(name)
    snapshot = KLING.read_callback(body) if name.startswith("callback") else queried(body)
    provider_task_id, status, message, external, updated_at, files = FACTS[name]

    assert snapshot.provider_task_id == provider_task_id
    assert snapshot.status is status
    assert snapshot.message == message
    assert snapshot.external_task_id == external
    assert snapshot.updated_at == updated_at
    assert len(snapshot.results) == files


def test_every_document_of_a_task_has_its_facts_here() -> None:
    assert {path.stem for path in FIXTURES.glob("*.json") if "error" not in path.stem} == set(FACTS)


def test_a_video_is_a_result_with_its_id_and_duration() -> None:
    (result,) = received().results

    assert (result.path, result.kind, result.url) == ("task_result/videos/0/url", "video", "https://cdn.example/1.mp4")
    assert (result.id, result.index, result.duration) == ("v-1", None, "5.1")


def test_images_are_results_with_their_index() -> None:
    images = [{"index": number, "url": f"https://cdn.example/{number}.png"} for number in range(9)]

    results = received(task_result={"images": images}).results

    assert [(result.kind, result.index, result.url) for result in results] == [
        ("image", image["index"], image["url"]) for image in images
    ]


def test_every_url_of_a_result_is_a_file_watermarked_copies_and_both_sounds_too() -> None:
    results = received(
        task_result={
            "videos": [{"id": "v", "url": "https://c/v.mp4", "watermark_url": "https://c/w.mp4", "duration": "5"}],
            "audios": [
                {"id": "a", "url_mp3": "https://c/a.mp3", "url_wav": "https://c/a.wav", "duration_mp3": "3", "duration_wav": 4}
            ],
            "series_images": [{"index": 0, "url": "https://c/s.png"}],
        }
    ).results

    assert {result.path.removeprefix("task_result/"): (result.kind, result.url, result.duration) for result in results} == {
        "series_images/0/url": ("image", "https://c/s.png", None),
        "videos/0/url": ("video", "https://c/v.mp4", "5"),
        "videos/0/watermark_url": ("video", "https://c/w.mp4", "5"),
        "audios/0/url_mp3": ("audio", "https://c/a.mp3", "3"),
        "audios/0/url_wav": ("audio", "https://c/a.wav", "4"),
    }


@pytest.mark.parametrize(
    ("name", "paths"),
    [
        ("callback_omni_image_series", [f"series_images/{index}/url" for index in range(4)]),
        ("callback_video_to_audio", ["audios/0/url_mp3", "audios/0/url_wav"]),
        ("callback_custom_voices", ["voices/0/trial_url"]),
        ("callback_multi_elements", ["videos/0/url"]),
    ],
)
def test_a_list_is_searched_for_files_whatever_its_name(name: str, paths: list[str]) -> None:
    snapshot = KLING.read_callback(fixture(name))

    assert [result.path for result in snapshot.results] == [f"task_result/{path}" for path in paths]
    assert {result.kind for result in snapshot.results} <= {"image", "audio", "video", "file"}


def test_a_list_without_a_known_name_counts_only_where_no_other_does() -> None:
    (result,) = received(task_result={**VIDEOS, "covers": [{"url": "https://cdn.example/cover.png"}]}).results
    (other,) = received(task_result={"videos": [], "covers": [{"url": "https://cdn.example/cover.png"}]}).results

    assert (result.kind, other.kind) == ("video", "file")


def test_the_document_keeps_the_rest_but_not_the_urls() -> None:
    snapshot = received(final_unit_deduction="3.5", task_info={"parent_video": {"id": "p", "url": "https://c/p.mp4"}}, new=[1])

    assert snapshot.document == {
        "final_unit_deduction": "3.5",
        "task_info": {"parent_video": {"id": "p", "url": "https://c/p.mp4"}},
        "new": [1],
        "task_result": {"videos": [{"id": "v-1", "url": "", "duration": "5.1"}]},
    }


def test_the_document_leaves_our_own_id_out() -> None:
    """The task has it, and its item is paid by the kilobyte."""
    info = {"external_task_id": "0" * 32, "parent_video": {"id": "p"}}
    document = received(task_info=info).document
    assert document is not None
    assert document["task_info"] == {"parent_video": {"id": "p"}}
    assert "task_info" not in (received(task_info={"external_task_id": "0" * 32}).document or {})


@pytest.mark.parametrize("status", ["submitted", "processing", "failed"])
def test_only_a_success_carries_results_and_a_document(status: str) -> None:
    snapshot = received(task_status=status)

    assert (snapshot.results, snapshot.document) == ((), None)


# What is tolerated


@pytest.mark.parametrize(
    ("given_fields", "expected"),
    [
        ({"task_id": 878106242831892487}, {"provider_task_id": "878106242831892487"}),
        ({"updated_at": "1722769560000"}, {"updated_at": 1722769560000}),
        ({"updated_at": ...}, {"updated_at": None}),
        ({"updated_at": None}, {"updated_at": None}),
        ({"updated_at": "yesterday"}, {"updated_at": None}),
        ({"updated_at": -1}, {"updated_at": None}),
        ({"updated_at": True}, {"updated_at": None}),
        ({"updated_at": 10**15}, {"updated_at": None}),
        ({"updated_at": "9" * 4000}, {"updated_at": None}),
        ({"task_status_msg": None}, {"message": ""}),
        ({"task_status_msg": ...}, {"message": ""}),
        ({"task_status_msg": {"code": 1}}, {"message": ""}),
        ({"task_info": None}, {"external_task_id": None}),
        ({"task_info": []}, {"external_task_id": None}),
        ({"task_info": {"external_task_id": None}}, {"external_task_id": None}),
        ({"task_info": {"external_task_id": 7}}, {"external_task_id": None}),
        ({"created_at": None}, {"status": Status.SUCCEED}),
    ],
)
def test_an_odd_field_is_tolerated(given_fields: dict[str, Any], expected: dict[str, Any]) -> None:
    snapshot = received(**given_fields)

    assert {name: getattr(snapshot, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"id": 7, "duration": 5}, ("7", None, "5")),
        ({"id": None, "duration": None}, (None, None, None)),
        ({"index": "0", "duration": 5.041}, (None, None, "5.041")),
        ({"index": True}, (None, None, None)),
        ({"id": "i" * 999, "duration": "9" * 99}, ("i" * 256, None, "9" * 32)),
        ({"id": {"a": 1}, "duration": [5]}, (None, None, None)),
    ],
)
def test_an_odd_result_is_taken_for_its_url(entry: dict[str, Any], expected: tuple[str | None, int | None, str | None]) -> None:
    (result,) = received(task_result={"videos": [{"url": "https://c/v.mp4", **entry}]}).results

    assert (result.id, result.index, result.duration) == expected


@pytest.mark.parametrize("rest", [None, {}, [], "x", 7, [None, "x", 7, [], {}, {"url": ""}, {"url": None}, {"url": 7}]])
def test_what_stands_beside_a_result_is_not_taken_for_one(rest: object) -> None:
    assert len(received(task_result={**VIDEOS, "images": rest}).results) == 1


@pytest.mark.parametrize(
    "task_result", [..., None, {}, [], "x", {"videos": None}, {"videos": []}, {"videos": {}}, {"videos": [{}]}]
)
def test_a_success_without_a_result_is_not_understood(task_result: object) -> None:
    with pytest.raises(UnreadableSnapshotError, match="without a result"):
        received(task_result=task_result)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        *((word, Status.SUCCEED) for word in ("SUCCEED", "succeeded", " Success ", "completed", "Done")),
        *((word, Status.FAILED) for word in ("FAILED", "failure", "error", "canceled", "CANCELLED", "timed out")),
        *((word, Status.SUBMITTED) for word in ("queued", "PENDING", "NOT_START")),
        *((word, Status.PROCESSING) for word in ("in_progress", "In-Progress", "in progress", "RUNNING")),
    ],
)
def test_a_status_is_read_by_its_meaning(word: str, status: Status) -> None:
    assert received(task_status=word).status is status


@pytest.mark.parametrize("status", ["unknown", "moderated", "", None, 1, [], {}, True])
def test_an_unknown_status_is_not_understood(status: object) -> None:
    with pytest.raises(UnreadableSnapshotError, match="task_status"):
        received(task_status=status)


@pytest.mark.parametrize("task_id", ["", None, True, 1.5, [], {}, "x" * 257])
def test_an_id_that_is_none_is_not_understood(task_id: object) -> None:
    with pytest.raises(UnreadableSnapshotError, match="task_id"):
        received(task_id=task_id)


@pytest.mark.parametrize(
    "body",
    [
        {"id": "878106242831892487", "status": "succeeded", "outputs": [{"url": "https://c/v.mp4"}]},
        {"status": "error", "message": "the query failed"},
        {"task_status": "succeed", "task_result": VIDEOS},
    ],
)
def test_another_protocols_task_is_not_understood(body: object) -> None:
    with pytest.raises(UnreadableSnapshotError, match="task_id and task_status"):
        KLING.read_callback(json.dumps(body).encode())


OLDER = {"task_id": "gateway-7", "status": "FAILURE", "fail_reason": "risk control", "progress": "100%", "data": None}


@pytest.mark.parametrize("body", [{"code": "success", "message": "", "data": OLDER}, OLDER, {**OLDER, "task_id": None}])
def test_the_older_wrapping_tells_status_and_reason_itself(body: object) -> None:
    snapshot = queried(body)

    assert (snapshot.status, snapshot.message, snapshot.provider_task_id) == (Status.FAILED, "risk control", None)


def test_the_wrapping_of_a_create_is_no_task() -> None:
    with pytest.raises(OutcomeUnknownError):
        created({"code": "success", "data": {**OLDER, "status": "SUBMITTED"}})


URL = "https://c/v.mp4"


@pytest.mark.parametrize(
    "task_result",
    [
        {"videos": {"id": "v", "url": URL}},
        {"videos": [URL]},
        {"videos": URL},
        {"url": URL},
        {"video_url": URL},
        [URL],
        [{"url": URL}],
        URL,
        json.dumps({"videos": [{"url": URL}]}),
        {"a/b": [{"url": URL}]},
        {"a/b": [{"url": URL}], "x": [1]},
        {"n" * 100_000: [{"url": URL, "index": 10**30}]},
    ],
)
def test_every_shape_of_a_result_is_read_and_shown(task_result: object) -> None:
    snapshot = received(task_result=task_result)
    (result,) = snapshot.results
    task = task_of().moved_to(Change.reported(snapshot), at=NOON)

    assert (result.url, result.index) == (URL, None)
    assert len(result.path) < 160
    assert "https://signed" in json.dumps(KLING.view(task, {result.path: "https://signed"}))


@pytest.mark.parametrize("task_result", ["no", {}, {"videos": [1, None, [], ""]}, {"url": ""}, {"message": URL}, [[URL]]])
def test_a_success_without_a_file_is_told_from_one_that_is_not_understood(task_result: object) -> None:
    with pytest.raises(NoResultsError):
        received(task_result=task_result)


def test_as_many_files_as_a_task_can_have_are_taken_and_no_more() -> None:
    entries = [{"index": number, "url": f"https://c/{number}"} for number in range(65)]

    assert len(received(task_result={"images": entries[:64]}).results) == 64
    with pytest.raises(UnreadableSnapshotError, match="more than 64"):
        received(task_result={"images": entries})


def test_a_url_is_as_long_as_we_can_keep_it_and_no_longer() -> None:
    url = "https://c/".ljust(4096, "x")

    assert received(task_result={"videos": [{"url": url}]}).results[0].url == url
    with pytest.raises(UnreadableSnapshotError, match="4096"):
        received(task_result={"videos": [{"url": url + "x"}]})


def test_a_document_that_no_item_could_carry_is_cut_to_nothing_and_the_results_stay() -> None:
    snapshot = received(chatter=["x" * 1000] * 70)

    assert snapshot.document == {"task_result": {}}
    assert len(snapshot.results) == 1
    assert KLING.view(task_of().moved_to(Change.reported(snapshot), at=NOON), {"task_result/videos/0/url": "u"})


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 5000])
def test_a_number_that_json_cannot_carry_is_not_understood(number: str) -> None:
    body = callback(seed=0).replace(b'"seed": 0', b'"seed": %s' % number.encode())

    with pytest.raises(UnreadableSnapshotError):
        KLING.read_callback(body)


def test_half_an_emoji_does_not_spoil_what_is_stored() -> None:
    body = callback(task_status="failed").replace(b'"task_status_msg": ""', b'"task_status_msg": "caf\xc3\xa9 \\ud83d"')

    assert KLING.read_callback(body).message == "café �"


@pytest.mark.parametrize("depth", [10, NESTING_LIMIT - 2])
def test_nesting_is_kept_and_shown(depth: int) -> None:
    nest: Any = "deep"
    for _ in range(depth):
        nest = [nest]

    assert KLING.view(succeeded(nest=nest), {"task_result/videos/0/url": "u"})["nest"] == nest


@pytest.mark.parametrize("depth", [NESTING_LIMIT, 5_000, 50_000])
@pytest.mark.parametrize("quoted", [False, True])
def test_nesting_without_end_is_not_understood(depth: int, *, quoted: bool) -> None:
    """What can be read at one place may be too deep for the stack at another one, where the task is shown."""
    deep = b"[" * depth + b"]" * depth
    body = callback(nest=0).replace(b'"nest": 0', b'"nest": ' + deep)
    if quoted:
        body = callback(task_result=f'{{"videos":[{{"url":"https://a.example/1"}}],"nest":{deep.decode()}}}')

    with pytest.raises(UnreadableSnapshotError):
        KLING.read_callback(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text() | st.just("url"), children, max_size=3),
    max_leaves=10,
)


@given(
    st.dictionaries(
        st.sampled_from(["task_id", "task_status", "task_status_msg", "task_info", "task_result", "updated_at", "data", "x"]),
        JSON | st.sampled_from(["a", "succeed", "failed", {"videos": [{"url": "u", "a/b_url": "v", "a": "w"}]}]),
    )
)
def test_any_json_is_a_snapshot_that_can_be_stored_and_shown_or_not_understood(body: dict[str, Any]) -> None:
    try:
        snapshot = KLING.read_callback(json.dumps(body).encode())
    except UnreadableSnapshotError:
        return
    if snapshot.status is not Status.SUBMITTED:
        task = task_of().moved_to(Change.reported(snapshot), at=NOON)
        shown = KLING.view(task, {result.path: f"stored/{number}" for number, result in enumerate(task.results)})
        assert json.dumps(shown, allow_nan=False, ensure_ascii=False).encode()
        assert all(f"stored/{number}" in json.dumps(shown) for number in range(len(task.results)))


# Envelopes

NATIVE = json.loads(callback())


@pytest.mark.parametrize(
    "body",
    [
        {"code": 0, "message": "SUCCEED", "data": NATIVE},
        {"code": 0, "message": "成功", "data": NATIVE},
        {"code": "0", "data": NATIVE},
        {"message": "ok", "data": NATIVE},
        {"code": "success", "message": "", "data": {"task_id": "x", "status": "SUCCESS", "progress": "100%", "data": NATIVE}},
        {"code": "SUCCESS", "data": {"task_id": "x", "status": "SUCCESS", "data": {"code": 0, "data": NATIVE}}},
        NATIVE,
    ],
    ids=["native", "another wording", "code as text", "no code", "wrapped", "wrapped twice", "bare"],
)
def test_a_query_is_understood_in_every_envelope(body: object) -> None:
    assert queried(body) == KLING.read_callback(callback())


@pytest.mark.parametrize(
    "body",
    [
        {"code": "success", "data": {"status": "IN_PROGRESS", "data": None}},
        {"code": 0, "data": {"data": {"data": {"data": NATIVE}}}},
        {"code": 0, "data": [NATIVE]},
    ],
    ids=["wrapped, nothing in it yet", "wrapped too often", "a list"],
)
def test_an_envelope_without_a_task_is_not_understood(body: object) -> None:
    with pytest.raises(UnreadableSnapshotError):
        queried(body)
    with pytest.raises(OutcomeUnknownError):
        created(body)


# Errors

ERRORS: list[tuple[int, object, type[ProviderError]]] = [
    *((401, code, OperatorFaultError) for code in (1000, 1001, 1002)),
    *((401, code, ProviderBusyError) for code in (1003, 1004)),
    *((429, code, OperatorFaultError) for code in (1100, 1101, 1102)),
    (403, 1103, OperatorFaultError),
    (400, 1200, ProviderRefusedError),
    (400, 1201, ProviderRefusedError),
    *((404, code, ProviderRefusedError) for code in (1202, 1203)),
    *((400, code, ProviderRefusedError) for code in (1300, 1301)),
    *((429, code, ProviderBusyError) for code in (1302, 1303)),
    (429, 1304, OperatorFaultError),
    (500, 5000, OutcomeUnknownError),
    (503, 5001, ProviderBusyError),
    (504, 5002, OutcomeUnknownError),
]
OPENAI_STYLE: list[tuple[int, str, type[ProviderError]]] = [
    (400, "invalid_request", ProviderRefusedError),
    (401, "invalid_api_key", OperatorFaultError),
    (403, "insufficient_user_quota", OperatorFaultError),
    (429, "rate_limit_exceeded", ProviderBusyError),
    (500, "invalid_request", ProviderRefusedError),
    (500, "internal_error", OutcomeUnknownError),
    (503, "overloaded", OutcomeUnknownError),
    (504, "timeout", OutcomeUnknownError),
    (524, "timeout", OutcomeUnknownError),
]


@pytest.mark.parametrize("with_http_200", [False, True], ids=["as documented", "with HTTP 200"])
@pytest.mark.parametrize("as_text", [False, True], ids=["number", "text"])
@pytest.mark.parametrize(("status", "code", "meaning"), ERRORS)
def test_a_code_of_the_table_means_the_same_under_every_status(
    status: int, code: int, meaning: type[ProviderError], as_text: bool, with_http_200: bool
) -> None:
    http = 200 if with_http_200 else status

    with pytest.raises(ProviderError) as caught:
        created({"code": str(code) if as_text else code, "message": "the reason", "request_id": "r"}, http)

    assert type(caught.value) is meaning
    assert (caught.value.status, caught.value.code) == (http, code)
    assert ("the reason" in caught.value.message) == (meaning is not OperatorFaultError), "the provider may quote the key"


@pytest.mark.parametrize(("status", "code", "meaning"), OPENAI_STYLE)
@pytest.mark.parametrize("style", ["code", "type", "flat"])
def test_an_error_of_the_gateway_in_front_is_read_by_its_name_and_status(
    status: int, code: str, meaning: type[ProviderError], style: str
) -> None:
    body = {"code": code, "message": "sorry", "data": None} if style == "flat" else {"error": {style: code, "message": "sorry"}}

    with pytest.raises(ProviderError) as caught:
        created(body, status)

    assert type(caught.value) is meaning
    assert (caught.value.message == f"{code}: sorry") == (meaning is not OperatorFaultError)


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        *((status, ProviderRefusedError) for status in (400, 404, 405, 413)),
        *((status, OperatorFaultError) for status in (301, 302, 307, 308, 401, 402, 403, 407, 421, 451)),
        *((status, ProviderBusyError) for status in (425, 429)),
        *((status, OutcomeUnknownError) for status in (200, 202, 204, 408, 500, 502, 503, 504, 520, 524, 529)),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html><h1>error</h1></html>", b"[]", b"null"])
def test_an_answer_that_cannot_be_read_means_what_its_status_means(
    status: int, meaning: type[ProviderError], body: bytes
) -> None:
    with pytest.raises(ProviderError) as caught:
        created(body, status)

    assert type(caught.value) is meaning
    assert str(status) in caught.value.message or meaning is OperatorFaultError


def test_a_code_that_nobody_knows_is_no_proof_that_nothing_was_accepted() -> None:
    with pytest.raises(OutcomeUnknownError):
        created({"code": 77, "message": "?"}, 200)


@pytest.mark.parametrize("code", [None, 1.5, [], {}])
def test_a_code_of_the_wrong_type_is_no_success(code: object) -> None:
    with pytest.raises(OutcomeUnknownError):
        created({"code": code, "data": NATIVE}, 200)


CHANNEL = "no available channel for model kling-v9 under group default"
WORDS: list[tuple[int, object, type[ProviderError], str]] = [
    (503, {"error": {"message": CHANNEL, "type": "one_api_error"}}, NoChannelError, CHANNEL),
    (503, {"error": {"code": "model_not_found", "message": "sorry"}}, NoChannelError, "sorry"),
    (404, {"error": {"code": "model_not_found", "message": "sorry"}}, NoChannelError, "sorry"),
    (503, {"code": "model_not_found", "message": "sorry", "data": None}, NoChannelError, "sorry"),
    (429, {"error": {"code": "insufficient_quota", "message": "sk-1"}}, OperatorFaultError, "no balance"),
    (
        403,
        {"error": {"message": "User balance is not enough: sk-1", "type": "x"}},
        OperatorFaultError,
        "no balance",
    ),
    (500, {"error": {"message": "pre_consume_token_quota_failed", "type": "sk-1"}}, OperatorFaultError, "no balance"),
    (402, {"message": "sk-1"}, OperatorFaultError, "no balance"),
    (401, {"detail": "Incorrect API key provided: sk-1"}, OperatorFaultError, "own key"),
    (200, {"error": {"code": "invalid_api_key", "message": "sk-1"}}, OperatorFaultError, "own key"),
    (200, {"error": {"code": 401, "message": "sk-1"}}, OperatorFaultError, "own key"),
    (200, {"error": {"message": "duration must be 5 or 10", "code": 400}}, ProviderRefusedError, "duration must be 5 or 10"),
    (200, {"error": {"message": "duration must be 5 or 10", "code": "400"}}, ProviderRefusedError, "duration must be 5 or 10"),
    (200, {"code": "400", "message": "duration must be 5 or 10"}, ProviderRefusedError, "duration must be 5 or 10"),
    (500, {"error": {"message": "bad size", "type": "invalid_request_error"}}, ProviderRefusedError, "bad size"),
    (422, {"detail": "bad size"}, ProviderRefusedError, "bad size"),
    (429, {"error": "slow down"}, ProviderBusyError, "slow down"),
    (200, {"error": {"code": 429, "message": "slow down"}}, ProviderBusyError, "slow down"),
    (200, {"error": "upstream reset"}, OutcomeUnknownError, "upstream reset"),
    (200, {"success": False, "message": "upstream reset"}, OutcomeUnknownError, "upstream reset"),
    (200, {"error": {"code": 500, "message": "upstream reset"}}, OutcomeUnknownError, "upstream reset"),
    (500, {"error": {"message": "upstream: 'a man with insufficient funds'", "type": "x"}}, OutcomeUnknownError, "upstream"),
    (502, {"error": {"message": "cannot draw 'no available channel'", "type": "x"}}, OutcomeUnknownError, "cannot draw"),
    (500, {"error": {"code": "do_request_failed", "message": "a token was invalid"}}, OutcomeUnknownError, "a token was invalid"),
]


@pytest.mark.parametrize(("status", "body", "meaning", "said"), WORDS)
def test_the_words_of_a_gateway_say_what_waits_and_what_is_final(
    status: int, body: object, meaning: type[ProviderError], said: str
) -> None:
    with pytest.raises(ProviderError) as caught:
        created(body, status)

    assert type(caught.value) is meaning
    assert said in caught.value.message
    assert "sk-1" not in caught.value.message


def test_an_external_id_that_exists_is_our_own_earlier_request() -> None:
    with pytest.raises(AlreadyAcceptedError):
        created(fixture("error_1201_external_id_exists"), 400)


def test_a_wrong_value_that_speaks_of_something_else_is_a_refusal() -> None:
    with pytest.raises(ProviderRefusedError):
        created({"code": 1201, "message": "model_name value 'x' is invalid"}, 400)


@pytest.mark.parametrize(
    "document", [{"task_result": {"a": [1], "a/b": [{"url": ""}]}}, {"task_result": {"a": {"b": [1]}}}, {"task_result": 1}, {}]
)
def test_a_path_that_version_0_2_0_stored_with_a_slash_in_a_name_breaks_no_view(document: dict[str, Any]) -> None:
    result = Result(path="task_result/a/b/0/url", kind="file", url="https://c/1")
    task = task_of(status=Status.SUCCEED, results=(result,), document=document)
    assert KLING.view(task, {result.path: "https://ours/1"})["task_status"] == "succeed"


def test_a_message_of_any_length_is_cut() -> None:
    with pytest.raises(ProviderRefusedError) as caught:
        created({"code": 1201, "message": "x" * 10_000}, 400)

    assert len(caught.value.message) == 500


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"code": 1201, "message": "task_not_exist"}),
        (404, {"code": 1203, "message": "The requested resource does not exist"}),
        (200, {"code": 1203, "message": "The requested resource does not exist"}),
        (400, {"code": "task_not_exist", "message": "任务不存在", "data": None}),
        (400, {"code": 1200, "message": "Task Not Found"}),
        (404, {"code": 404, "message": "no such thing"}),
    ],
)
def test_a_task_that_the_provider_does_not_know_is_missing(status: int, body: object) -> None:
    with pytest.raises(ProviderTaskMissingError):
        queried(body, status)


@pytest.mark.parametrize(
    ("status", "body", "meaning"),
    [
        (404, b"<html><h1>404 Not Found</h1></html>", ProviderRefusedError),
        (404, b"", ProviderRefusedError),
        (404, {"message": "no Route matched with those values"}, ProviderRefusedError),
        (404, {"error": {"code": "invalid_request", "message": "Invalid URL (GET /kling/v1/x)"}}, ProviderRefusedError),
        (301, b"", OperatorFaultError),
        (401, {"code": 1002, "message": "Authorization is not valid"}, OperatorFaultError),
        (429, {"code": 1302, "message": "rate"}, ProviderBusyError),
        (500, {"code": 5000, "message": "internal"}, OutcomeUnknownError),
        (502, b"<html>", OutcomeUnknownError),
    ],
)
def test_only_the_providers_own_word_makes_a_task_missing(status: int, body: object, meaning: type[ProviderError]) -> None:
    with pytest.raises(ProviderError) as caught:
        queried(body, status)

    assert type(caught.value) is meaning


# view, refusal


def test_a_task_is_shown_with_our_ids_and_times_and_everything_else_as_it_came() -> None:
    task = succeeded(
        final_unit_deduction="1",
        task_info={"external_task_id": "the-gateways-id", "parent_video": {"id": "p", "url": "https://c/p.mp4"}},
        watermark_info={"enabled": False},
    )

    assert KLING.view(task, {"task_result/videos/0/url": "https://bucket.example/0.mp4"}) == {
        "task_id": task.task_id,
        "task_status": "succeed",
        "task_status_msg": "",
        "task_info": {"external_task_id": "ours", "parent_video": {"id": "p", "url": "https://c/p.mp4"}},
        "task_result": {"videos": [{"id": "v-1", "url": "https://bucket.example/0.mp4", "duration": "5.1"}]},
        "final_unit_deduction": "1",
        "watermark_info": {"enabled": False},
        "created_at": NOON,
        "updated_at": NOON + 5,
    }


def test_a_task_without_an_external_id_shows_none() -> None:
    task = task_of().moved_to(Change.reported(received(task_info={"external_task_id": "the-gateways-id"})), at=NOON)

    assert KLING.view(task, {"task_result/videos/0/url": "u"})["task_info"] == {}


def test_a_new_task_is_shown_without_results() -> None:
    shown = KLING.view(task_of(), {})

    assert (shown["task_status"], shown["task_info"]) == ("submitted", {})
    assert "task_result" not in shown


def test_showing_a_task_does_not_change_it() -> None:
    task = succeeded()
    before = json.dumps(task.document)

    KLING.view(task, {"task_result/videos/0/url": "signed"})

    assert json.dumps(task.document) == before


@pytest.mark.parametrize(
    ("http_status", "code", "expected"),
    [
        (400, 1201, (400, 1201)),
        (500, 1201, (400, 1201)),
        (503, 0, (400, 1200)),
        (200, 1301, (400, 1301)),
        (404, 1203, (404, 1203)),
        (301, 0, (400, 1200)),
        (403, -1, (403, 1200)),
        (0, 0, (400, 1200)),
    ],
)
def test_a_refusal_is_passed_on(http_status: int, code: int, expected: tuple[int, int]) -> None:
    failure = Failure(code=FailureCode.REJECTED, message="the reason", provider_code=code, http_status=http_status)

    assert KLING.refusal(failure) == (*expected, "the reason")


def test_a_refusal_of_our_own_key_that_version_0_2_0_stored_is_not_blamed_on_the_client() -> None:
    failure = Failure(code=FailureCode.REJECTED, message="sk-123 is invalid", provider_code=1002, http_status=401)

    status, shown, message = KLING.refusal(failure)

    assert (status, shown) == (502, 5000)
    assert "sk-123" not in message
