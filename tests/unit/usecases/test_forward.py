"""Forwarding: the provider's answer is the client's, and what nobody knows is said to be unknown."""

import json
from typing import Any

import pytest

from relay.domain.errors import ForwardingError, InvalidRequestError
from tests.support.fakes.fake_world import FakeWorld
from tests.support.fakes.provider import (
    BALANCE,
    HANGS_WITH_IT,
    LOST_ANSWER,
    MAINTENANCE,
    POLICY,
    RATE,
    UNREACHABLE,
    Fault,
    answered,
    refused,
)
from tests.support.fakes.results import MP4

SPEECH, COSTS = "audio/tts", "account/costs"
BODY = {"text": "Hello", "voice_id": "girlfriend_1_speech02", "voice_language": "en", "of_next_year": 1}
SPOKEN = {"code": 0, "message": "SUCCEED", "data": {"task_result": {"audios": [{"url": "https://provider.example/1.mp3"}]}}}


def test_the_answer_is_the_providers_byte_for_byte(world: FakeWorld) -> None:
    world.api.at_once[SPEECH] = b'{ "code":0,  "data": "\xc3\xa4" }'

    answer = world.forward(SPEECH, BODY)

    assert (answer.status, answer.body) == (200, b'{ "code":0,  "data": "\xc3\xa4" }')
    (request,) = world.api.requests
    assert (request.method, request.path, request.body) == ("POST", "/kling/v1/audio/tts", BODY)
    assert world.tasks.tasks == {}


def test_the_accounts_path_has_no_version_and_keeps_the_query(world: FakeWorld) -> None:
    world.api.faults.append(Fault(handles=False, answer=answered(200, {"code": 0, "data": {}})))

    world.forward(COSTS, query="start_time=1&end_time=2")

    (request,) = world.api.requests
    assert (request.method, request.path, request.body) == ("GET", "/kling/account/costs?start_time=1&end_time=2", None)


@pytest.mark.parametrize("fault", [RATE, MAINTENANCE, POLICY], ids=["busy", "maintenance", "policy"])
def test_a_refusal_and_a_wait_are_the_providers_own_words(world: FakeWorld, fault: Fault) -> None:
    world.api.faults.append(fault)

    assert world.forward(SPEECH, BODY) == fault.answer


@pytest.mark.parametrize("fault", [refused(401, 1002), BALANCE, Fault(handles=False, answer=answered(401, b""))])
def test_a_refusal_of_the_relay_itself_is_not_the_clients(world: FakeWorld, fault: Fault) -> None:
    world.api.faults.append(fault)

    assert raised(world) == (503, 5001)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [(404, b"<html>not found</html>", (404, 1200)), (429, b"slow down", (429, 1200))],
)
def test_what_tells_a_client_nothing_is_told_in_the_envelope(
    world: FakeWorld, status: int, body: object, expected: tuple[int, int]
) -> None:
    world.api.faults.append(Fault(handles=False, answer=answered(status, body)))

    assert raised(world) == expected


def test_an_error_under_http_200_is_the_providers_answer_too(world: FakeWorld) -> None:
    world.api.at_once[SPEECH] = {"code": 1201, "message": "voice_id is unknown"}

    assert json.loads(world.forward(SPEECH, BODY).body)["code"] == 1201


@pytest.mark.parametrize(
    "fault",
    [LOST_ANSWER, HANGS_WITH_IT, refused(500, 5000), refused(504, 5002), Fault(handles=True, answer=answered(200, b"<html>"))],
)
def test_after_an_unknown_outcome_the_client_is_warned_and_nothing_is_repeated(world: FakeWorld, fault: Fault) -> None:
    world.api.at_once[SPEECH] = SPOKEN
    world.api.faults.append(fault)

    with pytest.raises(ForwardingError, match="may have executed and billed the request: check before you repeat it") as caught:
        world.forward(SPEECH, BODY)

    assert (caught.value.status, caught.value.code) == (504, 5002)
    assert len(world.api.requests) == 1


def test_a_question_that_was_lost_may_be_asked_again(world: FakeWorld) -> None:
    world.api.faults.append(LOST_ANSWER)

    with pytest.raises(ForwardingError, match="send the request again"):
        world.forward(COSTS)


def test_what_was_never_sent_is_said_to_be(world: FakeWorld) -> None:
    world.api.faults.append(UNREACHABLE)

    assert raised(world) == (503, 5001)


def test_an_upload_goes_as_a_url(world: FakeWorld) -> None:
    world.api.at_once["videos/identify-face"] = SPOKEN
    upload = world.upload(MP4, "video/mp4")

    world.forward("videos/identify-face", {"video_url": str(upload.reference)})

    (request,) = world.api.requests
    assert request.body is not None
    assert request.body["video_url"].startswith("https://")


def test_an_upload_that_has_not_arrived_is_refused_before_anything_is_sent(world: FakeWorld) -> None:
    upload = world.upload(MP4, "video/mp4")
    world.uploads.files.clear()

    with pytest.raises(InvalidRequestError, match=r"video_url: upload .* has not arrived"):
        world.forward("videos/identify-face", {"video_url": str(upload.reference)})

    assert world.api.requests == []


@pytest.mark.parametrize("body", [{}, {**BODY, "text": "a" * 1001}, {**BODY, "voice_language": "fr"}])
def test_a_wrong_body_is_refused_before_it_is_sent(world: FakeWorld, body: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequestError):
        world.forward(SPEECH, body)

    assert world.api.requests == []


def raised(world: FakeWorld) -> tuple[int, int]:
    """HTTP status and code of what cannot be passed back."""
    with pytest.raises(ForwardingError) as caught:
        world.forward(SPEECH, BODY)
    assert json.dumps(caught.value.message)
    return caught.value.status, caught.value.code
