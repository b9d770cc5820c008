"""S3ResultStore and the clients of AWS: what a presigned URL is, and what an upload does when the bytes fall short."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from relay.adapters import aws
from relay.adapters.http.result_uploads import HttpResultUploads
from relay.adapters.s3 import results
from relay.adapters.s3.results import S3ResultStore
from relay.domain.errors import ResultError, ResultTooLargeError, ResultTypeError

MP4 = b"\0\0\0\x18ftypmp42" + b"x" * 100
MIB = 1_048_576


class Signing:
    """Gives URLs and remembers multipart calls."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def generate_presigned_url(self, method: str, *, Params: dict[str, str], ExpiresIn: int) -> str:  # noqa: N803
        return f"https://bucket.example.com/{Params['Key']}?{method}&{ExpiresIn}"

    def create_multipart_upload(self, **_: Any) -> dict[str, str]:
        self.calls.append("create")
        return {"UploadId": "u"}

    def upload_part(self, **_: Any) -> dict[str, str]:
        self.calls.append("part")
        return {"ETag": "e"}

    def complete_multipart_upload(self, **_: Any) -> None:
        self.calls.append("complete")

    def abort_multipart_upload(self, **_: Any) -> None:
        self.calls.append("abort")


def store(client: Signing, answer: int | Exception = 200, seen: list[bytes] | None = None) -> S3ResultStore:
    def respond(request: httpx.Request) -> httpx.Response:
        body = request.read()
        if seen is not None:
            seen.append(body)
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer)

    uploads = HttpResultUploads(httpx.MockTransport(respond))
    return S3ResultStore(client, "bucket", largest=1000, url_seconds=60, uploads=lambda: uploads)


def pieces(body: bytes, size: int) -> Iterator[bytes]:
    return (body[start : start + size] for start in range(0, len(body), size))


@pytest.mark.parametrize("size", [1, 3, 15, 16, 17, 1000])
def test_the_bytes_are_the_same_however_they_come(size: int) -> None:
    seen: list[bytes] = []
    stored = store(Signing(), seen=seen).store("results/t/0", pieces(MP4, size), size=len(MP4))
    assert seen == [MP4]
    assert (stored.key, stored.bytes, stored.media_type) == ("results/t/0.mp4", len(MP4), "video/mp4")


@pytest.mark.parametrize("status", [307, 400, 403, 404, 500, 503])
def test_a_bucket_that_answers_otherwise_has_stored_nothing(status: int) -> None:
    with pytest.raises(ResultError, match=f"HTTP {status}"):
        store(Signing(), status).store("p", iter([MP4]), size=len(MP4))


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (httpx.LocalProtocolError("Too little data"), "has not the 112 bytes that were announced"),
        (httpx.WriteTimeout("x"), "the bucket did not take the result: WriteTimeout"),
        (httpx.ConnectError("x"), "the bucket did not take the result: ConnectError"),
    ],
)
def test_an_upload_that_fails_is_a_result_error(error: Exception, message: str) -> None:
    with pytest.raises(ResultError, match=message):
        store(Signing(), error).store("p", iter([MP4]), size=len(MP4))


def test_an_announced_size_that_is_too_large_reads_nothing() -> None:
    def unread() -> Iterator[bytes]:
        raise AssertionError("read")
        yield b""

    with pytest.raises(ResultTooLargeError, match="1001 bytes, more than 1000"):
        store(Signing()).store("p", unread(), size=1001)


def test_a_file_that_is_no_media_is_not_begun() -> None:
    client = Signing()
    with pytest.raises(ResultTypeError):
        store(client).store("p", iter([b"<html>"]), size=None)
    assert client.calls == []


def test_a_small_file_of_unknown_size_is_one_put() -> None:
    client, seen = Signing(), list[bytes]()
    stored = store(client, seen=seen).store("p", pieces(MP4, 10), size=None)
    assert (client.calls, seen, stored.bytes) == ([], [MP4], len(MP4))


@pytest.mark.parametrize(("size", "parts"), [(50, [50, 50, 12]), (56, [56, 56]), (112, [112])])
def test_a_large_file_of_unknown_size_goes_up_in_parts(size: int, parts: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "_PART", size)
    client, seen = Signing(), list[bytes]()
    store(client, seen=seen).store("p", pieces(MP4, 1), size=None)
    assert client.calls == ["create", "complete"]
    assert ([len(part) for part in seen], b"".join(seen)) == (parts, MP4)


def test_an_upload_in_parts_that_fails_is_aborted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "_PART", 500)
    client = Signing()
    with pytest.raises(ResultTooLargeError):
        store(client).store("p", iter([MP4] * 100), size=None)
    assert client.calls == ["create", "abort"]


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "us-west-2"])
def test_a_presigned_url_is_version_4_and_of_the_buckets_region(region: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", region)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    aws.client.cache_clear()
    aws._session.cache_clear()
    url = httpx.URL(aws.client("s3").generate_presigned_url("put_object", Params={"Bucket": "bucket", "Key": "k"}, ExpiresIn=9))
    aws.client.cache_clear()
    aws._session.cache_clear()
    assert url.host == f"bucket.s3.{region}.amazonaws.com"
    assert url.params["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256"
    assert f"/{region}/s3/" in url.params["X-Amz-Credential"]
    assert "checksum" not in str(url).lower()


@pytest.mark.parametrize("size", [MIB, None])
def test_one_mebibyte_is_one_request(size: int | None) -> None:
    assert requests_for(size) == 1


@pytest.mark.parametrize("size", [MIB, None])
def test_smaller_parts_are_noticed(size: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "_SINGLE_PUT_LIMIT", MIB // 2)
    monkeypatch.setattr(results, "_PART", MIB // 4)
    assert requests_for(size) == 6


def requests_for(size: int | None) -> int:
    """S3 requests for a file of 1 MiB: an upload in parts adds its beginning and its end."""
    client, seen = Signing(), list[bytes]()

    def take(request: httpx.Request) -> httpx.Response:
        seen.append(request.read())
        return httpx.Response(200)

    uploads = HttpResultUploads(httpx.MockTransport(take))
    body = MP4 + b"x" * (MIB - len(MP4))
    stored = S3ResultStore(client, "bucket", largest=MIB, url_seconds=60, uploads=lambda: uploads)
    assert stored.store("results/t/0", pieces(body, 65_536), size=size).bytes == MIB
    assert b"".join(seen) == body
    return len(seen) + len(client.calls)
