"""Synchronous operations: their responses, what they refuse, and their faults."""

from typing import Any

import httpx
import pytest

from local.simulator import Controls
from local.simulator.protocol.kling.synchronous import SYNCHRONOUS

URL = "https://example.com/a.mp4"
POINTS = {"session_id": "s", "frame_index": 1, "points": [{"x": 0.5, "y": 1}]}
SPEECH = {"text": "Hello", "voice_id": "v", "voice_language": "en"}
BODIES: dict[str, dict[str, Any]] = {
    "videos/identify-face": {"video_url": URL},
    "videos/multi-elements/init-selection": {"video_id": "v"},
    "videos/multi-elements/add-selection": POINTS,
    "videos/multi-elements/delete-selection": POINTS,
    "videos/multi-elements/clear-selection": {"session_id": "s"},
    "videos/multi-elements/preview-selection": {"session_id": "s"},
    "videos/image-recognize": {"image": URL},
    "audio/tts": SPEECH,
}


def test_every_endpoint_has_a_legal_body_here() -> None:
    assert set(BODIES) == set(SYNCHRONOUS)


@pytest.mark.parametrize("path", BODIES)
def test_a_legal_body_is_answered_and_leaves_no_task(simulator: Controls, provider: httpx.Client, path: str) -> None:
    answer = provider.post(f"/{path}", json=BODIES[path])
    assert (answer.status_code, answer.json()["code"]) == (200, 0)
    assert "task_id" not in answer.json()["data"]
    state = simulator.state()
    assert (state["tasks"], state["answered_at_once"]) == ([], 1)


@pytest.mark.parametrize(
    ("path", "patch", "code"),
    [
        ("videos/identify-face", {"video_id": "v"}, 1201),
        ("videos/multi-elements/add-selection", {"points": [{"x": 2, "y": 0}]}, 1201),
        ("videos/multi-elements/clear-selection", {"session_id": ""}, 1200),
        ("audio/tts", {"text": "x" * 1001}, 1201),
        ("audio/tts", {"voice_language": "fr"}, 1201),
    ],
)
def test_an_illegal_body_is_refused(provider: httpx.Client, path: str, patch: dict[str, Any], code: int) -> None:
    answer = provider.post(f"/{path}", json=BODIES[path] | patch)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


@pytest.mark.parametrize(("accept", "done"), [(False, 0), (True, 1)])
def test_a_fault_comes_before_or_after_it_is_done(simulator: Controls, provider: httpx.Client, accept: bool, done: int) -> None:
    simulator.fault("http_error", operation="audio/tts", next=1, params={"status": 502, "accept": accept})
    assert provider.post("/audio/tts", json=SPEECH).status_code == 502
    assert simulator.state()["answered_at_once"] == done
    assert provider.post("/audio/tts", json=SPEECH).status_code == 200


@pytest.mark.parametrize("path", ["/account/costs", "/kling/account/costs"])
def test_the_costs_need_a_time(simulator: Controls, path: str) -> None:
    url = f"{simulator.url}{path}"
    times = {"start_time": "1", "end_time": "2"}
    answer = httpx.get(url, params=times, headers=simulator.headers, trust_env=False).json()
    assert answer["data"]["resource_pack_subscribe_infos"][0]["remaining_quantity"] == 1000
    assert httpx.get(url, headers=simulator.headers, trust_env=False).json()["code"] == 1200
