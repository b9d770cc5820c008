"""Each operation, smallest and fullest, from the request to the stored files."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from local.gateway import EventLog, Gateway
from local.simulator import Controls
from relay.providers.kling.translator import Kling
from tests.e2e.conftest import PATIENCE

BODIES = Path(__file__).parent.parent / "fixtures" / "kling" / "requests"
UNKNOWN = "general/custom-voices"
AT_ONCE = "videos/image-recognize"
KINDS = [(operation, size) for operation in [*Kling.operations, UNKNOWN] for size in ("smallest", "fullest")]
_CLIENTS = 4
"""Requests at the same time: the emulator keeps a process for each concurrent invocation."""


def _body(operation: str, size: str, video: str) -> dict[str, Any]:
    """The documented body, about the video that this provider has and with an id of its own."""
    if operation == UNKNOWN:
        return {"voice_name": size, "voice_url": "https://example.com/ann.mp3"}
    body: dict[str, Any] = json.loads((BODIES / f"{operation.replace('/', '_')}.{size}.json").read_text())
    for holder in (body, body.get("input", {})):
        if "video_id" in holder:
            holder["video_id"] = video
    if "external_task_id" in body:
        body["external_task_id"] += f"-{uuid.uuid4().hex[:8]}"
    return body


@pytest.fixture(scope="module")
def created(gateway: Gateway, simulator: Controls, events: EventLog) -> dict[tuple[str, str], dict[str, Any]]:
    """One task of each operation, smallest and fullest, all at their end: the answers to their creation."""
    simulator.clear_faults()
    video = simulator.state(hashes=False)["settings"]["seed_video_id"]
    with ThreadPoolExecutor(_CLIENTS) as pool:
        answers = list(pool.map(lambda kind: gateway.submit(kind[0], _body(kind[0], kind[1], video)), KINDS))
    events.wait_for([answer["task_id"] for answer in answers], timeout=3 * PATIENCE)
    return dict(zip(KINDS, answers, strict=True))


@pytest.mark.parametrize(("operation", "size"), KINDS)
def test_an_operation_goes_the_whole_way(
    operation: str,
    size: str,
    created: dict[tuple[str, str], dict[str, Any]],
    gateway: Gateway,
    provider: Controls,
    events: EventLog,
) -> None:
    task_id = created[operation, size]["task_id"]
    assert created[operation, size]["task_status"] == "submitted"
    told = events.of(task_id)
    assert [event["detail"]["version"] for event in told] == list(range(1, len(told) + 1))
    kinds = [event["detail-type"] for event in told if event["detail-type"] != "Task Results Delayed"]  # on a slow machine
    assert kinds == ["Task Status Changed"] * (len(kinds) - 1) + ["Task Results Stored"]
    statuses = [event["detail"]["status"] for event in told]
    assert statuses in (["submitted", "processing", "succeed", "succeed"], ["submitted", "succeed", "succeed"]), (
        "of many callbacks at once, succeed may overtake processing"
    )
    assert {event["detail"]["operation"] for event in told} == {operation}
    stored = gateway.task(task_id)["results"]
    made = provider.task(task_id)["results"]
    if len(stored) < len(made):  # a callback never carries the watermarked copies; a query, if it comes first, does
        made = [file for file in made if file["field"] != "watermark_url"]
    served = [(file["bytes"], file["sha256"], file["media_type"]) for file in made]
    assert served
    assert [(file["bytes"], file["sha256"], file["media_type"]) for file in stored] == served
    downloads = [gateway.download(file["url"]) for file in stored]
    assert [(len(download.content), download.sha256, download.media_type) for download in downloads] == served
    assert provider.state(hashes=False)["paid"][task_id] == 1


def test_sounds_are_stored_as_what_they_are(created: dict[tuple[str, str], dict[str, Any]], gateway: Gateway) -> None:
    for operation in ("audio/text-to-audio", "audio/video-to-audio"):
        results = gateway.task(created[operation, "fullest"]["task_id"])["results"]
        assert [(file["kind"], file["media_type"]) for file in results] == [("audio", "audio/mpeg"), ("audio", "audio/wav")]
        assert [file["key"].rpartition(".")[2] for file in results] == ["mp3", "wav"]


@pytest.mark.parametrize("operation", ["videos/avatar/image2video", "images/editing/expand", "audio/text-to-audio", UNKNOWN])
def test_a_task_and_the_list_are_found_below_its_path(
    operation: str, created: dict[tuple[str, str], dict[str, Any]], gateway: Gateway
) -> None:
    ids = [created[operation, size]["task_id"] for size in ("smallest", "fullest")]
    for prefix in ("/kling/v1/", "/v1/"):
        one = gateway.request("GET", f"{prefix}{operation}/{ids[0]}").json()["data"]
        assert (one["task_id"], one["task_status"]) == (ids[0], "succeed")
        pages = [gateway.request("GET", f"{prefix}{operation}?pageNum={n}&pageSize=1").json()["data"] for n in (1, 2)]
        shown = [(task["created_at"], task["task_id"]) for page in pages for task in page]
        assert {task_id for _, task_id in shown} == set(ids)
        assert shown == sorted(shown, reverse=True)


def test_what_the_provider_answers_at_once_is_passed_back(gateway: Gateway, provider: Controls) -> None:
    before = provider.state(hashes=False)
    for name, operation in Kling.synchronous.items():
        if operation.method == "POST":
            body = json.loads((BODIES / "synchronous" / f"{name.replace('/', '_')}.json").read_text())
            answer = gateway.request("POST", f"/kling/v1/{name}", json=body)
            assert (answer.status_code, answer.json()["code"]) == (200, 0), answer.text
            assert answer.json()["data"]
    after = provider.state(hashes=False)
    assert after["answered_at_once"] - before["answered_at_once"] == len(Kling.synchronous) - 1
    assert len(after["tasks"]) == len(before["tasks"])


@pytest.mark.usefixtures("provider")
@pytest.mark.parametrize("path", ["/account/costs", "/kling/account/costs", "/v1/account/costs", "/kling/v1/account/costs"])
def test_the_costs_of_the_account_are_the_providers(path: str, gateway: Gateway) -> None:
    answer = gateway.request("GET", f"{path}?start_time=1722769557708&end_time=1722855957708")
    (pack,) = answer.json()["data"]["resource_pack_subscribe_infos"]
    assert (pack["effective_time"], pack["invalid_time"]) == (1722769557708, 1722855957708)
    assert gateway.request("GET", path).json()["message"] == "start_time is required", "the provider's own refusal"


def test_a_call_of_unknown_outcome_is_not_repeated(gateway: Gateway, provider: Controls) -> None:
    provider.fault("close", operation="audio/tts", next=1)
    before = provider.state(hashes=False)["answered_at_once"]
    body = {"text": "Hello", "voice_id": "v", "voice_language": "en"}
    answer = gateway.request("POST", "/v1/audio/tts", json=body)
    assert (answer.status_code, answer.json()["code"]) == (504, 5002)
    assert "may have executed and billed" in answer.json()["message"]
    assert provider.state(hashes=False)["answered_at_once"] == before + 1


def test_an_unknown_operation_that_is_answered_at_once_leaves_nothing_to_wait_for(
    gateway: Gateway, provider: Controls, events: EventLog
) -> None:
    before = provider.state(hashes=False)["answered_at_once"]
    key = {"Idempotency-Key": f"once-{uuid.uuid4().hex}"}
    body = {"image": "https://example.com/cat.png"}
    first, again = (gateway.request("POST", f"/kling/v1/{AT_ONCE}", json=body, headers=key) for _ in range(2))
    assert first.json() == again.json()
    assert first.json()["data"]["task_result"]["images"]
    assert provider.state(hashes=False)["answered_at_once"] == before + 1
    (task,) = gateway.request("GET", f"/tasks?operation={AT_ONCE}&limit=1").json()["data"]["tasks"]
    assert (task["status"], task["failure"]["code"]) == ("failed", "answered")
    events.wait_for([task["task_id"]], timeout=PATIENCE)


@pytest.mark.usefixtures("provider")
def test_a_task_that_the_provider_fails_is_failed_with_its_reason(gateway: Gateway, events: EventLog) -> None:
    task_id = gateway.submit("videos/text2video", {"prompt": "[risk] nothing that may be shown"})["task_id"]
    events.wait_for([task_id], timeout=PATIENCE)
    task = gateway.task(task_id)
    assert (task["status"], task["failure"]["code"]) == ("failed", "provider")
    assert "risk control" in task["status_message"]
    assert [event["detail"]["version"] for event in events.of(task_id)] == [1, 2, 3]


def test_polling_as_a_kling_client_does_ends_in_a_url_with_the_very_bytes(
    gateway: Gateway, provider: Controls, events: EventLog
) -> None:
    external = f"poll-{uuid.uuid4().hex}"
    created = gateway.submit("videos/text2video", {"prompt": "A cat", "external_task_id": external})
    events.wait_for([created["task_id"]], timeout=PATIENCE)
    for reference in (created["task_id"], external):
        data = gateway.request("GET", f"/v1/videos/text2video/{reference}").json()["data"]
        assert data["task_status"] == "succeed"
        assert data["task_info"] == {"external_task_id": external}
        video = data["task_result"]["videos"][0]
        truth = provider.task(created["task_id"])["results"][0]
        assert gateway.download(video["url"]).sha256 == truth["sha256"]
        assert (video["id"], video["duration"]) == (truth["id"], truth["duration"])


@pytest.mark.usefixtures("provider")
def test_lists_show_the_newest_first(gateway: Gateway) -> None:
    made = [gateway.submit("images/generations", {"prompt": f"cat {number}"})["task_id"] for number in range(3)]
    listed = gateway.request("GET", "/kling/v1/images/generations?pageNum=1&pageSize=2").json()["data"]
    following = gateway.request("GET", "/kling/v1/images/generations?pageNum=2&pageSize=2").json()["data"]
    assert [task["task_id"] for task in listed] == made[:0:-1]
    assert following[0]["task_id"] == made[0]
    page = gateway.request("GET", "/tasks?operation=images/generations&limit=1").json()["data"]
    after = gateway.request("GET", f"/tasks?limit=1&cursor={page['cursor'].replace('#', '%23')}").json()["data"]
    assert page["tasks"][0]["task_id"] == made[2]
    assert after["tasks"][0]["task_id"] == made[1]
