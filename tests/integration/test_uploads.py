"""POST /uploads: the file goes into the bucket as it was announced, and from there to the provider."""

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from botocore.exceptions import ClientError

from relay.adapters.s3.uploads import S3UploadStore
from relay.usecases.resubmit import resubmit
from tests.support.moto_world import PNG, Answer, MotoWorld, event, video, with_body, with_tenant

PICTURE = PNG + bytes(range(256)) * 40
SOUND = b"ID3\x04" + bytes(range(256)) * 8


def announced(
    world: MotoWorld, content: bytes = PICTURE, media_type: str = "image/png", tenant: str = "acme", **more: Any
) -> Answer:
    body = {"media_type": media_type, "bytes": len(content), **more}
    return world.http("submit_task", with_tenant(with_body(event("submit_task.upload"), body), tenant))


def uploaded(world: MotoWorld, content: bytes = PICTURE, media_type: str = "image/png", tenant: str = "acme") -> str:
    data = announced(world, content, media_type, tenant).data
    put = data["put"]
    answer = httpx.request(put["method"], put["url"], headers=put["headers"], content=content, trust_env=False)
    assert answer.status_code == 200, answer.text
    return str(data["reference"])


def test_the_event_is_answered_with_a_reference_and_a_put(world: MotoWorld) -> None:
    answer = world.http("submit_task", event("submit_task.upload"))
    assert (answer.status, answer.code, answer.message) == (200, 0, "SUCCEED")
    assert set(answer.data) == {"reference", "valid_until", "put"}
    assert answer.data["reference"].startswith("relay://uploads/")
    assert set(answer.data["put"]) == {"method", "url", "headers", "expires_at"}
    assert answer.data["put"]["headers"] == {"Content-Type": "image/png", "Content-Length": "123456", "If-None-Match": "*"}


def test_size_type_hash_and_being_the_first_are_signed(world: MotoWorld) -> None:
    digest = hashlib.sha256(PICTURE).digest()
    put = announced(world, sha256=digest.hex()).data["put"]
    signed = parse_qs(urlsplit(put["url"]).query)["X-Amz-SignedHeaders"][0].split(";")
    assert signed == ["content-length", "content-type", "host", "if-none-match", "x-amz-checksum-sha256"]
    assert {name.lower() for name in put["headers"]} == set(signed) - {"host"}
    assert put["headers"]["x-amz-checksum-sha256"] == base64.b64encode(digest).decode()


def test_the_provider_can_fetch_the_very_bytes(world: MotoWorld) -> None:
    answer = world.submit("image2video", {"image": uploaded(world)})
    assert answer.code == 0, answer.message
    url = world.outside.creates()[0].body["image"]
    assert urlsplit(url).path.endswith(".png")
    assert httpx.get(url, trust_env=False).content == PICTURE


def test_a_field_without_urls_gets_the_very_bytes(world: MotoWorld) -> None:
    body = {"mode": "audio2video", "audio_type": "file"}
    body |= {"video_url": uploaded(world, video(5000), "video/mp4"), "audio_file": uploaded(world, SOUND, "audio/mpeg")}
    assert world.submit("lip_sync", {"input": body}).code == 0
    assert base64.b64decode(world.outside.creates()[0].body["input"]["audio_file"]) == SOUND


def test_a_task_sent_again_hours_later_has_a_new_url(world: MotoWorld) -> None:
    world.outside.next_answers = [(429, {"code": 1302, "message": "busy", "request_id": "r"})]
    task_id = world.submit("image2video", {"image": uploaded(world)}).data["task_id"]
    resubmit(task_id, 1, world.services)
    *_, again = world.outside.creates()
    assert len(world.outside.creates()) == 2
    assert httpx.get(again.body["image"], trust_env=False).content == PICTURE


def test_what_never_arrived_is_not_sent(world: MotoWorld) -> None:
    reference = announced(world).data["reference"]
    answer = world.submit("image2video", {"image": reference})
    assert (answer.status, answer.code) == (400, 1201)
    assert answer.message == f"image: upload {reference} has not arrived: PUT it first"
    assert world.outside.sent == []


def test_another_tenants_upload_is_refused(world: MotoWorld) -> None:
    answer = world.submit("image2video", {"image": uploaded(world, tenant="acme")}, tenant="other")
    assert (answer.status, answer.code) == (400, 1201)
    assert answer.message.startswith("image: upload relay://uploads/")


def test_the_key_tells_neither_the_tenant_nor_the_reference(world: MotoWorld) -> None:
    reference = uploaded(world)
    (key,) = world.objects("uploads/")
    identity = reference.rpartition("/")[2].partition(".")[0]
    assert "acme" not in key
    assert identity not in key


def test_a_second_file_does_not_replace_the_first(world: MotoWorld) -> None:
    put = announced(world).data["put"]
    for expected in (200, 412):
        answer = httpx.put(put["url"], headers=put["headers"], content=PICTURE, trust_env=False)
        assert answer.status_code == expected


def test_a_file_of_another_type_is_found_out(world: MotoWorld) -> None:
    reference = uploaded(world, b"<html>not a picture</html>" * 10)
    answer = world.submit("image2video", {"image": reference})
    assert answer.message.endswith("is not image/png: its first bytes are those of something else")


def test_without_a_key_nothing_is_announced(world: MotoWorld) -> None:
    answer = world.http("submit_task", with_tenant(event("submit_task.upload"), None, refusal="missing"))
    assert (answer.status, answer.code) == (401, 1001)


@pytest.mark.parametrize("code", ["NoSuchKey", "AccessDenied"])
def test_a_missing_file_is_missing_however_s3_says_so(code: str) -> None:
    assert S3UploadStore(Refusing(code), "results").look("uploads/x.png") is None
    assert S3UploadStore(Refusing(code), "results").read("uploads/x.png") is None


def test_a_bucket_that_fails_is_no_missing_file() -> None:
    store = S3UploadStore(Refusing("SlowDown"), "results")
    for ask in (store.look, store.read):
        with pytest.raises(ClientError):
            ask("uploads/x.png")


class Refusing:
    """A client whose bucket refuses."""

    def __init__(self, code: str) -> None:
        self._code = code

    def get_object(self, **_: Any) -> Any:
        raise ClientError({"Error": {"Code": self._code, "Message": ""}}, "GetObject")
