"""Each operation, smallest and fullest, from the request to the stored files."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from local.gateway import EventLog, Gateway
from local.simulator import Controls
from tests.e2e.conftest import PATIENCE

BODIES = Path(__file__).parent.parent / "fixtures" / "kling" / "requests"
OPERATIONS = [
    "images/generations",
    "videos/text2video",
    "videos/image2video",
    "videos/video-extend",
    "images/kolors-virtual-try-on",
    "videos/lip-sync",
]


def _body(operation: str, size: str, provider: Controls) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((BODIES / f"{operation.replace('/', '_')}.{size}.json").read_text())
    video = provider.state(hashes=False)["settings"]["seed_video_id"]
    for holder in (body, body.get("input", {})):
        if "video_id" in holder:
            holder["video_id"] = video  # the one that this provider has
    if "external_task_id" in body:
        body["external_task_id"] += f"-{uuid.uuid4().hex[:8]}"
    return body


@pytest.mark.parametrize("size", ["smallest", "fullest"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_goes_the_whole_way(
    operation: str, size: str, gateway: Gateway, provider: Controls, events: EventLog
) -> None:
    body = _body(operation, size, provider)
    created = gateway.submit(operation, body)
    task_id = created["task_id"]
    assert created["task_status"] == "submitted"

    events.wait_for([task_id], timeout=PATIENCE)

    told = events.of(task_id)
    assert [event["detail"]["version"] for event in told] == [1, 2, 3, 4]
    assert [event["detail-type"] for event in told] == ["Task Status Changed"] * 3 + ["Task Results Stored"]
    assert [event["detail"]["status"] for event in told] == ["submitted", "processing", "succeed", "succeed"]
    served = [  # a callback never carries the watermarked copies
        (file["bytes"], file["sha256"]) for file in provider.task(task_id)["results"] if file["field"] == "url"
    ]
    stored = gateway.task(task_id)["results"]
    assert served
    assert [(file["bytes"], file["sha256"]) for file in stored] == served
    downloads = [gateway.download(file["url"]) for file in stored]
    assert [(len(download.content), download.sha256) for download in downloads] == served
    assert provider.state(hashes=False)["paid"][task_id] == 1


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
