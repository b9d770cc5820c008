"""Kling's API: authentication, create, query, list, concurrency and the progress of a task."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.simulator import Controls, running
from tests.unit.local.simulator.receiver import Receiver
from tests.unit.local.simulator.test_operations import GOOD

CLIP = {"prompt": "a cat"}
T2V = "/videos/text2video"
FIXTURES = Path(__file__).parents[3] / "fixtures" / "kling"


def made(answer: httpx.Response) -> dict[str, Any]:
    """The data of a good answer."""
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["code"] == 0
    assert body["message"] == "SUCCEED"
    assert body["request_id"]
    data: dict[str, Any] = body["data"]
    return data


def refused(answer: httpx.Response) -> tuple[int, int, str]:
    """HTTP status, code and message of a refusal in the provider's envelope."""
    body = answer.json()
    assert set(body) == {"code", "message", "request_id"}
    return answer.status_code, body["code"], body["message"]


@pytest.mark.parametrize(
    ("headers", "code"),
    [({}, 1001), ({"Authorization": ""}, 1001), ({"Authorization": "Bearer no"}, 1002), ({"Authorization": "k"}, 1002)],
)
def test_a_request_without_the_key_is_401(simulator: Controls, headers: dict[str, str], code: int) -> None:
    for answer in (
        httpx.post(f"{simulator.url}/kling/v1{T2V}", json=CLIP, headers=headers, trust_env=False),
        httpx.get(f"{simulator.url}/v1{T2V}/1", headers=headers, trust_env=False),
        httpx.get(f"{simulator.url}/account/costs", headers=headers, trust_env=False),
    ):
        assert refused(answer)[:2] == (401, code)
    assert simulator.state()["tasks"] == []


def test_a_create_is_answered_as_documented(provider: httpx.Client) -> None:
    task = made(provider.post(T2V, json=CLIP | {"external_task_id": "mine"}))
    assert set(task) == {"task_id", "task_status", "task_info", "created_at", "updated_at"}
    assert re.fullmatch(r"\d{18,19}", task["task_id"])
    assert task["task_status"] == "submitted"
    assert task["task_info"] == {"external_task_id": "mine"}
    assert task["created_at"] == task["updated_at"] > 1_700_000_000_000
    bare = made(provider.post(T2V, json=CLIP))
    assert set(bare) == set(json.loads((FIXTURES / "create_i2v_submitted.json").read_text())["data"])


def test_both_prefixes_reach_the_same_account(simulator: Controls, provider: httpx.Client) -> None:
    task = made(provider.post(f"{simulator.url}/v1{T2V}", json=CLIP))
    assert made(provider.get(f"{T2V}/{task['task_id']}"))["task_id"] == task["task_id"]


@pytest.mark.parametrize(
    ("body", "code"),
    [({}, 1200), ({"prompt": "a", "mode": "x"}, 1201), ({"prompt": "a", "model_name": "gpt"}, 1203)],
)
def test_an_illegal_create_makes_no_task(simulator: Controls, provider: httpx.Client, body: dict[str, str], code: int) -> None:
    status, answered, _ = refused(provider.post(T2V, json=body))
    assert (status, answered) == (404 if code == 1203 else 400, code)
    assert simulator.state()["tasks"] == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'"text"'])
def test_a_body_that_is_no_json_object_is_1200(provider: httpx.Client, content: bytes) -> None:
    assert refused(provider.post(T2V, content=content))[:2] == (400, 1200)


def test_an_unknown_path_or_method_is_1202(provider: httpx.Client) -> None:
    for answer in (
        provider.post("/videos/text3video", json=CLIP),
        provider.get("/videos/text3video/1"),
        provider.put(T2V, json=CLIP),
        provider.delete(f"{T2V}/1"),
    ):
        assert refused(answer)[:2] == (404, 1202)


def test_an_external_task_id_is_taken_once(simulator: Controls, provider: httpx.Client) -> None:
    made(provider.post(T2V, json=CLIP | {"external_task_id": "e"}))
    again = refused(provider.post("/images/generations", json=CLIP | {"external_task_id": "e"}))
    assert again == (400, 1201, "External_task_id e already exists")
    assert simulator.state()["paid"] == {"e": 1}


def test_where_external_ids_are_not_unique_a_second_task_is_paid(simulator: Controls, provider: httpx.Client) -> None:
    simulator.settings(unique_external_ids=False)
    first, second = (made(provider.post(T2V, json=CLIP | {"external_task_id": "e"})) for _ in range(2))
    assert first["task_id"] != second["task_id"]
    assert simulator.state()["paid"] == {"e": 2}
    assert made(provider.get(f"{T2V}/e"))["task_id"] == second["task_id"]


def test_a_task_is_found_by_either_id_under_its_own_path_only(provider: httpx.Client) -> None:
    task = made(provider.post(T2V, json=CLIP | {"external_task_id": "e"}))
    for identifier in (task["task_id"], "e"):
        assert made(provider.get(f"{T2V}/{identifier}"))["task_id"] == task["task_id"]
        assert refused(provider.get(f"/videos/image2video/{identifier}")) == (400, 1201, "task_not_exist")
    assert refused(provider.get(f"{T2V}/unknown")) == (400, 1201, "task_not_exist")


def test_lists_are_newest_first_and_paged(provider: httpx.Client) -> None:
    ids = [made(provider.post(T2V, json=CLIP))["task_id"] for _ in range(5)]
    made(provider.post("/images/generations", json=CLIP))

    def page(**query: int) -> list[str]:
        data: Any = made(provider.get(T2V, params=query))
        return [task["task_id"] for task in data]

    assert page() == ids[::-1]
    assert page(pageNum=2, pageSize=2) == [ids[2], ids[1]]
    assert page(pageNum=4, pageSize=2) == []
    assert refused(provider.get(T2V, params={"pageSize": 501}))[:2] == (400, 1201)
    assert refused(provider.get(T2V, params={"pageNum": 0}))[:2] == (400, 1201)


def test_a_task_goes_its_way_one_step_at_a_time(simulator: Controls, provider: httpx.Client) -> None:
    simulator.settings(speed=0)
    task_id = made(provider.post(T2V, json=CLIP))["task_id"]
    seen = [made(provider.get(f"{T2V}/{task_id}"))]
    for _ in range(2):
        simulator.advance(task_id)
        seen.append(made(provider.get(f"{T2V}/{task_id}")))
    assert [each["task_status"] for each in seen] == ["submitted", "processing", "succeed"]
    assert [each["task_result"] for each in seen[:2]] == [{}, {}]
    assert seen[0]["updated_at"] <= seen[1]["updated_at"] <= seen[2]["updated_at"]
    assert seen[2]["final_unit_deduction"] == "1"
    with pytest.raises(httpx.HTTPStatusError):
        simulator.advance(task_id, status="failed")


def test_speed_divides_the_time_that_a_task_takes(simulator: Controls, provider: httpx.Client) -> None:
    simulator.settings(speed=100.0)
    task_id = made(provider.post(T2V, json=CLIP))["task_id"]
    simulator.settle()
    task = simulator.task(task_id)
    assert 40 <= task["updated_at"] - task["created_at"] < 1_000


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (T2V, {"prompt": "a [risk] cat"}),
        (T2V, {"prompt": "a cat", "negative_prompt": "[risk]"}),
        (
            "/videos/lip-sync",
            {
                "input": {
                    "video_id": "sim-video-0000",
                    "mode": "text2video",
                    "text": "[risk]",
                    "voice_id": "a",
                    "voice_language": "en",
                }
            },
        ),
    ],
)
def test_a_risky_text_fails(simulator: Controls, provider: httpx.Client, path: str, body: dict[str, Any]) -> None:
    task_id = made(provider.post(path, json=body))["task_id"]
    simulator.settle()
    task = made(provider.get(f"{path}/{task_id}"))
    assert task["task_status"] == "failed"
    assert task["task_status_msg"] == "Failure to pass the risk control system"
    assert task["task_result"] == {}


def test_image_tasks_make_as_many_images_as_asked_for(simulator: Controls, provider: httpx.Client) -> None:
    task_id = made(provider.post("/images/generations", json=CLIP | {"n": 3}))["task_id"]
    simulator.settle()
    images = made(provider.get(f"/images/generations/{task_id}"))["task_result"]["images"]
    assert [set(each) for each in images] == [{"index", "url"}] * 3
    assert [each["index"] for each in images] == [0, 1, 2]
    assert len({provider.get(each["url"]).content for each in images}) == 3


def test_a_clip_is_an_id_a_url_and_a_duration_in_a_string(simulator: Controls, provider: httpx.Client) -> None:
    task_id = made(provider.post(T2V, json=CLIP | {"duration": 10, "watermark_info": {"enabled": True}}))["task_id"]
    simulator.settle()
    task = made(provider.get(f"{T2V}/{task_id}"))
    (video,) = task["task_result"]["videos"]
    assert set(video) == {"id", "url", "watermark_url", "duration"}
    assert video["duration"] == "10"
    assert task["watermark_info"] == {"enabled": True}
    assert provider.get(video["watermark_url"]).content != provider.get(video["url"]).content


def test_sounds_come_as_mp3_and_wav(simulator: Controls, provider: httpx.Client) -> None:
    task_id = made(provider.post("/audio/text-to-audio", json={"prompt": "rain", "duration": 4}))["task_id"]
    simulator.settle()
    (sound,) = made(provider.get(f"/audio/text-to-audio/{task_id}"))["task_result"]["audios"]
    assert set(sound) == {"id", "url_mp3", "url_wav", "duration_mp3", "duration_wav"}
    assert provider.get(sound["url_mp3"]).content.startswith(b"ID3")
    assert provider.get(sound["url_wav"]).content.startswith(b"RIFF")


def test_a_video_can_be_extended_and_the_extension_again(simulator: Controls, provider: httpx.Client) -> None:
    task_id = made(provider.post(T2V, json=CLIP))["task_id"]
    simulator.settle()
    (video,) = made(provider.get(f"{T2V}/{task_id}"))["task_result"]["videos"]
    for duration in ("10", "15"):
        task_id = made(provider.post("/videos/video-extend", json={"video_id": video["id"]}))["task_id"]
        simulator.settle()
        task = made(provider.get(f"/videos/video-extend/{task_id}"))
        assert task["task_info"]["parent_video"] == video
        (video,) = task["task_result"]["videos"]
        assert video["duration"] == duration


def test_only_videos_of_the_first_models_can_be_extended(simulator: Controls, provider: httpx.Client) -> None:
    task_id = made(provider.post(T2V, json=CLIP | {"model_name": "kling-v2-6"}))["task_id"]
    simulator.settle()
    video_id = simulator.task(task_id)["results"][0]["id"]
    assert refused(provider.post("/videos/video-extend", json={"video_id": video_id}))[:2] == (400, 1201)


def test_a_video_can_be_extended_to_three_minutes_and_no_further(simulator: Controls, provider: httpx.Client) -> None:
    simulator.settings(speed=0)
    video_id, extend = "sim-video-0000", "/videos/video-extend"
    for _ in range(35):
        task_id = made(provider.post(extend, json={"video_id": video_id}))["task_id"]
        result = simulator.advance(task_id, status="succeed")["results"][0]
        video_id = result["id"]
    assert result["duration"] == "180"
    assert refused(provider.post(extend, json={"video_id": video_id}))[:2] == (400, 1201)


def test_lip_sync_names_the_video_that_it_started_from(simulator: Controls, provider: httpx.Client) -> None:
    speech = {"mode": "text2video", "text": "hi", "voice_id": "a", "voice_language": "en"}
    body = {"input": speech | {"video_id": "sim-video-0000"}}
    task_id = made(provider.post("/videos/lip-sync", json=body))["task_id"]
    simulator.settle()
    parent = made(provider.get(f"/videos/lip-sync/{task_id}"))["task_info"]["parent_video"]
    assert parent["id"] == "sim-video-0000"
    assert provider.get(parent["url"]).content[4:8] == b"ftyp"


@pytest.mark.parametrize("path", ["/videos/video-extend", "/videos/lip-sync"])
def test_an_unknown_video_is_refused(simulator: Controls, provider: httpx.Client, path: str) -> None:
    speech = {"mode": "text2video", "text": "hi", "voice_id": "a", "voice_language": "en", "video_id": "gone"}
    body = {"video_id": "gone"} if path.endswith("extend") else {"input": speech}
    assert refused(provider.post(path, json=body)) == (400, 1201, "From video not found by id: gone")
    assert simulator.state()["tasks"] == []


def test_every_operation_runs_to_its_end(simulator: Controls, provider: httpx.Client) -> None:
    for path, body in GOOD:
        known = json.loads(json.dumps(body).replace('"video_id": "v"', '"video_id": "sim-video-0000"'))
        made(provider.post(f"/{path}", json=known))
    state = simulator.settle()
    assert [task["status"] for task in state["tasks"]] == ["succeed"] * len(GOOD)
    assert all(task["results"] for task in state["tasks"])


def test_slots_are_held_until_the_end_and_an_image_task_holds_n(simulator: Controls, provider: httpx.Client) -> None:
    simulator.settings(speed=0, concurrency={"video": 1, "image": 3})
    clip = made(provider.post(T2V, json=CLIP))["task_id"]
    limit = (429, 1303, "parallel task over resource pack limit")
    assert refused(provider.post("/videos/image2video", json={"image": "https://example.com/a.png"})) == limit
    pictures = made(provider.post("/images/generations", json=CLIP | {"n": 2}))["task_id"]
    assert refused(provider.post("/images/generations", json=CLIP | {"n": 2})) == limit
    assert simulator.state()["slots"] == {"video": 1, "image": 2}
    simulator.advance(clip)
    assert refused(provider.post(T2V, json=CLIP)) == limit
    simulator.advance(clip, status="failed")
    simulator.advance(pictures, status="succeed")
    assert simulator.state()["slots"] == {"video": 0, "image": 0}
    made(provider.post(T2V, json=CLIP))


def test_wrapped_queries_have_the_older_shape(simulator: Controls, provider: httpx.Client) -> None:
    simulator.settings(wrapped_queries=True, speed=0)
    task_id = made(provider.post(T2V, json=CLIP))["task_id"]
    statuses = []
    for step in range(3):
        if step:
            simulator.advance(task_id)
        body = provider.get(f"{T2V}/{task_id}").json()
        assert body["code"] == "success"
        statuses.append((body["data"]["status"], body["data"]["progress"]))
    assert statuses == [("SUBMITTED", "0%"), ("IN_PROGRESS", "50%"), ("SUCCESS", "100%")]
    assert body["data"]["action"] == "TEXT2VIDEO"
    assert body["data"]["data"]["code"] == 0
    assert body["data"]["data"]["data"]["task_result"]["videos"]
    missing = provider.get(f"{T2V}/none")
    assert (missing.status_code, missing.json()["code"]) == (400, "task_not_exist")


def test_costs_are_plain(simulator: Controls, provider: httpx.Client) -> None:
    made(provider.post(T2V, json=CLIP))
    (pack,) = made(provider.get(f"{simulator.url}/account/costs?start_time=1&end_time=2"))["resource_pack_subscribe_infos"]
    assert pack["remaining_quantity"] == pack["total_quantity"] - 1


def test_a_large_request_is_taken(provider: httpx.Client) -> None:
    made(provider.post("/videos/image2video", json={"image": "AAAA" * 2_000_000}))


def test_the_seed_decides_everything(socket_enabled: None, receiver: Receiver) -> None:  # noqa: ARG001
    def run(seed: int) -> list[dict[str, Any]]:
        with running(seed=seed, speed=1000.0, failure_rate=0.5) as simulator:
            for _ in range(8):
                httpx.post(f"{simulator.url}/v1{T2V}", json=CLIP, headers=simulator.headers, trust_env=False)
            tasks = simulator.settle()["tasks"]
        kept = ("task_id", "status", "message")
        files = [[(r["id"], r["sha256"]) for r in task["results"]] for task in tasks]
        return [{name: task[name] for name in kept} | {"f": f} for task, f in zip(tasks, files, strict=True)]

    first = run(7)
    assert run(7) == first
    assert run(8) != first
    assert {task["status"] for task in first} == {"succeed", "failed"}
    assert receiver.bodies == []
