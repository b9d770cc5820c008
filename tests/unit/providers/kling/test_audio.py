"""Kling's operations that make sounds: what is refused by name."""

import pytest

from tests.unit.providers.kling.bodies import URL, Body, fixture, refusal

TEXT, VIDEO, SPEECH = "audio/text-to-audio", "audio/video-to-audio", "audio/tts"


@pytest.mark.parametrize(
    ("operation", "patch", "message"),
    [
        (TEXT, {"prompt": "a" * 201}, "prompt: expected at most 200 characters; got 201"),
        (TEXT, {"duration": 2.9}, "duration: expected a number from 3 to 10; got 2.9"),
        (TEXT, {"duration": "5"}, "duration: expected a number; got '5'"),
        (VIDEO, {"video_url": URL}, "video_id: expected one of video_id and video_url; got both"),
        (VIDEO, {"video_id": None}, "video_id: expected one of video_id and video_url; got neither"),
        (VIDEO, {"bgm_prompt": "a" * 201}, "bgm_prompt: expected at most 200 characters; got 201"),
        (VIDEO, {"asmr_mode": 1}, "asmr_mode: expected true or false; got 1"),
        (SPEECH, {"text": "a" * 1001}, "text: expected at most 1000 characters; got 1001"),
        (SPEECH, {"voice_language": "fr"}, "voice_language: expected one of zh, en; got 'fr'"),
        (SPEECH, {"voice_speed": 2.1}, "voice_speed: expected a number from 0.8 to 2; got 2.1"),
    ],
)
def test_a_wrong_field_is_refused_by_name(operation: str, patch: Body, message: str) -> None:
    assert message in refusal(operation, fixture(operation) | patch)
