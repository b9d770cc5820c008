"""Uploads: announced, checked when a request names them, resolved each time that it is sent."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from relay.domain.errors import IdempotencyKeyReusedError, InvalidRequestError
from relay.domain.task import FailureCode, Status
from relay.domain.uploads import LIMITS, MEDIA_TYPES, VALID_FOR, new_reference, reference_of
from relay.usecases import attach
from relay.usecases.attach import MOST, MOST_IN_BASE64, references
from relay.usecases.resubmit import Resubmitted
from relay.usecases.upload import create_upload
from tests.support.fakes.fake_world import FakeWorld
from tests.support.fakes.provider import RATE
from tests.support.fakes.results import MP3, MP4, PNG

I2V = "videos/image2video"
LIP_SYNC = "videos/lip-sync"
MOV = b"\0\0\0\x14ftypqt  " + bytes(100)
M4A = b"\0\0\0\x14ftypM4A " + bytes(100)
JPEG = b"\xff\xd8\xff\xe0" + bytes(100)
WAV = b"RIFF\0\0\0\0WAVEfmt " + bytes(100)
AAC = b"\xff\xf1\x50\x80" + bytes(100)
FILES = {
    "image/png": PNG,
    "image/jpeg": JPEG,
    "video/mp4": MP4,
    "video/quicktime": MOV,
    "audio/mpeg": MP3,
    "audio/wav": WAV,
    "audio/mp4": M4A,
    "audio/aac": AAC,
}


def sent(world: FakeWorld) -> dict[str, Any]:
    """The last body that the provider got."""
    return dict(world.api.requests[-1].body or {})


def speech(video: str, audio: str, by: str = "file") -> dict[str, Any]:
    return {"input": {"video_url": video, "mode": "audio2video", "audio_type": by, f"audio_{by}": audio}}


def test_an_upload_says_where_to_put_the_file_and_what_to_call_it(world: FakeWorld) -> None:
    body = {"media_type": "video/mp4", "bytes": 9000, "sha256": "a" * 64}
    upload = create_upload("acme", body, world.relay, random="0" * 20)

    assert str(upload.reference) == f"relay://uploads/{world.clock():012x}{'0' * 20}.mp4"
    assert reference_of(str(upload.reference)) == upload.reference
    assert upload.put.url == f"https://uploads.example/{upload.reference.key('acme')}?9000&{'a' * 64}&3600"
    assert upload.expires_at == world.clock() + 3_600_000
    assert upload.reference.ends_at == world.clock() + VALID_FOR * 1000


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"bytes": 1}, "media_type: expected one of image/png, image/jpeg, .*; got nothing"),
        ({"media_type": "text/html", "bytes": 1}, "media_type: expected one of .*; got 'text/html'"),
        ({"media_type": ["image/png"], "bytes": 1}, "media_type: "),
        ({"media_type": "image/png"}, "bytes: expected the file's size, 1 to 10485760 for image/png; got nothing"),
        ({"media_type": "image/png", "bytes": 0}, "bytes: "),
        ({"media_type": "image/png", "bytes": True}, "bytes: .*; got True"),
        ({"media_type": "image/png", "bytes": "1"}, "bytes: "),
        ({"media_type": "image/png", "bytes": 1.5}, "bytes: "),
        ({"media_type": "image/png", "bytes": LIMITS["image"] + 1}, "bytes: "),
        ({"media_type": "audio/wav", "bytes": LIMITS["audio"] + 1}, "bytes: "),
        ({"media_type": "video/mp4", "bytes": LIMITS["video"] + 1}, "bytes: "),
        ({"media_type": "image/png", "bytes": 1, "sha256": "A" * 64}, "sha256: expected 64 hexadecimal digits"),
        ({"media_type": "image/png", "bytes": 1, "sha256": 7}, "sha256: "),
        ({"media_type": "image/png", "bytes": 1, "sha265": "a" * 64}, "sha265: expected one of media_type, bytes, sha256"),
    ],
)
def test_a_wrong_announcement_is_refused_with_its_field(world: FakeWorld, body: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"^{message}"):
        create_upload("acme", body, world.relay, random="0" * 20)


@pytest.mark.parametrize("kind", LIMITS)
def test_the_largest_file_of_a_kind_may_come(world: FakeWorld, kind: str) -> None:
    media_type = next(name for name in MEDIA_TYPES if name.startswith(kind))
    body = {"media_type": media_type, "bytes": LIMITS[kind]}
    create_upload("acme", body, world.relay, random="0" * 20)


def test_the_provider_gets_a_url_that_lives_as_long_as_the_task_may_wait(world: FakeWorld) -> None:
    upload = world.upload(PNG, "image/png")
    world.submit({"image": str(upload.reference)}, operation=I2V)
    assert sent(world)["image"] == f"https://uploads.example/{upload.reference.key('acme')}?86400"


def test_a_field_that_takes_base64_only_gets_the_bytes(world: FakeWorld) -> None:
    video, sound = world.upload(MP4, "video/mp4"), world.upload(MP3, "audio/mpeg")
    world.submit(speech(str(video.reference), str(sound.reference)), operation=LIP_SYNC)
    assert base64.b64decode(sent(world)["input"]["audio_file"]) == MP3
    assert sent(world)["input"]["video_url"].startswith("https://uploads.example/uploads/")


def test_uploads_are_taken_in_lists_in_objects_and_in_fields_that_nobody_knows(world: FakeWorld) -> None:
    names = [str(world.upload(PNG, "image/png").reference) for _ in range(3)]
    points = [{"x": 1, "y": 1}, {"x": 2, "y": 2}]
    given = {"image": names[0], "dynamic_masks": [{"mask": names[1], "trajectories": points}], "new": [{"x": [names[2]]}]}
    world.submit(given, operation=I2V)
    body = sent(world)
    urls = [body["image"], body["dynamic_masks"][0]["mask"], body["new"][0]["x"][0]]
    assert len({url for url in urls if url.startswith("https://uploads.example/")}) == 3


def test_a_field_that_nobody_knows_may_ask_for_base64(world: FakeWorld) -> None:
    upload = world.upload(MP3, "audio/mpeg")
    world.submit({"prompt": "a", "new_sound": f"{upload.reference}#base64"})
    assert base64.b64decode(sent(world)["new_sound"]) == MP3


def test_words_about_a_reference_are_no_reference(world: FakeWorld) -> None:
    words = f"what does {world.upload(PNG, 'image/png').reference} show?"
    world.submit({"prompt": words, "note": f"relay:// {words}"})
    assert (sent(world)["prompt"], sent(world)["note"]) == (words, f"relay:// {words}")


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_every_media_type_is_known_by_its_first_bytes(world: FakeWorld, media_type: str) -> None:
    upload = world.upload(FILES[media_type], media_type)
    assert world.submit({"prompt": "a", "field": str(upload.reference)}).task.provider_task_id


def test_the_brand_of_a_recorder_does_not_matter(world: FakeWorld) -> None:
    upload = world.upload(MP4, "audio/mp4")
    assert world.submit({"prompt": "a", "field": str(upload.reference)}).task.provider_task_id


@pytest.mark.parametrize(
    ("content", "media_type", "message"),
    [
        (MP4, "image/png", "is not image/png: its first bytes are those of video/mp4"),
        (JPEG, "image/png", "is not image/png: its first bytes are those of image/jpeg"),
        (b"<html>" + bytes(20), "image/png", "is not image/png: its first bytes are those of something else"),
        (PNG + bytes(LIMITS["image"]), "image/png", "bytes: expected at most 10485760"),
    ],
)
def test_a_file_that_is_not_what_was_announced_is_refused(
    world: FakeWorld, content: bytes, media_type: str, message: str
) -> None:
    upload = world.upload(PNG, media_type)
    world.uploads.files[upload.reference.key("acme")] = content
    with pytest.raises(InvalidRequestError, match=f"^image: upload {upload.reference} .*{message}"):
        world.submit({"image": str(upload.reference)}, operation=I2V)
    assert (world.tasks.tasks, world.api.requests) == ({}, [])


def test_a_file_too_large_for_base64_is_refused(world: FakeWorld) -> None:
    upload = world.upload(MP4 + bytes(LIMITS["image"]), "video/mp4")
    with pytest.raises(InvalidRequestError, match=r"^clip: .* expected at most 10485760, since the field takes base64 only"):
        world.submit({"prompt": "a", "clip": f"{upload.reference}#base64"})


def test_a_file_that_has_not_arrived_is_asked_for(world: FakeWorld) -> None:
    upload = world.upload(PNG, "image/png")
    world.uploads.files.clear()
    with pytest.raises(InvalidRequestError) as refusal:
        world.submit({"image": str(upload.reference)}, operation=I2V)
    assert refusal.value.message == f"image: upload {upload.reference} has not arrived: PUT it first"
    assert (refusal.value.code, world.tasks.tasks) == (1201, {})


def test_another_tenants_upload_looks_like_one_that_never_arrived(world: FakeWorld) -> None:
    upload = world.upload(PNG, "image/png", tenant="acme")
    with pytest.raises(InvalidRequestError, match=r"^image: upload .* has not arrived"):
        world.submit({"image": str(upload.reference)}, operation=I2V, tenant="other")
    world.submit({"image": str(upload.reference)}, operation=I2V, tenant="acme")


def test_a_reference_ends_after_a_day(world: FakeWorld) -> None:
    upload = world.upload(PNG, "image/png")
    world.clock.advance(ms=VALID_FOR * 1000 - 1)
    world.submit({"image": str(upload.reference)}, operation=I2V)
    world.clock.advance(ms=1)
    with pytest.raises(InvalidRequestError, match=r"^image: upload .* has expired: upload the file again"):
        world.submit({"image": str(upload.reference)}, operation=I2V)


@pytest.mark.parametrize("text", ["relay://uploads/1.png", "relay://elsewhere", f"relay://uploads/{'0' * 32}.exe", "relay://"])
def test_what_only_looks_like_a_reference_is_refused(world: FakeWorld, text: str) -> None:
    with pytest.raises(InvalidRequestError, match=r"^image: expected a reference from the response of POST /uploads"):
        world.submit({"image": text}, operation=I2V)
    with pytest.raises(InvalidRequestError, match=r"^new\[0\]\.x: expected a reference from the response of POST /uploads"):
        world.submit({"prompt": "a", "new": [{"x": text}]})


@pytest.mark.parametrize(
    ("operation", "field", "media_type"),
    [
        (I2V, "image", "video/mp4"),
        (I2V, "image_tail", "audio/wav"),
        (LIP_SYNC, "video_url", "image/png"),
        (LIP_SYNC, "audio_url", "video/mp4"),
        (LIP_SYNC, "audio_file", "image/png"),
    ],
)
def test_an_upload_of_another_kind_than_the_fields_is_refused(
    world: FakeWorld, operation: str, field: str, media_type: str
) -> None:
    given = str(new_reference(media_type, at=world.clock(), random="0" * 20))
    body: dict[str, Any] = {"image": "https://example.com/a.png", field: given}
    if operation == LIP_SYNC:
        video = given if field == "video_url" else "https://example.com/a.mp4"
        sound = given if field != "video_url" else "https://example.com/a.mp3"
        body = speech(video, sound, "file" if field == "audio_file" else "url")
    kind = field.partition("_")[0]
    with pytest.raises(InvalidRequestError, match=rf"{field}: expected an upload of the kind {kind}; got {media_type}$"):
        world.submit(body, operation=operation)


def test_a_request_names_a_bounded_number_of_uploads(world: FakeWorld) -> None:
    name = str(world.upload(PNG, "image/png").reference)
    world.submit({"prompt": "a", "many": [name] * MOST})
    with pytest.raises(InvalidRequestError, match=rf"^many\[{MOST}\]: expected at most {MOST} uploads"):
        world.submit({"prompt": "a", "many": [name] * (MOST + 1)})


def test_the_files_in_base64_are_bounded_together(world: FakeWorld) -> None:
    large = world.upload(PNG + bytes(MOST_IN_BASE64 - len(PNG)), "image/png").reference
    small = world.upload(PNG, "image/png").reference
    world.submit({"prompt": "a", "many": [f"{large}#base64"] + [str(large)] * (MOST - 1)})
    for other in (large, small):
        with pytest.raises(InvalidRequestError, match=r"^many\[1\]: expected uploads of at most 10485760 bytes"):
            world.submit({"prompt": "a", "many": [f"{large}#base64", f"{other}#base64"]})
    assert len(world.api.requests) == 1


def test_a_stored_request_with_too_much_base64_is_refused_and_not_built(world: FakeWorld) -> None:
    """As version 0.2.0 stored them."""
    large = world.upload(PNG + bytes(MOST_IN_BASE64 - len(PNG)), "image/png").reference
    world.api.faults.append(RATE)
    task = world.submit({"prompt": "a", "image": f"{large}#base64"}).task
    request = str(world.task(task.task_id).request)
    body = json.loads(request)
    body["body"]["image"] = [f"{large}#base64"] * MOST
    world.tasks.tasks[task.task_id] = replace(world.task(task.task_id), request=json.dumps(body))
    world.calls.names.clear()
    world.resubmit(task.task_id, 1)
    assert world.task(task.task_id).message.startswith("image[1]: expected uploads of at most")
    assert world.calls.names.count("uploads.read") == 2
    assert world.api.paid == {}


def test_the_path_of_a_reference_is_short_and_no_other_path_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    path_of = attach._path

    def counted(trail: Any) -> str:
        made.append(path_of(trail))
        return made[-1]

    monkeypatch.setattr(attach, "_path", counted)
    reference = str(new_reference("image/png", at=1, random="0" * 20))
    references({"k" * 1_000_000: [0] * 1000 + [reference, {"l" * 1000: reference}]})
    assert made == [f"{'k' * 64}[1000]", f"{'k' * 64}[1001].{'l' * 64}"]


def test_the_33rd_reference_ends_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[str] = []

    def counted(text: str) -> Any:
        found.append(text)
        return reference_of(text)

    monkeypatch.setattr(attach, "reference_of", counted)
    reference = str(new_reference("image/png", at=1, random="0" * 20))
    with pytest.raises(InvalidRequestError, match=rf"^many\[{MOST}\]"):
        references({"many": [reference] * 1000})
    assert len(found) == MOST + 1


def test_a_body_may_nest_as_deep_as_json_does() -> None:
    body: Any = str(new_reference("image/png", at=1, random="0" * 20))
    for _ in range(5000):
        body = [body]
    ((path, _),) = references({"deep": body})
    assert path == "deep" + "[0]" * 5000


def test_the_url_is_signed_each_time_that_the_task_is_sent(world: FakeWorld) -> None:
    upload = world.upload(PNG, "image/png")
    world.api.faults.append(RATE)
    task_id = world.submit({"image": str(upload.reference)}, operation=I2V).task.task_id
    assert str(upload.reference) in str(world.task(task_id).request)
    assert "https://uploads" not in str(world.task(task_id).request)
    world.clock.advance(seconds=3600)
    asked = world.calls.names.count("uploads.url")
    assert world.resubmit(task_id, 1) is Resubmitted.SENT
    assert world.calls.names.count("uploads.url") == asked + 1
    assert sent(world)["image"].startswith("https://uploads.example/")


def test_a_task_whose_file_is_gone_is_refused_and_says_so(world: FakeWorld) -> None:
    video, sound = world.upload(MP4, "video/mp4"), world.upload(MP3, "audio/mpeg")
    world.api.faults.append(RATE)
    task_id = world.submit(speech(str(video.reference), str(sound.reference)), operation=LIP_SYNC).task.task_id
    world.uploads.files.clear()

    world.resubmit(task_id, 1)

    task = world.task(task_id)
    assert (task.status, task.failure and task.failure.code) == (Status.FAILED, FailureCode.REJECTED)
    assert task.message == f"input.audio_file: upload {sound.reference}#base64 was deleted: upload the file again"
    assert world.api.paid == {}


def test_the_same_request_is_the_same_task_though_its_upload_is_gone(world: FakeWorld) -> None:
    body = {"image": str(world.upload(PNG, "image/png").reference)}
    first = world.submit(body, operation=I2V, key="k")
    world.uploads.files.clear()
    world.clock.advance(seconds=2 * VALID_FOR)

    again = world.submit(body, operation=I2V, key="k")

    assert (again.task.task_id, again.repeated) == (first.task.task_id, True)
    other = {"image": str(world.upload(PNG, "image/png").reference)}
    with pytest.raises(IdempotencyKeyReusedError):
        world.submit(other, operation=I2V, key="k")


def test_a_request_that_came_before_its_file_may_come_again(world: FakeWorld) -> None:
    upload = world.upload(PNG, "image/png")
    content = world.uploads.files.pop(upload.reference.key("acme"))
    body = {"image": str(upload.reference), "external_task_id": "order-1"}
    with pytest.raises(InvalidRequestError):
        world.submit(body, operation=I2V, key="k")
    world.uploads.files[upload.reference.key("acme")] = content
    assert world.submit(body, operation=I2V, key="k").repeated is False


def test_a_request_without_uploads_does_not_look_for_any(world: FakeWorld) -> None:
    world.submit()
    assert not [name for name in world.calls.names if name.startswith("uploads.")]
