"""Result files over HTTP: ranges, validators, and the faults of a file host."""

from hashlib import sha256
from typing import Any

import httpx
import pytest

from local.simulator import Controls
from tests.support.waiting import until

T2V = "/videos/text2video"
CLIP = {"prompt": "a cat"}


def finished(simulator: Controls, provider: httpx.Client, path: str = T2V, **more: Any) -> dict[str, Any]:
    """What the admin endpoint says about the first result of a new task, with the task's id."""
    task_id = provider.post(path, json=CLIP | more).json()["data"]["task_id"]
    simulator.settle()
    result: dict[str, Any] = simulator.task(task_id)["results"][0]
    return result | {"task_id": task_id}


@pytest.mark.parametrize("path", [T2V, "/images/generations"])
def test_a_download_is_what_the_truth_says(simulator: Controls, provider: httpx.Client, path: str) -> None:
    truth = finished(simulator, provider, path)
    answer = provider.get(truth["url"])
    assert answer.status_code == 200
    assert sha256(answer.content).hexdigest() == truth["sha256"]
    assert len(answer.content) == truth["bytes"] == int(answer.headers["content-length"])
    assert answer.headers["content-type"] == truth["media_type"]
    assert answer.headers["accept-ranges"] == "bytes"


def test_images_can_be_jpeg(simulator: Controls, provider: httpx.Client) -> None:
    simulator.settings(image_type="jpeg")
    truth = finished(simulator, provider, "/images/generations")
    assert provider.get(truth["url"]).content.startswith(b"\xff\xd8\xff")
    assert truth["media_type"] == "image/jpeg"


def test_head_tells_the_size_and_nothing_more(simulator: Controls, provider: httpx.Client) -> None:
    truth = finished(simulator, provider)
    answer = provider.head(truth["url"])
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) == truth["bytes"]
    assert answer.headers["etag"] == provider.get(truth["url"]).headers["etag"]


@pytest.mark.parametrize(
    ("asked", "low", "high"),
    [
        ("0-9", 0, 10),
        ("100-", 100, 20_000),
        ("-50", 19_950, 20_000),
        ("19990-99999", 19_990, 20_000),
        ("0-", 0, 20_000),
    ],
)
def test_a_range_is_206(simulator: Controls, provider: httpx.Client, asked: str, low: int, high: int) -> None:
    url = finished(simulator, provider)["url"]
    answer = provider.get(url, headers={"Range": f"bytes={asked}"})
    assert answer.status_code == 206
    assert answer.content == provider.get(url).content[low:high]
    assert answer.headers["content-range"] == f"bytes {low}-{high - 1}/20000"
    assert int(answer.headers["content-length"]) == high - low


@pytest.mark.parametrize("asked", ["20000-", "99999-100000"])
def test_a_range_beyond_the_end_is_416(simulator: Controls, provider: httpx.Client, asked: str) -> None:
    answer = provider.get(finished(simulator, provider)["url"], headers={"Range": f"bytes={asked}"})
    assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */20000")


def test_validators_are_honoured(simulator: Controls, provider: httpx.Client) -> None:
    url = finished(simulator, provider)["url"]
    etag = provider.get(url).headers["etag"]
    assert provider.get(url, headers={"If-None-Match": etag}).status_code == 304
    assert provider.get(url, headers={"Range": "bytes=0-9", "If-Range": etag}).status_code == 206
    assert provider.get(url, headers={"Range": "bytes=0-9", "If-Range": '"other"'}).status_code == 200


def test_a_url_cannot_be_guessed(simulator: Controls, provider: httpx.Client) -> None:
    url = finished(simulator, provider)["url"]
    assert provider.get(url[:-1]).status_code == 403
    assert provider.get(url.partition("?")[0]).status_code == 403
    assert provider.get(url.replace("v=0", "v=1")).status_code == 403
    assert provider.get(url.replace("0.mp4", "1.mp4")).status_code == 404


def test_a_file_of_any_size_is_served_without_being_held(simulator: Controls, provider: httpx.Client) -> None:
    simulator.fault("result_size", params={"bytes": 6 << 30})
    task_id = provider.post(T2V, json=CLIP).json()["data"]["task_id"]
    (task,) = (each for each in _until_done(simulator)["tasks"] if each["task_id"] == task_id)
    url = task["results"][0]["url"]
    assert provider.head(url).headers["content-length"] == str(6 << 30)
    assert len(provider.get(url, headers={"Range": "bytes=-100"}).content) == 100
    with provider.stream("GET", url) as answer:
        assert len(next(answer.iter_raw(300_000))) == 300_000


def _until_done(simulator: Controls) -> dict[str, Any]:
    """The settled state without hashes, which would take a while for gigabytes."""
    return until(lambda: (state := simulator.state(hashes=False))["idle"] and state, "the simulator is idle", seconds=30)


@pytest.mark.parametrize("status", [403, 404])
def test_a_dead_url_is_healed_by_a_query(simulator: Controls, provider: httpx.Client, status: int) -> None:
    simulator.fault("result_dead", params={"status": status, "times": 2})
    result = finished(simulator, provider)
    assert provider.get(result["url"]).status_code == status
    path = f"{T2V}/{result['task_id']}"
    urls = [provider.get(path).json()["data"]["task_result"]["videos"][0]["url"] for _ in range(3)]
    assert [provider.get(url).status_code for url in urls] == [status, 200, 200]
    assert sha256(provider.get(urls[1]).content).hexdigest() == result["sha256"]
    assert simulator.state()["faults"]["injected"]["result_dead"] == 2


def test_a_living_url_stays_the_same(simulator: Controls, provider: httpx.Client) -> None:
    result = finished(simulator, provider)
    urls = {provider.get(f"{T2V}/{result['task_id']}").json()["data"]["task_result"]["videos"][0]["url"] for _ in range(3)}
    assert urls == {result["url"]}


def test_a_url_dies_after_it_was_issued(simulator: Controls, provider: httpx.Client) -> None:
    result = finished(simulator, provider)
    assert provider.get(result["url"]).status_code == 200
    simulator.kill_urls(result["task_id"], status=403)
    assert provider.get(result["url"]).status_code == 403
    (fresh,) = provider.get(f"{T2V}/{result['task_id']}").json()["data"]["task_result"]["videos"]
    assert provider.get(fresh["url"]).status_code == 200


def test_a_rule_kills_the_urls_of_a_finished_task(simulator: Controls, provider: httpx.Client) -> None:
    result = finished(simulator, provider)
    simulator.fault("result_dead", task_id=result["task_id"])
    assert provider.get(result["url"]).status_code == 404


def test_a_truncated_result_ends_too_early(simulator: Controls, provider: httpx.Client) -> None:
    simulator.fault("result_truncated", params={"at_byte": 5_000})
    result = finished(simulator, provider)
    got: list[bytes] = []
    with provider.stream("GET", result["url"]) as answer, pytest.raises(httpx.RemoteProtocolError):
        got.extend(answer.iter_raw())
    assert answer.headers["content-length"] == "20000"
    assert sum(len(piece) for piece in got) <= 5_000


def test_a_truncated_range_ends_too_early_too(simulator: Controls, provider: httpx.Client) -> None:
    simulator.fault("result_truncated", params={"at_byte": 5_000})
    url = finished(simulator, provider)["url"]
    got: list[bytes] = []
    asked = {"Range": "bytes=10000-"}
    with provider.stream("GET", url, headers=asked) as answer, pytest.raises(httpx.RemoteProtocolError):
        got.extend(answer.iter_raw(1_000))
    assert answer.headers["content-length"] == "10000"
    assert 0 < sum(len(piece) for piece in got) <= 5_000


def test_a_larger_result_exceeds_what_head_announced(simulator: Controls, provider: httpx.Client) -> None:
    simulator.fault("result_larger", params={"extra_bytes": 700})
    result = finished(simulator, provider)
    assert provider.head(result["url"]).headers["content-length"] == "20000"
    answer = provider.get(result["url"])
    assert "content-length" not in answer.headers
    assert len(answer.content) == 20_700


@pytest.mark.parametrize("params", [{}, {"media_type": "text/html"}, {"body": "x"}])
def test_a_result_of_another_type(simulator: Controls, provider: httpx.Client, params: dict[str, str]) -> None:
    simulator.fault("result_wrong_type", params=params)
    answer = provider.get(finished(simulator, provider)["url"])
    assert answer.text.startswith(params.get("body", "<html>"))
    assert answer.headers["content-type"].startswith(params.get("media_type", "video/mp4"))


@pytest.mark.parametrize("params", [{"delay_seconds": 0.04}, {"bytes_per_second": 400_000}])
def test_a_slow_result_takes_its_time(simulator: Controls, provider: httpx.Client, params: dict[str, float]) -> None:
    simulator.fault("result_slow", params=params)
    result = finished(simulator, provider)
    answer = provider.get(result["url"])
    assert answer.elapsed.total_seconds() >= 0.035
    assert sha256(answer.content).hexdigest() == result["sha256"]
