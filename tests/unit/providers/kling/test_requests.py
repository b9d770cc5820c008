"""Request models of the Kling provider: what is refused, what is only warned about, and what goes upstream."""

import json
import struct
import zlib
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.domain.errors import InvalidRequestError
from relay.providers.base import Checked
from relay.providers.kling.requests.capabilities import MODELS, RULES
from tests.unit.providers.kling.bodies import REQUESTS, URL, Body, check, fixture, refusal

GENERATE, T2V, I2V = "images/generations", "videos/text2video", "videos/image2video"
EXTEND, TRY_ON, LIP = "videos/video-extend", "images/kolors-virtual-try-on", "videos/lip-sync"
ABSENT = "a field to take out"


def patched(operation: str, patch: Mapping[str, object]) -> Body:
    """The smallest body with `patch`; for lip-sync the patch is about `input`."""
    body = fixture(operation, "smallest")
    target = body["input"] if operation == LIP else body
    target.update(patch)
    for name in [name for name, value in target.items() if value is ABSENT]:
        del target[name]
    return body


def png(width: int, height: int) -> str:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + bytes(width)) * height)
    chunks = ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    framed = (struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks)
    return b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(framed)).decode()


def jpeg(width: int, height: int, before: bytes = b"") -> str:
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\x01\x11\x00"
    segment = b"\xff\xe0" + struct.pack(">H", 16) + b"JFIF\0".ljust(14, b"\0")
    return b64encode(b"\xff\xd8" + segment + before + frame + b"\xff\xd9").decode()


PICTURE = png(300, 300)
GIF = b64encode(b"GIF89a" + bytes(30)).decode()
HUGE_IMAGE = "iVBO" * (14 * 1024 * 1024 // 4)
HUGE_AUDIO = "AAAA" * (7 * 1024 * 1024 // 4)
CAMERA = {"type": "simple", "config": {"pan": 5}}
POINTS = [{"x": 10, "y": 20}, {"x": 30, "y": 40}]
MASKS = [{"mask": URL, "trajectories": POINTS}]
SHOTS = [{"index": 1, "prompt": "a", "duration": "2"}, {"index": 2, "prompt": "b", "duration": 3}]
CUSTOM = {"multi_shot": True, "shot_type": "customize"}


@pytest.mark.parametrize("operation", REQUESTS)
@pytest.mark.parametrize("size", ["smallest", "fullest"])
def test_a_documented_body_goes_upstream_as_it_came(operation: str, size: str) -> None:
    body = fixture(operation, size)

    assert check(operation, body) == Checked(body=body, warnings=())


@pytest.mark.parametrize("operation", REQUESTS)
def test_the_fullest_body_leaves_out_only_what_excludes_something_in_it(operation: str) -> None:
    excluded = {
        GENERATE: {"negative_prompt"},
        T2V: {"camera_control"},
        I2V: {"camera_control", "image_tail", "static_mask", "dynamic_masks", "voice_list"},
        EXTEND: {"model_name"},
        "audio/video-to-audio": {"video_id"},
        "videos/avatar/image2video": {"audio_id"},
    }
    missing = set(REQUESTS[operation].model_fields) - set(fixture(operation, "fullest"))
    without_models = set() if operation in MODELS else {"model_name"}

    assert missing == excluded.get(operation, set()) | without_models


COMMON_REFUSALS: list[tuple[Body, str]] = [
    ({"model_name": 5}, "model_name: expected a text; got 5"),
    ({"callback_url": "ftp://example.com/x"}, "callback_url: expected an http or https URL; got 'ftp://example.com/x'"),
    ({"callback_url": "https:///x"}, "callback_url: expected an http or https URL"),
    ({"callback_url": "https://[::1/x"}, "callback_url: expected an http or https URL"),
    ({"callback_url": "https://example.com:99999/"}, "callback_url: expected an http or https URL"),
    ({"callback_url": "https://example.com/a b"}, "callback_url: expected an http or https URL"),
    ({"callback_url": "example"}, "callback_url: expected an http or https URL; got 7 characters"),
    ({"callback_url": f"{URL}?{'a' * 2048}"}, "callback_url: expected at most 2048 characters; got 2076"),
    ({"external_task_id": "a" * 257}, "external_task_id: expected at most 256 characters; got 257"),
    ({"external_task_id": "a\nb"}, r"external_task_id: expected printable characters; got 'a\nb'"),
    ({"watermark_info": True}, "watermark_info: expected an object; got true"),
    ({"watermark_info": {}}, "watermark_info.enabled: expected a value; got nothing"),
    ({"watermark_info": {"enabled": "yes"}}, "watermark_info.enabled: expected true or false; got 'yes'"),
    ({"watermark_info": {"enabled": 1}}, "watermark_info.enabled: expected true or false; got 1"),
]


@pytest.mark.parametrize("operation", REQUESTS)
@pytest.mark.parametrize(("patch", "message"), COMMON_REFUSALS)
def test_a_wrong_common_field_is_refused_everywhere(operation: str, patch: Body, message: str) -> None:
    assert message in refusal(operation, fixture(operation, "smallest") | patch)


VIDEO_REFUSALS: list[tuple[Body, str]] = [
    ({"prompt": ["a"]}, "prompt: expected a text; got a list"),
    ({"prompt": "a" * 2501}, "prompt: expected at most 2500 characters; got 2501"),
    ({"negative_prompt": "a" * 2501}, "negative_prompt: expected at most 2500 characters; got 2501"),
    ({"multi_shot": "maybe"}, "multi_shot: expected true or false; got 'maybe'"),
    ({"multi_shot": True}, "shot_type: expected customize or intelligence, because multi_shot is true; got nothing"),
    ({"shot_type": "auto"}, "shot_type: expected one of customize, intelligence; got 'auto'"),
    (CUSTOM, "multi_prompt: expected 1 to 6 shots, because shot_type is 'customize'; got nothing"),
    ({**CUSTOM, "multi_prompt": []}, "multi_prompt: expected 1 to 6 shots"),
    ({**CUSTOM, "multi_prompt": SHOTS[:1] * 7}, "multi_prompt: expected at most 6 items; got 7"),
    (
        {**CUSTOM, "multi_prompt": SHOTS, "duration": 10},
        "multi_prompt: expected durations with the sum of duration, 10; got 5",
    ),
    ({**CUSTOM, "multi_prompt": SHOTS[:1]}, "multi_prompt: expected durations with the sum of duration, 5; got 2"),
    ({"multi_prompt": {}}, "multi_prompt: expected a list; got an object"),
    ({"multi_prompt": [{"prompt": "a", "duration": "1"}]}, "multi_prompt[0].index: expected a value; got nothing"),
    (
        {"multi_prompt": [SHOTS[0], {**SHOTS[1], "index": "2"}]},
        "multi_prompt[1].index: expected a whole number; got '2'",
    ),
    (
        {"multi_prompt": [{**SHOTS[0], "prompt": "a" * 513}]},
        "multi_prompt[0].prompt: expected at most 512 characters; got 513",
    ),
    (
        {"multi_prompt": [{**SHOTS[0], "duration": 0}]},
        "multi_prompt[0].duration: expected whole seconds from 1 to 15; got 0",
    ),
    ({"sound": "on", "voice_list": [{"voice_id": "a"}] * 3}, "voice_list: expected at most 2 items; got 3"),
    ({"sound": "on", "voice_list": [{}]}, "voice_list[0].voice_id: expected a value; got nothing"),
    ({"voice_list": [{"voice_id": "a"}]}, "sound: expected 'on', because voice_list is set; got nothing"),
    ({"voice_list": [{"voice_id": "a"}], "sound": "off"}, "sound: expected 'on', because voice_list is set; got 'off'"),
    ({"sound": True}, "sound: expected one of on, off; got true"),
    ({"cfg_scale": 1.1}, "cfg_scale: expected a number from 0 to 1; got 1.1"),
    ({"cfg_scale": -0.1}, "cfg_scale: expected a number from 0 to 1; got -0.1"),
    ({"cfg_scale": float("nan")}, "cfg_scale: expected a number from 0 to 1; got nan"),
    ({"cfg_scale": "0.5"}, "cfg_scale: expected a number; got '0.5'"),
    ({"mode": "fast"}, "mode: expected one of std, pro, 4k; got 'fast'"),
    ({"duration": 2}, "duration: expected whole seconds from 3 to 15; got 2"),
    ({"duration": "16"}, "duration: expected whole seconds from 3 to 15; got '16'"),
    ({"duration": 5.5}, "duration: expected whole seconds from 3 to 15; got 5.5"),
    ({"duration": True}, "duration: expected whole seconds from 3 to 15; got true"),
    ({"camera_control": {}}, "camera_control.type: expected a value; got nothing"),
    (
        {"camera_control": {"type": "spin"}},
        "camera_control.type: expected one of simple, down_back, forward_up, right_turn",
    ),
    (
        {"camera_control": {"type": "simple"}},
        "camera_control.config: expected an object, because type is 'simple'; got nothing",
    ),
    (
        {"camera_control": {"type": "down_back", "config": {"pan": 1}}},
        "camera_control.config: expected no value, because type is 'down_back'; got an object",
    ),
    (
        {"camera_control": {"type": "simple", "config": {}}},
        "camera_control.config: expected exactly one non-zero value among",
    ),
    ({"camera_control": {"type": "simple", "config": {"pan": 1, "zoom": -1}}}, "roll, zoom; got pan, zoom"),
    ({"camera_control": {"type": "simple", "config": {"pan": 0}}}, "roll, zoom; got none"),
    (
        {"camera_control": {"type": "simple", "config": {"pan": 10.5}}},
        "camera_control.config.pan: expected a number from -10 to 10; got 10.5",
    ),
]

REFUSALS: list[tuple[str, Body, str]] = [
    *((operation, patch, message) for operation in (T2V, I2V) for patch, message in VIDEO_REFUSALS),
    (T2V, {"prompt": ABSENT}, "prompt: expected a text, unless shot_type is 'customize'; got nothing"),
    (T2V, {"prompt": " \n"}, "prompt: expected a text, unless shot_type is 'customize'; got nothing"),
    (T2V, {"prompt": None, "multi_shot": True, "shot_type": "intelligence"}, "prompt: expected a text, unless"),
    (T2V, {"aspect_ratio": "5:5"}, "aspect_ratio: expected one of 16:9, 9:16, 1:1; got '5:5'"),
    (T2V, {"aspect_ratio": "a" * 50}, f"got '{'a' * 40}…'"),
    (T2V, {"aspect_ratio": "5:5", "mode": "fast", "n": 0}, "got 'fast' (and 1 more)"),
    (I2V, {"image": ABSENT}, "image: expected at least one of image and image_tail; got nothing"),
    (
        I2V,
        {"image_tail": URL, "camera_control": CAMERA},
        "dynamic_masks/static_mask and camera_control; got image_tail and camera_control",
    ),
    (
        I2V,
        {"image_tail": URL, "static_mask": URL},
        "image_tail: expected one of image_tail, dynamic_masks/static_mask and",
    ),
    (I2V, {"image_tail": URL, "dynamic_masks": MASKS}, "got image_tail and dynamic_masks"),
    (I2V, {"dynamic_masks": MASKS, "camera_control": CAMERA}, "got dynamic_masks and camera_control"),
    (
        I2V,
        {"image_tail": URL, "multi_shot": True, "shot_type": "intelligence"},
        "image_tail: expected no value together with multi_shot",
    ),
    (I2V, {"element_list": [{"element_id": 1}] * 4}, "element_list: expected at most 3 items; got 4"),
    (I2V, {"element_list": [{"element_id": 1.5}]}, "element_list[0].element_id: expected a whole number; got 1.5"),
    (
        I2V,
        {"element_list": [{"element_id": 2**63}]},
        "element_list[0].element_id: expected a number from -9223372036854775808",
    ),
    (
        I2V,
        {"element_list": [{"element_id": 1}], "voice_list": [{"voice_id": "a"}], "sound": "on"},
        "element_list: expected no value together with voice_list; got a list",
    ),
    (I2V, {"dynamic_masks": MASKS * 7}, "dynamic_masks: expected at most 6 items; got 7"),
    (
        I2V,
        {"dynamic_masks": [{"mask": URL, "trajectories": POINTS[:1]}]},
        "dynamic_masks[0].trajectories: expected at least 2 items; got 1",
    ),
    (
        I2V,
        {"dynamic_masks": [{"mask": URL, "trajectories": POINTS * 39}]},
        "dynamic_masks[0].trajectories: expected at most 77 items; got 78",
    ),
    (
        I2V,
        {"dynamic_masks": [{"mask": URL, "trajectories": [POINTS[0], {"x": 1, "y": 0.5}]}]},
        "dynamic_masks[0].trajectories[1].y: expected a whole number; got 0.5",
    ),
    (
        I2V,
        {"image": png(400, 300), "static_mask": png(300, 300)},
        "static_mask: expected the ratio of image, 400x300; got 300x300",
    ),
    (
        I2V,
        {"static_mask": png(400, 300), "dynamic_masks": [*MASKS, {"mask": png(800, 600), "trajectories": POINTS}]},
        "dynamic_masks[1].mask: expected the size of static_mask, 400x300; got 800x600",
    ),
    (I2V, {"image": "http://"}, "image: expected an http or https URL; got 'http://'"),
    (I2V, {"image": "file:///etc/passwd"}, "image: expected an http or https URL"),
    (I2V, {"image": 5}, "image: expected a text; got 5"),
    (
        I2V,
        {"image": f"data:image/png;base64,{PICTURE}"},
        "image: expected raw base64 without the 'data:…;base64,' prefix; got a data URL",
    ),
    (I2V, {"image": "cat.png"}, "image: expected an upload, an http(s) URL or raw base64; got 7 characters of another kind"),
    (I2V, {"image": "ümlaut"}, "image: expected an upload, an http(s) URL or raw base64; got 6 characters of another kind"),
    (I2V, {"image": PICTURE[:-1]}, "image: expected an upload, an http(s) URL or raw base64"),
    (I2V, {"image": GIF}, "image: expected a JPEG or PNG image; got base64 of something else"),
    (I2V, {"image": HUGE_IMAGE}, "image: expected at most 10 MB of decoded data; got 10.5 MB"),
    (I2V, {"image": png(299, 300)}, "image: expected an image with sides of at least 300 px; got 299x300"),
    (I2V, {"image": jpeg(640, 200)}, "image: expected an image with sides of at least 300 px; got 640x200"),
    (I2V, {"image": png(300, 751)}, "image: expected an image with a ratio from 1:2.5 to 2.5:1; got 300x751"),
    (
        I2V,
        {"image": jpeg(900, 300, b"\xff\xff\xd0")},
        "image: expected an image with a ratio from 1:2.5 to 2.5:1; got 900x300",
    ),
    (I2V, {"image_tail": png(300, 299)}, "image_tail: expected an image with sides of at least 300 px; got 300x299"),
    (GENERATE, {"prompt": ABSENT}, "prompt: expected a value; got nothing"),
    (GENERATE, {"prompt": ""}, "prompt: expected a value; got nothing"),
    (GENERATE, {"image_reference": "face"}, "image: expected an image, because image_reference is set; got nothing"),
    (GENERATE, {"image_reference": "style"}, "image_reference: expected one of subject, face; got 'style'"),
    (
        GENERATE,
        {"image": URL, "negative_prompt": "b"},
        "negative_prompt: expected no value together with image; got 'b'",
    ),
    (GENERATE, {"image_fidelity": 2}, "image_fidelity: expected a number from 0 to 1; got 2"),
    (GENERATE, {"human_fidelity": -1}, "human_fidelity: expected a number from 0 to 1; got -1"),
    (
        GENERATE,
        {"element_list": [{"element_id": 1}] * 11},
        "element_list: expected at most 10 elements and images; got 11",
    ),
    (
        GENERATE,
        {"image": URL, "element_list": [{"element_id": 1}] * 10},
        "element_list: expected at most 10 elements and images; got 11",
    ),
    (GENERATE, {"resolution": "4k"}, "resolution: expected one of 1k, 2k; got '4k'"),
    (GENERATE, {"n": 0}, "n: expected a number from 1 to 9; got 0"),
    (GENERATE, {"n": 10}, "n: expected a number from 1 to 9; got 10"),
    (GENERATE, {"n": "3"}, "n: expected a whole number; got '3'"),
    (GENERATE, {"n": True}, "n: expected a whole number; got true"),
    (
        GENERATE,
        {"aspect_ratio": "5:4"},
        "aspect_ratio: expected one of 16:9, 9:16, 1:1, 4:3, 3:4, 3:2, 2:3, 21:9; got '5:4'",
    ),
    (GENERATE, {"image": png(800, 300)}, "image: expected an image with a ratio from 1:2.5 to 2.5:1; got 800x300"),
    (EXTEND, {"video_id": ABSENT}, "video_id: expected a value; got nothing"),
    (EXTEND, {"video_id": ""}, "video_id: expected a value; got nothing"),
    (EXTEND, {"video_id": 7}, "video_id: expected a text; got 7"),
    (EXTEND, {"cfg_scale": 7}, "cfg_scale: expected a number from 0 to 1; got 7"),
    (EXTEND, {"prompt": "a" * 2501}, "prompt: expected at most 2500 characters; got 2501"),
    (EXTEND, {"negative_prompt": "a" * 2501}, "negative_prompt: expected at most 2500 characters; got 2501"),
    (TRY_ON, {"human_image": ABSENT}, "human_image: expected a value; got nothing"),
    (TRY_ON, {"cloth_image": None}, "cloth_image: expected a value; got nothing"),
    (
        TRY_ON,
        {"cloth_image": png(100, 900)},
        "cloth_image: expected an image with sides of at least 300 px; got 100x900",
    ),
    (LIP, {"mode": "sing"}, "input.mode: expected one of text2video, audio2video; got 'sing'"),
    (LIP, {"mode": ABSENT}, "input.mode: expected a value; got nothing"),
    (LIP, {"video_id": ABSENT}, "input.video_id: expected one of video_id and video_url; got neither"),
    (LIP, {"video_url": URL}, "input.video_id: expected one of video_id and video_url; got both"),
    (
        LIP,
        {"video_id": ABSENT, "video_url": "clip.mp4"},
        "input.video_url: expected an http or https URL; got 8 characters",
    ),
    (LIP, {"mode": "text2video"}, "input.text: expected a value, because mode is 'text2video'; got nothing"),
    (
        LIP,
        {"mode": "text2video", "text": "Hi"},
        "input.voice_id: expected a value, because mode is 'text2video'; got nothing",
    ),
    (LIP, {"text": "a" * 121}, "input.text: expected at most 120 characters; got 121"),
    (LIP, {"voice_language": "de"}, "input.voice_language: expected one of zh, en; got 'de'"),
    (LIP, {"voice_speed": 0.7}, "input.voice_speed: expected a number from 0.8 to 2; got 0.7"),
    (LIP, {"voice_speed": 2.1}, "input.voice_speed: expected a number from 0.8 to 2; got 2.1"),
    (LIP, {"audio_type": ABSENT}, "input.audio_type: expected a value, because mode is 'audio2video'; got nothing"),
    (LIP, {"audio_type": "file"}, "input.audio_file: expected a value, because audio_type is 'file'; got nothing"),
    (LIP, {"audio_url": ABSENT}, "input.audio_url: expected a value, because audio_type is 'url'; got nothing"),
    (LIP, {"audio_type": "live"}, "input.audio_type: expected one of file, url; got 'live'"),
    (LIP, {"audio_file": "no base64!"}, "input.audio_file: expected raw base64; got 10 characters of another kind"),
    (LIP, {"audio_file": "data:audio/mp3;base64,AAAA"}, "input.audio_file: expected raw base64 without the 'data:"),
    (LIP, {"audio_file": HUGE_AUDIO}, "input.audio_file: expected at most 5 MB of decoded data; got 5.2 MB"),
]


@pytest.mark.parametrize(("operation", "patch", "message"), REFUSALS, ids=[f"{op}: {text}" for op, _, text in REFUSALS])
def test_a_wrong_field_is_refused_by_name(operation: str, patch: Body, message: str) -> None:
    assert message in refusal(operation, patched(operation, patch))


ACCEPTED: list[tuple[str, Body]] = [
    (T2V, {"prompt": ABSENT, **CUSTOM, "multi_prompt": SHOTS, "duration": "5", "model_name": "kling-v3"}),
    (T2V, {"camera_control": CAMERA, "duration": "5", "mode": "std"}),
    (T2V, {"camera_control": {"type": "forward_up"}}),
    (T2V, {"cfg_scale": 0}),
    (T2V, {"prompt": "ü" * 2500}),
    (I2V, {"image": ABSENT, "image_tail": URL}),
    (I2V, {"image_tail": png(300, 900)}),
    (I2V, {"image": png(300, 750)}),
    (I2V, {"image": jpeg(300, 300)}),
    (I2V, {"image": b64encode(b"\xff\xd8\xff\xe0\x00\x10").decode()}),
    (I2V, {"image": b64encode(b"\x89PNG\r\n\x1a\nIDAT").decode()}),
    (I2V, {"image": png(400, 300), "static_mask": png(800, 600), "dynamic_masks": MASKS}),
    (I2V, {"static_mask": png(400, 300), "dynamic_masks": [{"mask": png(400, 300), "trajectories": POINTS}]}),
    (I2V, {"dynamic_masks": [{"mask": URL, "trajectories": (POINTS * 39)[:77]}] * 6}),
    (I2V, {"model_name": "kling-v3", "sound": "on", "voice_list": [{"voice_id": "a"}], "element_list": []}),
    (GENERATE, {"image": URL, "element_list": [{"element_id": 1}] * 9}),
    (GENERATE, {"n": 9, "negative_prompt": "blur", "resolution": "2k"}),
    (TRY_ON, {"human_image": jpeg(300, 3000)}),
    (LIP, {"audio_type": "file", "audio_url": ABSENT, "audio_file": b64encode(b"ID3" + bytes(90)).decode()}),
    (LIP, {"task_id": "123", "voice_speed": 0.8}),
    (LIP, {"mode": "text2video", "text": "a" * 120, "voice_id": "v", "voice_language": "zh"}),
]


@pytest.mark.parametrize(("operation", "patch"), ACCEPTED)
def test_what_the_documents_allow_is_accepted_without_a_word(operation: str, patch: Body) -> None:
    assert check(operation, patched(operation, patch)).warnings == ()


WARNINGS: list[tuple[str, Body, list[str]]] = [
    (T2V, {"model": "kling-v2-6"}, ["model: Kling ignores it; name the model in model_name"]),
    (I2V, {"duration": 7}, ["duration '7': not documented with model_name 'kling-v1'"]),
    (I2V, {"model_name": "kling-v3", "duration": 7, "mode": "4k"}, []),
    (T2V, {"model_name": "kling-v2-master", "mode": "std"}, ["mode: not documented with model_name 'kling-v2-master'"]),
    (T2V, {"model_name": "kling-v1-6", "mode": "4k"}, ["mode '4k': not documented with model_name 'kling-v1-6'"]),
    (I2V, {"model_name": "kling-v2-1", "cfg_scale": 0.5}, ["cfg_scale: not documented with model_name 'kling-v2-1'"]),
    (T2V, {"sound": "on"}, ["sound 'on': not documented with model_name 'kling-v1'"]),
    (T2V, {"sound": "off"}, []),
    (
        T2V,
        {"model_name": "kling-v2-6", "sound": "on"},
        ["sound 'on': documented with model_name 'kling-v2-6' only together with mode 'pro'"],
    ),
    (T2V, {"model_name": "kling-v2-6", "sound": "on", "mode": "pro"}, []),
    (
        T2V,
        {"multi_shot": True, "shot_type": "intelligence"},
        ["multi_shot true: not documented with model_name 'kling-v1'"],
    ),
    (
        T2V,
        {"model_name": "kling-v3", "shot_type": "customize", "multi_prompt": SHOTS},
        [
            "shot_type: documented only together with multi_shot true",
            "multi_prompt: documented only together with multi_shot true and shot_type 'customize'",
        ],
    ),
    (
        T2V,
        {"camera_control": CAMERA, "mode": "pro"},
        ["camera_control: documented with model_name 'kling-v1' only together with mode 'std' and duration '5'"],
    ),
    (
        T2V,
        {"camera_control": CAMERA, "model_name": "kling-v3"},
        ["camera_control: not documented with model_name 'kling-v3'"],
    ),
    (I2V, {"camera_control": CAMERA}, ["camera_control: not documented with model_name 'kling-v1'"]),
    (I2V, {"camera_control": CAMERA, "model_name": "kling-v1-5", "mode": "pro"}, []),
    (
        I2V,
        {"camera_control": {"type": "down_back"}, "model_name": "kling-v1-5", "mode": "pro"},
        [
            (
                "camera_control: documented with model_name 'kling-v1-5' only together with "
                "camera_control.type 'simple' and mode 'pro' and duration '5'"
            )
        ],
    ),
    (
        I2V,
        {"image_tail": URL, "duration": "10"},
        ["image_tail: documented with model_name 'kling-v1' only together with duration '5'"],
    ),
    (
        I2V,
        {"image_tail": URL, "model_name": "kling-v2-1"},
        ["image_tail: documented with model_name 'kling-v2-1' only together with mode 'pro'"],
    ),
    (
        I2V,
        {"image_tail": URL, "model_name": "kling-v2-6", "mode": "pro", "sound": "on"},
        ["image_tail: documented with model_name 'kling-v2-6' only together with sound 'off' and mode 'pro'"],
    ),
    (
        I2V,
        {"static_mask": URL, "dynamic_masks": MASKS, "model_name": "kling-v1-6"},
        [
            "static_mask: not documented with model_name 'kling-v1-6'",
            "dynamic_masks: not documented with model_name 'kling-v1-6'",
        ],
    ),
    (I2V, {"element_list": [{"element_id": 1}]}, ["element_list: not documented with model_name 'kling-v1'"]),
    (
        GENERATE,
        {"model_name": "kling-v1", "aspect_ratio": "21:9"},
        ["aspect_ratio '21:9': not documented with model_name 'kling-v1'"],
    ),
    (GENERATE, {"aspect_ratio": "21:9"}, []),
    (
        GENERATE,
        {"model_name": "kling-v1-5", "image": URL},
        ["image: documented with model_name 'kling-v1-5' only together with image_reference 'subject' or 'face'"],
    ),
    (
        GENERATE,
        {"image": URL, "image_reference": "face", "human_fidelity": 0.5},
        ["human_fidelity: documented only together with image_reference 'subject'"],
    ),
    (
        EXTEND,
        {"model_name": "kling-v1", "negative_prompt": "a", "cfg_scale": 0.5},
        [
            "negative_prompt: not documented with model_name 'kling-v1'",
            "cfg_scale: not documented with model_name 'kling-v1'",
        ],
    ),
    (
        LIP,
        {"mode": "text2video", "text": "Hi", "voice_id": "v"},
        ["input.text: documented only together with input.voice_language 'zh' or 'en'"],
    ),
]


@pytest.mark.parametrize(("operation", "patch", "warnings"), WARNINGS)
def test_what_the_model_is_not_known_to_do_is_sent_with_a_warning(operation: str, patch: Body, warnings: list[str]) -> None:
    assert list(check(operation, patched(operation, patch)).warnings) == warnings


@pytest.mark.parametrize("operation", MODELS)
def test_a_model_that_the_documents_do_not_know_is_sent_with_a_warning(operation: str) -> None:
    result = check(operation, {**fixture(operation, "smallest"), "model_name": "kling-v9"})

    (warning,) = result.warnings
    assert result.body["model_name"] == "kling-v9"
    assert warning.startswith(f"model_name: 'kling-v9' is not documented for {operation} ({MODELS[operation][0]}")


def test_every_rule_is_about_a_field_that_its_operations_have() -> None:
    for rule in RULES:
        for operation in rule.operations:
            for path in (rule.path, *rule.needs):
                assert path.split(".")[0] in REQUESTS[operation].model_fields, (operation, path)
            assert set(rule.models) <= {model for models in MODELS.values() for model in models}


def test_unknown_fields_pass_through_untouched_wherever_they_are() -> None:
    unknown = {"style": {"deep": [None, "", 1]}, "render": None}
    body: Body = {
        "prompt": "a cat",
        "duration": "5",
        **unknown,
        "copy": 1,
        "operation": "x",
        "warnings": [],
        "model_config": {},
        "watermark_info": {"enabled": False, **unknown},
        "camera_control": {"type": "simple", "config": {"pan": 1.0, **unknown}, **unknown},
    }

    assert check(T2V, body).body == body


def test_null_and_empty_text_mean_absent() -> None:
    body = {"prompt": "a cat", "negative_prompt": "", "callback_url": "", "external_task_id": "", "mode": None}

    assert check(T2V, {**body, "camera_control": {"type": "down_back", "config": None}}).body == {
        "prompt": "a cat",
        "camera_control": {"type": "down_back"},
    }


def test_an_empty_negative_prompt_does_not_quarrel_with_an_image() -> None:
    assert check(GENERATE, {"prompt": "a cat", "image": URL, "negative_prompt": ""}).body == {
        "prompt": "a cat",
        "image": URL,
    }


def test_what_kling_tolerates_is_normalised() -> None:
    body = {
        "prompt": "a",
        "model_name": "kling-v3",
        **CUSTOM,
        "multi_shot": "true",
        "multi_prompt": SHOTS,
        "duration": 5,
    }

    sent = check(T2V, {**body, "watermark_info": {"enabled": "false"}, "cfg_scale": 1}).body

    assert sent["duration"] == "5"
    assert sent["multi_shot"] is True
    assert sent["watermark_info"] == {"enabled": False}
    assert sent["multi_prompt"] == [SHOTS[0], {**SHOTS[1], "duration": "3"}]
    assert sent["cfg_scale"] == 1


def test_a_voice_speed_is_rounded_to_one_decimal_as_kling_does() -> None:
    sent = check(LIP, patched(LIP, {"voice_speed": 1.27})).body["input"]

    assert cast("Body", sent)["voice_speed"] == 1.3


def test_the_body_that_came_is_not_changed() -> None:
    body = {"prompt": "a", "duration": 5, "mode": None, "watermark_info": {"enabled": "true"}}
    before = json.dumps(body)

    check(T2V, body)

    assert json.dumps(body) == before


@pytest.mark.parametrize("operation", [GENERATE, T2V, I2V, EXTEND])
def test_prompt_limits_come_from_the_settings(operation: str) -> None:
    body = fixture(operation, "smallest") | {"prompt": "abcd", "negative_prompt": "abc"}

    assert check(operation, body, prompt_limit=4, negative_prompt_limit=3).body == body
    assert refusal(operation, body, prompt_limit=3) == "prompt: expected at most 3 characters; got 4"
    assert refusal(operation, body, negative_prompt_limit=2) == "negative_prompt: expected at most 2 characters; got 3"


@pytest.mark.parametrize(("body", "got"), [([], "a list"), (None, "nothing"), ("{}", "'{}'"), (5, "5"), (True, "true")])
def test_a_body_that_is_no_object_has_the_code_of_invalid_parameters(body: object, got: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        check(T2V, body)

    assert (caught.value.code, caught.value.message) == (1200, f"expected a JSON object; got {got}")


DEEP: list[Any] = []
for _ in range(50_000):
    DEEP = [DEEP]


@pytest.mark.parametrize("value", ["\ud800", {"\udfff": 1}, [float("nan")], float("-inf"), DEEP], ids=range(5))
def test_an_unknown_field_that_json_cannot_carry_is_refused(value: object) -> None:
    message = "expected a body that JSON can carry: valid Unicode, finite numbers, not nested too deeply"

    assert refusal(T2V, {"prompt": "a", "unknown": value}) == message
    assert refusal(T2V, {"prompt": "\ud800"}) == message


def test_a_wrong_field_has_the_code_of_an_invalid_value_and_no_cause_that_quotes_the_request() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        check(T2V, {"prompt": 5})

    assert caught.value.code == 1201
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    "picture",
    [f"data:image/png;base64,{PICTURE}", f"{PICTURE}\n", f"!{PICTURE}", png(200, 200), GIF, HUGE_IMAGE],
    ids=["data URL", "with a line break", "with a foreign character", "too small", "GIF", "too large"],
)
def test_no_message_quotes_base64(picture: str) -> None:
    for operation, field in ((I2V, "image"), (I2V, "static_mask"), (TRY_ON, "cloth_image"), (GENERATE, "image")):
        message = refusal(operation, patched(operation, {field: picture}))
        assert picture.strip("!\n")[-12:] not in message
        assert picture[:12] not in message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(data=st.data(), operation=st.sampled_from(list(REQUESTS)))
def test_any_json_in_any_field_is_accepted_for_good_or_refused_in_one_short_line(data: st.DataObject, operation: str) -> None:
    name = data.draw(st.sampled_from(list(REQUESTS[operation].model_fields)))
    body = fixture(operation, "fullest") | {name: data.draw(JSON)}
    message = ""
    try:
        result = check(operation, body)
    except InvalidRequestError as error:
        message = error.message
    else:
        assert check(operation, result.body) == result

    assert len(message.splitlines()) <= 1
    assert len(message) < 250
