"""The queue `archives`: every file of a succeeded task ends in the bucket, byte for byte, or its event says why not."""

import gzip
import json
from typing import Any

import httpx
import pytest

from relay.adapters.s3 import results
from relay.domain.task import Archive, FailureCode, Status
from relay.usecases.view import urls_of
from tests.support.moto_world import PNG, MotoWorld, event, sha256, video
from tests.support.upstream import File

MIB = 1_048_576
LAST = 8
FAILED = {"batchItemFailures": [{"itemIdentifier": "message-0"}]}
DONE: dict[str, object] = {"batchItemFailures": []}


@pytest.mark.parametrize("size", [16, 1000, MIB - 1, MIB, MIB + 1])
def test_a_file_is_stored_byte_for_byte(world: MotoWorld, size: int) -> None:
    body = video(size)
    task_id = world.succeeded(world.outside.file("a.mp4", File(body=body)))
    assert world.archive(task_id) == DONE
    task = world.task(task_id)
    assert (task.archive, task.version) == (Archive.STORED, 3)
    (result,) = task.results
    key = f"results/{task_id}/0.mp4"
    assert (result.bucket, result.key, result.bytes) == ("results", key, size)
    assert (result.sha256, result.media_type) == (sha256(body), "video/mp4")
    assert world.objects()[key] == body
    assert world.s3.head_object(Bucket="results", Key=key)["ContentType"] == "video/mp4"
    assert world.uploads() == []


def test_a_file_that_comes_packed_is_stored_unpacked(world: MotoWorld) -> None:
    body = video(MIB)
    packed = File(body=gzip.compress(body), headers={"Content-Encoding": "gzip"})
    task_id = world.succeeded(world.outside.file("a.mp4", packed))
    assert world.archive(task_id) == DONE
    assert world.objects()[f"results/{task_id}/0.mp4"] == body


def test_the_document_of_the_success_lies_beside_its_files(world: MotoWorld) -> None:
    task_id = world.succeeded(world.outside.file("a.mp4", File(body=video(100))))
    world.archive(task_id)
    assert sorted(world.objects()) == [f"results/{task_id}/0.mp4", f"results/{task_id}/callback.json"]


def test_every_file_of_every_list_is_stored(world: MotoWorld) -> None:
    task_id = world.submitted("generations")
    urls = [world.outside.file(f"{number}.png", File(body=PNG + bytes([number]) * 20)) for number in range(3)]
    marked = world.outside.file("marked.mp4", File(body=video(50)))
    result = {
        "images": [{"index": 0, "url": urls[0], "watermark_url": marked}, {"index": 1, "url": urls[1]}],
        "series_images": [{"index": 0, "url": urls[2]}],
    }
    world.callback("succeed_images", task_id, task_result=result)
    assert world.archive(task_id) == DONE
    stored = {result.path: result.key for result in world.task(task_id).results}
    assert stored == {
        "task_result/images/0/url": f"results/{task_id}/0.png",
        "task_result/images/0/watermark_url": f"results/{task_id}/1.mp4",
        "task_result/images/1/url": f"results/{task_id}/2.png",
        "task_result/series_images/0/url": f"results/{task_id}/3.png",
    }
    objects = world.objects(f"results/{task_id}/")
    assert [objects[f"results/{task_id}/{place}.png"][-1] for place in (0, 2, 3)] == [0, 1, 2]


def test_the_type_is_that_of_the_bytes_and_not_the_announced_one(world: MotoWorld) -> None:
    url = world.outside.file("a.mp4", File(body=PNG + b"x" * 100, headers={"Content-Type": "video/mp4"}))
    task_id = world.succeeded(url)
    world.archive(task_id)
    (result,) = world.task(task_id).results
    assert (result.media_type, result.key) == ("image/png", f"results/{task_id}/0.png")


@pytest.mark.parametrize("size", [5 * MIB, 5 * MIB + 1, 11 * MIB])
def test_a_large_file_of_unknown_size_goes_up_in_parts(world: MotoWorld, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(results, "_PART", 5 * MIB)
    body = video(size)
    task_id = world.succeeded(world.outside.file("a.mp4", File(body=body, chunked=True)))
    assert world.archive(task_id) == DONE
    key = f"results/{task_id}/0.mp4"
    assert world.objects()[key] == body
    assert world.s3.head_object(Bucket="results", Key=key)["ETag"].endswith(f'-{-(-size // (5 * MIB))}"')
    assert world.task(task_id).results[0].sha256 == sha256(body)
    assert world.uploads() == []


def test_a_second_delivery_finds_nothing_to_do(world: MotoWorld) -> None:
    task_id = world.succeeded(world.outside.file("a.mp4", File(body=video(100))))
    assert world.archive(task_id) == world.archive(task_id) == DONE
    assert len(world.outside.fetched) == 1
    assert world.task(task_id).version == 3


@pytest.mark.parametrize("case", ["processing", "failed"])
def test_a_task_without_a_success_is_left_alone(world: MotoWorld, case: str) -> None:
    task_id = world.submitted()
    world.callback(case, task_id)
    assert world.archive(task_id) == DONE
    assert world.task(task_id).archive is None


def test_an_unknown_task_is_nothing_to_do(world: MotoWorld) -> None:
    assert world.call("archive_results", event("archive_results.succeed")) == DONE


def test_one_message_that_fails_does_not_hold_up_the_others(world: MotoWorld) -> None:
    good = world.succeeded(world.outside.file("a.mp4", File(body=video(100))))
    bad = world.succeeded(f"{world.outside.url}/files/none.mp4")
    messages: list[dict[str, Any]] = [{"detail": {"task_id": bad}}, {"detail": {"task_id": good}}, {"no": "detail"}]
    failed = [entry["itemIdentifier"] for entry in world.archive(good, messages=messages)["batchItemFailures"]]
    assert failed == ["message-0", "message-2"]
    assert world.task(good).archive is Archive.STORED


# ── dead URLs ──────────────────────────────────────────────────────────────────────────────────────────────────────


def provider_says(world: MotoWorld, task_id: str, *urls: str) -> None:
    videos = [{"id": f"video-{number}", "url": url} for number, url in enumerate(urls)]
    task = {"task_id": "x", "task_status": "succeed", "task_result": {"videos": videos}}
    world.outside.tasks[str(world.task(task_id).provider_task_id)] = task


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_dead_url_is_renewed_by_a_query(world: MotoWorld, status: int) -> None:
    dead = world.outside.file("dead.mp4", File(status=status, body=b"<Error>expired</Error>"))
    body = video(300)
    fresh = world.outside.file("fresh.mp4", File(body=body))
    task_id = world.succeeded(dead)
    provider_says(world, task_id, fresh)
    assert world.archive(task_id) == DONE
    assert world.objects()[f"results/{task_id}/0.mp4"] == body
    assert world.outside.fetched == ["/files/dead.mp4", "/files/fresh.mp4"]
    assert world.outside.sent[-1].path == "/kling/v1/videos/text2video/P00000000000000001"


def test_a_url_that_stays_dead_is_a_failure(world: MotoWorld) -> None:
    dead = world.outside.file("dead.mp4", File(status=404))
    task_id = world.succeeded(dead)
    provider_says(world, task_id, dead)
    assert world.archive(task_id) == FAILED
    assert world.outside.fetched == ["/files/dead.mp4"]


def test_a_provider_that_fails_to_renew_is_a_failure_that_another_delivery_mends(world: MotoWorld) -> None:
    dead = world.outside.file("dead.mp4", File(status=404))
    task_id = world.succeeded(dead)
    world.outside.next_answers = [(500, {"code": 5000, "message": "Server internal error"})]
    assert world.archive(task_id) == FAILED
    provider_says(world, task_id, world.outside.file("fresh.mp4", File(body=video(30))))
    assert world.archive(task_id, receives=2) == DONE
    assert world.task(task_id).archive is Archive.STORED


# ── files that are refused ─────────────────────────────────────────────────────────────────────────────────────────

LIMIT = MIB
REFUSED: dict[str, tuple[File, str]] = {
    "a web page": (File(body=b"<html>expired</html>"), "the result is no image, video or audio file"),
    "nothing": (File(body=b""), "the result is no image, video or audio file"),
    "packed larger than the limit": (
        File(body=gzip.compress(video(1000) + bytes(LIMIT)), headers={"Content-Encoding": "gzip"}),
        f"more than {LIMIT} bytes",
    ),
    "one byte too large": (File(body=video(LIMIT + 1)), f"{LIMIT + 1} bytes, more than {LIMIT}"),
    "too large, of unknown size": (File(body=video(LIMIT + 1), chunked=True), f"more than {LIMIT} bytes"),
    "announced larger than it is": (File(body=video(1000), announced=2000), "the result broke off: RemoteProtocolError"),
    "announced much larger": (File(body=video(1000), announced=LIMIT + 1), f"{LIMIT + 1} bytes, more than {LIMIT}"),
    "broken off late": (File(body=video(900_000), announced=LIMIT), "the result broke off: RemoteProtocolError"),
    "an error of the host": (File(status=503), "the result's URL answers HTTP 503"),
    "a part": (File(status=206, body=video(10)), "the result's URL answers HTTP 206"),
    "led to the metadata service": (
        File(status=302, headers={"Location": "http://169.254.169.254/latest/meta-data/"}),
        "expected an https URL, got http",
    ),
    "led to a private address": (
        File(status=307, headers={"Location": "https://10.0.0.7/a.mp4"}),
        "a host with an address that is not public",
    ),
    "led to nowhere": (File(status=302, headers={"Location": "gopher://127.0.0.1:1/"}), "the result cannot be fetched"),
}


@pytest.mark.parametrize(("file", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_refused_file_leaves_nothing_and_its_event_says_why(
    world: MotoWorld, monkeypatch: pytest.MonkeyPatch, file: File, reason: str
) -> None:
    monkeypatch.setenv("MAX_RESULT_BYTES", str(LIMIT))
    task_id = world.succeeded(world.outside.file("a.mp4", file))
    assert world.archive(task_id, receives=LAST - 1) == FAILED
    assert world.task(task_id).archive is None
    assert world.archive(task_id, receives=LAST) == DONE
    task = world.task(task_id)
    assert (task.status, task.archive, task.version) == (Status.SUCCEED, Archive.FAILED, 3)
    assert task.failure
    assert task.failure.code is FailureCode.ARCHIVE
    assert task.failure.message.startswith(f"task_result/videos/0/url: {reason}")
    assert list(world.objects()) == [f"results/{task_id}/callback.json"]
    assert world.uploads() == []
    world.publish()
    told = world.messages("events")[-1]
    assert told["detail-type"] == "Task Results Archiving Failed"
    assert told["detail"]["results"][0]["error"].startswith(reason)
    assert told["detail"]["failure"]["code"] == "archive"


def test_a_file_longer_than_announced_is_cut_where_http_ends_it(world: MotoWorld) -> None:
    body = video(2000)
    task_id = world.succeeded(world.outside.file("a.mp4", File(body=body, announced=1000)))
    assert world.archive(task_id) == DONE
    assert world.objects()[f"results/{task_id}/0.mp4"] == body[:1000]
    assert world.task(task_id).results[0].sha256 == sha256(body[:1000])


def test_the_exact_limit_is_let_through(world: MotoWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_RESULT_BYTES", str(LIMIT))
    for number, chunked in enumerate((False, True)):
        task_id = world.succeeded(world.outside.file(f"{number}.mp4", File(body=video(LIMIT), chunked=chunked)))
        assert world.archive(task_id) == DONE


def test_on_the_last_attempt_each_file_counts_by_itself(world: MotoWorld) -> None:
    good, bad = world.outside.file("a.mp4", File(body=video(100))), world.outside.file("b.mp4", File(body=b"no media"))
    task_id = world.succeeded(bad, good)
    assert world.archive(task_id, receives=LAST) == DONE
    first, second = world.task(task_id).results
    assert (first.key, first.error) == (None, "the result is no image, video or audio file")
    assert (second.key, second.error) == (f"results/{task_id}/1.mp4", None)


def test_after_throttled_deliveries_the_last_attempt_is_recorded_announced_and_buried(world: MotoWorld) -> None:
    """SQS counts deliveries for which Lambda had no room: the first one that is handled may be beyond the last."""
    task_id = world.succeeded(world.outside.file("a.mp4", File(status=503)))
    world.publish()
    (message,) = world.messages("archives")

    assert world.archive(task_id, receives=LAST + 30, messages=[message]) == DONE

    assert world.task(task_id).archive is Archive.FAILED
    world.publish()
    assert world.messages("events")[-1]["detail-type"] == "Task Results Archiving Failed"
    assert world.messages("archives-dead") == [message]


def test_a_last_attempt_that_cannot_be_recorded_comes_again(world: MotoWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    task_id = world.succeeded(world.outside.file("a.mp4", File(status=503)))
    with monkeypatch.context() as patch:
        patch.setattr(world.services.tasks, "record_archive", lambda *_, **__: (_ for _ in ()).throw(ConnectionError()))
        assert world.archive(task_id, receives=LAST) == FAILED
    assert world.messages("archives-dead") == []
    assert world.archive(task_id, receives=LAST + 1) == DONE
    assert world.task(task_id).archive is Archive.FAILED


def test_a_redriven_message_mends_what_had_been_given_up(world: MotoWorld) -> None:
    task_id = world.succeeded(world.outside.file("a.mp4", File(status=503)))
    world.archive(task_id, receives=LAST)
    world.outside.file("a.mp4", File(body=video(64)))
    assert world.archive(task_id) == DONE
    task = world.task(task_id)
    assert (task.archive, task.failure, task.version) == (Archive.STORED, None, 4)
    world.publish()
    assert [told["detail-type"] for told in world.messages("events")][-2:] == [
        "Task Results Archiving Failed",
        "Task Results Stored",
    ]


def test_redirects_between_allowed_hosts_are_followed_three_times(world: MotoWorld) -> None:
    url = world.outside.file("0.mp4", File(body=video(40)))
    for number in range(1, 5):
        url = world.outside.file(f"{number}.mp4", File(status=302, headers={"Location": url}))
    assert world.archive(world.succeeded(url)) == FAILED
    assert world.archive(world.succeeded(url.replace("4.mp4", "3.mp4"))) == DONE


def test_loopback_is_forbidden_unless_the_settings_allow_it(world: MotoWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOW_LOOPBACK", "false")
    task_id = world.succeeded(world.outside.file("a.mp4", File(body=video(100))))
    assert world.archive(task_id, receives=LAST) == DONE
    assert world.outside.fetched == []
    assert world.task(task_id).results[0].error == "expected an https URL, got http"


def test_a_bucket_that_refuses_is_a_failure_and_not_a_success(world: MotoWorld) -> None:
    task_id = world.succeeded(world.outside.file("a.mp4", File(body=video(100))))
    world.s3.delete_object(Bucket="results", Key=f"results/{task_id}/callback.json")
    world.s3.delete_bucket(Bucket="results")
    assert world.archive(task_id) == FAILED
    assert world.task(task_id).archive is None


def test_the_message_of_the_queue_is_what_the_rule_puts_there(world: MotoWorld) -> None:
    """events/archive_results.succeed.json against the event that a real task causes."""
    task_id = world.succeeded(world.outside.file("a.mp4", File(body=video(100))))
    world.publish()
    (message,) = world.messages("archives")
    sample = json.loads(event("archive_results.succeed")["Records"][0]["body"])
    assert message["detail"]["task_id"] == task_id
    assert message["detail"].keys() == sample["detail"].keys()
    assert {"source", "detail-type", "detail", "id"} <= message.keys() & sample.keys()


def test_stored_results_are_downloaded_through_presigned_urls(world: MotoWorld) -> None:
    body = video(70_000)
    task_id = world.succeeded(world.outside.file("a.mp4", File(body=body)))
    world.archive(task_id)
    url = urls_of(world.task(task_id), world.services)["task_result/videos/0/url"]
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in url
    assert "X-Amz-Expires=3600" in url
    assert httpx.get(url, trust_env=False).content == body
