"""The files of a request are fetched from loopback. A file of the wrong kind makes the task fail."""

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx
import pytest

from local.simulator import Controls
from local.simulator.media import make_media

FILES = {extension: b"".join(make_media(extension, "seed", 9000).read()) for extension in ("png", "jpg", "mp4", "mp3", "wav")}


class _Files(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        content = FILES.get(self.path.partition("?")[0].rpartition(".")[2])
        self.send_response(200 if content else 403)
        self.end_headers()
        self.wfile.write(content or b"<Error/>")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing."""


@contextmanager
def _serving() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Files)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def files(socket_enabled: None) -> Iterator[str]:  # noqa: ARG001 - loopback only
    """Where files of every extension are; others are forbidden."""
    with _serving() as url:
        yield url


def done(simulator: Controls, provider: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """The task after its end, as the admin sees it."""
    task_id = provider.post(path, json=body).json()["data"]["task_id"]
    simulator.settle()
    return simulator.task(task_id)


def test_a_file_is_fetched_and_accounted_for(simulator: Controls, provider: httpx.Client, files: str) -> None:
    task = done(simulator, provider, "/videos/image2video", {"image": f"{files}/a.png?signature", "prompt": f"{files}/b.png"})
    assert task["status"] == "succeed"
    (entry,) = task["inputs"]
    assert (entry["field"], entry["kind"], entry["status"], entry["bytes"]) == ("image", "image", 200, 9000)
    assert entry["sha256"] == hashlib.sha256(FILES["png"]).hexdigest()
    assert entry["head"] == FILES["png"][:16].hex()


@pytest.mark.parametrize(
    ("file", "message"),
    [("a.mp4", "image: the file is not a supported image"), ("a.gif", "image: the file cannot be fetched: HTTP 403")],
)
def test_a_file_that_is_not_what_the_field_wants_fails_the_task(
    simulator: Controls, provider: httpx.Client, files: str, file: str, message: str
) -> None:
    task = done(simulator, provider, "/videos/image2video", {"image": f"{files}/{file}"})
    assert (task["status"], task["message"]) == ("failed", message)


def test_a_host_that_is_not_there_fails_the_task(simulator: Controls, provider: httpx.Client, files: str) -> None:
    with _serving() as gone:
        pass
    assert gone != files
    task = done(simulator, provider, "/videos/image2video", {"image": f"{gone}/a.png"})
    assert (task["status"], task["message"]) == ("failed", "image: ClientConnectorError")


def test_nested_files_of_every_kind_are_found(simulator: Controls, provider: httpx.Client, files: str) -> None:
    sound = base64.b64encode(FILES["wav"]).decode()
    body = {"video_url": f"{files}/a.mp4", "mode": "audio2video", "audio_type": "file", "audio_file": sound}
    task = done(simulator, provider, "/videos/lip-sync", {"input": body})
    assert [(each["field"], each["kind"], each["status"]) for each in task["inputs"]] == [
        ("input.video_url", "video", 200),
        ("input.audio_file", "audio", None),
    ]
    assert task["inputs"][1]["sha256"] == hashlib.sha256(FILES["wav"]).hexdigest()
    pictures = [{"image": f"{files}/a.png"}, {"image": f"{files}/b.jpg"}]
    task = done(simulator, provider, "/videos/multi-image2video", {"prompt": "a", "image_list": pictures})
    assert [each["field"] for each in task["inputs"]] == ["image_list[0].image", "image_list[1].image"]


def test_files_elsewhere_belong_to_nobody(simulator: Controls, provider: httpx.Client) -> None:
    task = done(simulator, provider, "/videos/image2video", {"image": "https://example.com/a.png"})
    assert (task["status"], task["inputs"]) == ("succeed", [])
