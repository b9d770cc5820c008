"""Kling's operations on faces, motions and parts of videos: what is refused by name."""

import pytest

from tests.unit.providers.kling.bodies import SYNCHRONOUS, URL, Body, check, fixture, refusal

FACE, EFFECTS, PARTS = "videos/advanced-lip-sync", "videos/effects", "videos/multi-elements"
MOTION, AVATAR = "videos/motion-control", "videos/avatar/image2video"
ADD = "videos/multi-elements/add-selection"
PICTURE = {"image": URL}
POINT = {"x": 0.5, "y": 0.5}


def faced(**fields: object) -> Body:
    """A lip sync whose one face has other fields."""
    body = fixture(FACE)
    return {**body, "face_choose": [{**body["face_choose"][0], **fields}]}


REFUSALS: list[tuple[str, Body, str]] = [
    (FACE, {"session_id": ""}, "session_id: expected a value; got nothing"),
    (FACE, {"face_choose": []}, "face_choose: expected at least 1 items; got 0"),
    (FACE, {"face_choose": [{}, {}]}, "face_choose: expected at most 1 items; got 2"),
    (FACE, faced(audio_id=None), "face_choose[0].audio_id: expected one of audio_id and sound_file; got neither"),
    (FACE, faced(sound_file=URL), "face_choose[0].audio_id: expected one of audio_id and sound_file; got both"),
    (FACE, faced(sound_end_time=1999), "sound_end_time: expected at least 2000 ms after sound_start_time; got 1999 ms"),
    (FACE, faced(sound_start_time=-1), "sound_start_time: expected milliseconds, a whole number from 0 on; got -1"),
    (FACE, faced(sound_start_time="soon"), "sound_start_time: expected milliseconds, a whole number from 0 on; got 'soon'"),
    (FACE, faced(sound_volume=2.1), "face_choose[0].sound_volume: expected a number from 0 to 2; got 2.1"),
    (EFFECTS, {"effect_scene": None}, "effect_scene: expected a value; got nothing"),
    (EFFECTS, {"input": {"duration": "5"}}, "input.image: expected an image, or a list of them; got nothing"),
    (EFFECTS, {"input": {"image": [URL, 7], "duration": "5"}}, "input.image: expected an image or a list of images; got 7"),
    (
        EFFECTS,
        {"input": {"image": [URL, "a cat"], "duration": "5"}},
        "expected an upload, an http(s) URL or raw base64",
    ),
    (EFFECTS, {"input": {"image": URL}}, "input.duration: expected a value; got nothing"),
    (PARTS, {"edit_mode": "paint"}, "edit_mode: expected one of addition, swap, removal; got 'paint'"),
    (PARTS, {"image_list": [PICTURE]}, "image_list: expected no image, because edit_mode is 'removal'; got 1"),
    (PARTS, {"edit_mode": "swap"}, "image_list: expected one image, because edit_mode is 'swap'; got 0"),
    (
        PARTS,
        {"edit_mode": "addition", "image_list": [PICTURE] * 3},
        "image_list: expected 1 or 2 images, because edit_mode is 'addition'; got 3",
    ),
    (MOTION, {"character_orientation": "left"}, "character_orientation: expected one of image, video; got 'left'"),
    (MOTION, {"video_url": "dance.mp4"}, "video_url: expected an http or https URL; got 9 characters"),
    (MOTION, {"element_list": [{"element_id": 1}] * 2}, "element_list: expected at most 1 items; got 2"),
    (AVATAR, {"sound_file": "!"}, "sound_file: expected raw base64; got 1 characters of another kind"),
    (AVATAR, {"sound_file": URL}, "audio_id: expected one of audio_id and sound_file; got both"),
    (ADD, {"points": []}, "points: expected at least 1 items; got 0"),
    (ADD, {"points": [POINT] * 11}, "points: expected at most 10 items; got 11"),
    (ADD, {"points": [{"x": 1.5, "y": 0}]}, "points[0].x: expected a number from 0 to 1; got 1.5"),
    ("videos/identify-face", {"video_id": "v"}, "video_id: expected one of video_id and video_url; got both"),
    ("videos/multi-elements/clear-selection", {"session_id": None}, "session_id: expected a value; got nothing"),
]


@pytest.mark.parametrize(("operation", "patch", "message"), REFUSALS, ids=[text for _, _, text in REFUSALS])
def test_a_wrong_field_is_refused_by_name(operation: str, patch: Body, message: str) -> None:
    assert message in refusal(operation, fixture(operation) | patch)


ACCEPTED: list[tuple[str, Body]] = [
    (FACE, faced(audio_id=None, sound_file=URL)),
    (EFFECTS, {"effect_scene": "a_scene_of_next_year"}),
    (EFFECTS, {"effect_scene": "hug", "input": {"images": [URL, URL], "duration": 10}}),
    (PARTS, {"edit_mode": "swap", "image_list": [PICTURE]}),
    (AVATAR, {"audio_id": None, "sound_file": URL}),
    (ADD, {"points": [POINT] * 10}),
]


@pytest.mark.parametrize(("operation", "patch"), ACCEPTED)
def test_what_the_documents_allow_is_accepted_without_a_word(operation: str, patch: Body) -> None:
    assert check(operation, fixture(operation) | patch).warnings == ()


def test_times_may_come_as_texts_and_go_as_numbers() -> None:
    sent = check(FACE, faced(sound_start_time="500", sound_end_time="2500")).body

    assert sent == faced(sound_start_time=500, sound_end_time=2500)


@pytest.mark.parametrize("operation", SYNCHRONOUS)
def test_a_documented_body_of_a_synchronous_operation_goes_upstream_as_it_came(operation: str) -> None:
    body = fixture(operation) | {"of_next_year": [1, None]}

    assert check(operation, body).body == body
    assert check(operation, body).warnings == ()
    assert "expected a value" in refusal(operation, {}) or "got neither" in refusal(operation, {})
