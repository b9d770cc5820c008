"""Kling's operations that make a new video from several pictures or from a mixture: what is refused, and what is doubtful."""

import pytest

from tests.unit.providers.kling.bodies import URL, Body, check, fixture, refusal

MANY, OMNI = "videos/multi-image2video", "videos/omni-video"
FIRST, END = {"image_url": URL, "type": "first_frame"}, {"image_url": URL, "type": "end_frame"}
CLIP = {"video_url": "https://example.com/walk.mp4"}
CUSTOM = {"multi_shot": True, "shot_type": "customize"}


@pytest.mark.parametrize(
    ("operation", "patch", "message"),
    [
        (MANY, {"image_list": []}, "image_list: expected at least 1 items; got 0"),
        (MANY, {"image_list": [{"image": URL}] * 5}, "image_list: expected at most 4 items; got 5"),
        (MANY, {"image_list": [{}]}, "image_list[0].image: expected a value; got nothing"),
        (MANY, {"prompt": " "}, "prompt: expected a value; got nothing"),
        (OMNI, {"prompt": None}, "prompt: expected a text, unless shot_type is 'customize'; got nothing"),
        (OMNI, CUSTOM, "multi_prompt: expected 1 to 6 shots, because shot_type is 'customize'; got nothing"),
        (OMNI, {"image_list": [END]}, "image_list: expected a first_frame, because there is an end_frame; got nothing"),
        (OMNI, {"image_list": [FIRST] * 8}, "image_list: expected at most 7 images and elements; got 8"),
        (
            OMNI,
            {"image_list": [FIRST] * 3, "element_list": [{"element_id": 1}] * 2, "video_list": [CLIP]},
            "image_list: expected at most 4 images and elements; got 5",
        ),
        (OMNI, {"video_list": [CLIP] * 2}, "video_list: expected at most 1 items; got 2"),
        (OMNI, {"video_list": [{**CLIP, "refer_type": "copy"}]}, "refer_type: expected one of feature, base; got 'copy'"),
    ],
)
def test_a_wrong_field_is_refused_by_name(operation: str, patch: Body, message: str) -> None:
    assert message in refusal(operation, fixture(operation) | patch)


@pytest.mark.parametrize(
    ("operation", "patch", "warnings"),
    [
        (MANY, {"duration": "7"}, ["duration '7': not documented with model_name 'kling-v1-6'"]),
        (MANY, {"duration": 10}, []),
        (OMNI, {"image_list": [FIRST, END], "aspect_ratio": None}, []),
        (OMNI, {"video_list": [CLIP], "aspect_ratio": None}, []),
        (
            OMNI,
            {"video_list": [{**CLIP, "refer_type": "feature"}], "aspect_ratio": None},
            ["aspect_ratio: documented as required without a first frame or a video to edit"],
        ),
        (OMNI, {"video_list": [CLIP], "sound": "on"}, ["sound 'on': not documented together with video_list"]),
        (OMNI, {"shot_type": "intelligence"}, ["shot_type: documented only together with multi_shot true"]),
    ],
)
def test_what_is_not_documented_is_sent_with_a_warning(operation: str, patch: Body, warnings: list[str]) -> None:
    assert list(check(operation, fixture(operation) | patch).warnings) == warnings
