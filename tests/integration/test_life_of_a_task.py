"""One task, through every function: what each leaves is what the next one gets."""

import httpx
import pytest

from tests.support.moto_world import PNG, MotoWorld, event, sha256, video, with_path
from tests.support.upstream import File

CASES = ["text2video", "image2video", "video_extend", "generations", "virtual_try_on", "lip_sync"]


@pytest.mark.parametrize("case", CASES)
def test_from_the_request_to_the_downloaded_bytes(world: MotoWorld, case: str) -> None:
    is_image = case in {"generations", "virtual_try_on"}
    body = PNG + b"picture" * 5000 if is_image else video(300_000)
    url = world.outside.file("result", File(body=body))
    entry = {"index": 0, "url": url} if is_image else {"id": "v-1", "url": url, "duration": "5.1"}
    kind = "images" if is_image else "videos"

    task_id = world.submitted(case)
    assert world.callback("submitted", task_id).data == {"status": "stale"}
    assert world.callback("processing", task_id).data == {"status": "applied"}
    assert world.publish() == {"batchItemFailures": []}
    assert world.callback("succeed", task_id, task_result={kind: [entry]}).data == {"status": "applied"}
    assert world.publish() == {"batchItemFailures": []}
    archives = world.messages("archives")
    assert [message["detail"]["task_id"] for message in archives] == [task_id]
    assert world.archive(task_id, messages=archives) == {"batchItemFailures": []}
    assert world.publish() == {"batchItemFailures": []}

    told = world.messages("events")
    assert [(each["detail-type"], each["detail"]["version"], each["detail"]["status"]) for each in told] == [
        ("Task Status Changed", 1, "submitted"),
        ("Task Status Changed", 2, "processing"),
        ("Task Status Changed", 3, "succeed"),
        ("Task Results Stored", 4, "succeed"),
    ]
    assert [each["detail"]["previous_status"] for each in told] == [None, "submitted", "processing", "succeed"]
    assert {each["detail"]["operation"] for each in told} == {world.task(task_id).operation}
    stored = told[-1]["detail"]["results"][0]
    assert (stored["sha256"], stored["bytes"]) == (sha256(body), len(body))

    path = f"/kling/v1/{world.task(task_id).operation}/{task_id}"
    data = world.http("query_tasks", with_path(event("query_tasks.single"), path)).data
    assert data["task_status"] == "succeed"
    (shown,) = data["task_result"][kind]
    assert {**shown, "url": url} == entry
    assert httpx.get(shown["url"], trust_env=False).content == body
    assert world.messages("archives") == []
    assert sorted(key.rsplit("/", 1)[-1] for key in world.objects()) == ["0.png" if is_image else "0.mp4", "callback.json"]
