"""The table of operations: which bodies are accepted, and with which code the others are refused."""

from typing import Any

import httpx
import pytest

from local.simulator import Controls
from local.simulator.common.errors import ProviderError
from local.simulator.protocol.kling.operations import OPERATIONS

URL = "https://example.com/a.png"
CLIP = {"prompt": "a cat"}
SPEECH = {"video_id": "v", "mode": "text2video", "text": "hi", "voice_id": "a", "voice_language": "en"}
SHOTS = {
    "model_name": "kling-v3",
    "multi_shot": "true",
    "shot_type": "customize",
    "multi_prompt": [{"index": 1, "prompt": "a", "duration": "2"}, {"index": 2, "prompt": "b", "duration": "3"}],
}
FACE = {"face_id": "1", "audio_id": "a", "sound_start_time": 0, "sound_end_time": 2000, "sound_insert_time": 0}
RATIOS = {f"{side}_expansion_ratio": 0.1 for side in ("up", "down", "left", "right")}
POINTS = [{"x": 0, "y": 0}, {"x": 5, "y": 5}]


def camera(kind: str, **config: float) -> dict[str, Any]:
    return {"camera_control": {"type": kind} | ({"config": config} if config else {})}


GOOD: list[tuple[str, dict[str, Any]]] = [
    ("images/generations", {"prompt": "a cat"}),
    ("images/generations", {"prompt": "x" * 2500, "n": 9, "aspect_ratio": "21:9", "model_name": "kling-v3"}),
    ("images/generations", {"prompt": "a", "image": "aGVsbG8=", "image_reference": "face", "model_name": "kling-v1-5"}),
    ("images/kolors-virtual-try-on", {"human_image": URL, "cloth_image": URL}),
    ("images/multi-image2image", {"subject_image_list": [{"subject_image": URL}]}),
    ("images/omni-image", {"prompt": "a", "aspect_ratio": "auto", "resolution": "4k"}),
    ("images/editing/expand", {"image": URL, **RATIOS}),
    ("videos/text2video", CLIP | {"duration": 10, "mode": "pro", "cfg_scale": 1}),
    ("videos/text2video", CLIP | {"model_name": "kling-v3", "duration": "15"}),
    ("videos/text2video", CLIP | {"callback_url": "http://127.0.0.1/", "watermark_info": {"enabled": True}}),
    ("videos/text2video", CLIP | {"voice_list": [{"voice_id": "v"}], "sound": "on"}),
    ("videos/text2video", CLIP | camera("simple", pan=-10)),
    ("videos/text2video", SHOTS),
    ("videos/image2video", {"image": URL}),
    ("videos/image2video", {"image_tail": URL, "model_name": "kling-v2-1"}),
    ("videos/image2video", {"image": URL, "dynamic_masks": [{"mask": URL, "trajectories": POINTS}]}),
    ("videos/multi-image2video", {"prompt": "a", "image_list": [{"image": URL}] * 4}),
    ("videos/video-extend", {"video_id": "v"}),
    ("videos/lip-sync", {"input": SPEECH}),
    ("videos/lip-sync", {"input": {"video_url": URL, "mode": "audio2video", "audio_type": "url", "audio_url": URL}}),
    ("videos/advanced-lip-sync", {"session_id": "s", "face_choose": [FACE]}),
    ("videos/omni-video", {"prompt": "a", "duration": "7", "image_list": [{"image_url": URL, "type": "first_frame"}]}),
    ("videos/motion-control", {"image_url": URL, "video_url": URL, "character_orientation": "image", "mode": "std"}),
    ("videos/effects", {"effect_scene": "hug", "input": {"image": [URL, URL], "duration": "10"}}),
    ("videos/avatar/image2video", {"image": URL, "audio_id": "a"}),
    ("videos/multi-elements", {"session_id": "s", "edit_mode": "removal", "prompt": "a"}),
    ("audio/text-to-audio", {"prompt": "rain", "duration": 3.0}),
    ("audio/video-to-audio", {"video_url": URL}),
    ("videos/effects", {"effect_scene": "hug", "input": {"images": [URL, URL], "duration": "10"}}),
    ("general/custom-voices", {"voice_name": "Ann", "voice_url": URL}),
]
BAD: list[tuple[str, dict[str, Any], int, str]] = [
    ("images/generations", {}, 1200, "prompt"),
    ("images/generations", {"prompt": ""}, 1200, "prompt"),
    ("images/generations", {"prompt": 7}, 1200, "prompt"),
    ("images/generations", {"prompt": "x" * 2501}, 1201, "2500"),
    ("images/generations", {"prompt": "a", "n": 0}, 1201, "n must"),
    ("images/generations", {"prompt": "a", "n": 10}, 1201, "n must"),
    ("images/generations", {"prompt": "a", "n": True}, 1200, "n must"),
    ("images/generations", {"prompt": "a", "aspect_ratio": "5:4"}, 1201, "aspect_ratio"),
    ("images/generations", {"prompt": "a", "resolution": "8k"}, 1201, "resolution"),
    ("images/generations", {"prompt": "a", "image": URL, "negative_prompt": "b"}, 1201, "negative_prompt"),
    ("images/generations", {"prompt": "a", "image": "data:image/png;base64,aGk="}, 1201, "base64"),
    ("images/generations", {"prompt": "a", "image": "AAAA" * 3_600_000}, 1201, "larger"),
    ("images/generations", {"prompt": "a", "image_reference": "face"}, 1200, "image"),
    ("images/generations", {"prompt": "a", "image": URL, "model_name": "kling-v1-5"}, 1200, "image_reference"),
    ("images/generations", {"prompt": "a", "image_fidelity": 1.5}, 1201, "image_fidelity"),
    ("images/generations", {"prompt": "a", "model_name": "kling-v9"}, 1203, "kling-v9"),
    ("images/kolors-virtual-try-on", {"human_image": URL}, 1200, "cloth_image"),
    ("images/kolors-virtual-try-on", {"cloth_image": URL}, 1200, "human_image"),
    ("images/editing/expand", {"image": URL, **RATIOS, "up_expansion_ratio": 3}, 1201, "up_expansion_ratio"),
    ("videos/text2video", {}, 1200, "prompt"),
    ("videos/text2video", CLIP | {"duration": "7"}, 1201, "duration"),
    ("videos/text2video", CLIP | {"duration": "16", "model_name": "kling-v3"}, 1201, "duration"),
    ("videos/text2video", CLIP | {"mode": "fast"}, 1201, "mode"),
    ("videos/text2video", CLIP | {"cfg_scale": 2}, 1201, "cfg_scale"),
    ("videos/text2video", CLIP | {"callback_url": "ftp://example.com"}, 1201, "callback_url"),
    ("videos/text2video", CLIP | {"watermark_info": True}, 1200, "watermark_info"),
    ("videos/text2video", CLIP | {"watermark_info": {"enabled": "perhaps"}}, 1200, "enabled"),
    ("videos/text2video", CLIP | {"voice_list": [{"voice_id": "v"}]}, 1201, "sound"),
    ("videos/text2video", CLIP | {"voice_list": [{"voice_id": "v"}] * 3, "sound": "on"}, 1201, "voice_list"),
    ("videos/text2video", CLIP | camera("simple"), 1200, "config"),
    ("videos/text2video", CLIP | camera("simple", pan=1, tilt=1), 1201, "exactly one"),
    ("videos/text2video", CLIP | camera("simple", pan=11), 1201, "pan"),
    ("videos/text2video", CLIP | camera("down_back", pan=1), 1201, "config"),
    ("videos/text2video", CLIP | camera("spiral"), 1201, "type"),
    ("videos/text2video", CLIP | {"camera_control": "simple"}, 1200, "camera_control"),
    ("videos/text2video", SHOTS | {"duration": "6"}, 1201, "add up"),
    ("videos/text2video", SHOTS | {"shot_type": None}, 1200, "prompt"),
    ("videos/text2video", CLIP | {"multi_shot": True}, 1200, "shot_type"),
    ("videos/text2video", CLIP | {"model_name": "kling-v1-5"}, 1203, "kling-v1-5"),
    ("videos/image2video", {"prompt": "a"}, 1200, "image"),
    ("videos/image2video", {"image": URL, "image_tail": URL, "static_mask": URL}, 1201, "exclude"),
    ("videos/image2video", {"image": URL, "image_tail": URL} | camera("simple", pan=1), 1201, "exclude"),
    ("videos/image2video", {"image": URL, "dynamic_masks": [{"mask": URL, "trajectories": POINTS[:1]}]}, 1201, "traj"),
    ("videos/image2video", {"image": URL, "element_list": [{"element_id": 1}] * 4}, 1201, "element_list"),
    ("videos/multi-image2video", {"prompt": "a", "image_list": [{"image": URL}] * 5}, 1201, "image_list"),
    ("videos/multi-image2video", {"prompt": "a", "image_list": [URL]}, 1200, "image_list"),
    ("videos/video-extend", {"prompt": "a"}, 1200, "video_id"),
    ("videos/lip-sync", SPEECH, 1200, "input"),
    ("videos/lip-sync", {"input": SPEECH | {"video_url": URL}}, 1201, "exclude"),
    ("videos/lip-sync", {"input": SPEECH | {"video_id": ""}}, 1200, "video_id"),
    ("videos/lip-sync", {"input": SPEECH | {"mode": "sing"}}, 1201, "mode"),
    ("videos/lip-sync", {"input": SPEECH | {"text": ""}}, 1200, "text"),
    ("videos/lip-sync", {"input": SPEECH | {"text": "x" * 121}}, 1201, "120"),
    ("videos/lip-sync", {"input": SPEECH | {"voice_speed": 2.1}}, 1201, "voice_speed"),
    ("videos/lip-sync", {"input": {"video_id": "v", "mode": "audio2video"}}, 1200, "audio_type"),
    ("videos/lip-sync", {"input": {"video_id": "v", "mode": "audio2video", "audio_type": "file"}}, 1200, "audio_file"),
    ("videos/effects", {"effect_scene": "hug", "input": {"duration": "5"}}, 1200, "image"),
    ("videos/multi-elements", {"session_id": "s", "edit_mode": "swap", "prompt": "a"}, 1200, "image_list"),
    ("videos/motion-control", {"image_url": URL, "video_url": URL, "mode": "std"}, 1200, "character_orientation"),
    ("audio/text-to-audio", {"prompt": "rain", "duration": 11}, 1201, "duration"),
    ("audio/video-to-audio", {}, 1200, "video_id"),
    ("audio/video-to-audio", {"video_url": URL, "bgm_prompt": "x" * 201}, 1201, "bgm_prompt"),
    ("images/editing/expand", {"image": URL, **RATIOS, "up_expansion_ratio": 2}, 1201, "3 times"),
    ("images/multi-image2image", {"subject_image_list": [{"subject_image": URL}], "style_image": "!"}, 1201, "style_image"),
    ("general/custom-voices", {"voice_name": "x" * 21, "voice_url": URL}, 1201, "20"),
    ("general/custom-voices", {"voice_name": "Ann"}, 1200, "voice_url"),
]


@pytest.mark.parametrize(("path", "body"), GOOD)
def test_a_legal_body_is_taken(path: str, body: dict[str, Any]) -> None:
    OPERATIONS[path].check(body)


@pytest.mark.parametrize(("path", "body", "code", "named"), BAD)
def test_an_illegal_body_is_refused_by_code_and_name(path: str, body: dict[str, Any], code: int, named: str) -> None:
    with pytest.raises(ProviderError) as refused:
        OPERATIONS[path].check(body)
    assert refused.value.code == code
    assert named in refused.value.message


def test_every_operation_has_a_legal_body_here() -> None:
    assert {path for path, _ in GOOD} == set(OPERATIONS)


def test_a_provider_that_is_not_strict_takes_everything(simulator: Controls, provider: httpx.Client) -> None:
    simulator.settings(strict=False)
    for path, body in (("videos/video-extend", {"video_id": "unknown"}), ("images/generations", {"aspect_ratio": "5:4"})):
        assert provider.post(f"/{path}", json=body).json()["code"] == 0
    simulator.settings(strict=True)
    assert provider.post("/images/generations", json={"aspect_ratio": "5:4"}).json()["code"] == 1200
