"""A client's own files: put into the bucket, fetched by the provider, byte for byte."""

import hashlib
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.gateway import EventLog, Gateway
from local.simulator import Controls
from local.simulator.media import make_media
from local.stack import ROOT, Stack
from tests.e2e.conftest import PATIENCE

TYPES = {"png": "image/png", "jpg": "image/jpeg", "mp4": "video/mp4", "mp3": "audio/mpeg", "wav": "audio/wav"}


def _file(extension: str, size: int = 300_000) -> bytes:
    return b"".join(make_media(extension, "an upload", size).read())


def _announced(gateway: Gateway, extension: str, content: bytes) -> dict[str, Any]:
    body = {"media_type": TYPES[extension], "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    answer = gateway.request("POST", "/uploads", json=body)
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


def _uploaded(gateway: Gateway, extension: str, content: bytes) -> str:
    data = _announced(gateway, extension, content)
    put = data["put"]
    answer = httpx.request(put["method"], put["url"], headers=put["headers"], content=content, trust_env=False)
    assert answer.status_code == 200, answer.text
    return str(data["reference"])


def _fetched(provider: Controls, task_id: str) -> dict[str, tuple[int | None, int, str]]:
    """What the provider got, by field: HTTP status (None in base64), bytes, SHA-256."""
    inputs = provider.task(task_id)["inputs"]
    return {each["field"]: (each["status"], each["bytes"], each["sha256"]) for each in inputs}


def _truth(status: int | None, content: bytes) -> tuple[int | None, int, str]:
    return status, len(content), hashlib.sha256(content).hexdigest()


def test_the_provider_fetches_the_bytes_that_were_uploaded(gateway: Gateway, provider: Controls, events: EventLog) -> None:
    first, last = _file("png"), _file("jpg", 9_000_000)
    body = {
        "image": _uploaded(gateway, "png", first),
        "image_tail": _uploaded(gateway, "jpg", last),
        "prompt": "from one to the other",
    }
    task_id = gateway.submit("videos/image2video", body)["task_id"]
    events.wait_for([task_id], timeout=PATIENCE)
    task = gateway.task(task_id)
    assert (task["status"], task["archive"]) == ("succeed", "stored"), task["status_message"]
    assert _fetched(provider, task_id) == {"image": _truth(200, first), "image_tail": _truth(200, last)}


def test_a_field_that_takes_base64_only_gets_the_same_bytes(gateway: Gateway, provider: Controls, events: EventLog) -> None:
    clip, sound = _file("mp4"), _file("mp3", 5_000_000)
    given = {"video_url": _uploaded(gateway, "mp4", clip), "audio_file": _uploaded(gateway, "mp3", sound)}
    body = {"input": {"mode": "audio2video", "audio_type": "file", **given}}
    task_id = gateway.submit("videos/lip-sync", body)["task_id"]
    events.wait_for([task_id], timeout=PATIENCE)
    assert gateway.task(task_id)["status"] == "succeed"
    assert _fetched(provider, task_id) == {"input.video_url": _truth(200, clip), "input.audio_file": _truth(None, sound)}


def test_a_task_that_waited_in_the_queue_finds_its_file(gateway: Gateway, provider: Controls, events: EventLog) -> None:
    content = _file("png")
    provider.fault("refuse", next=1, params={"code": 1303})
    task_id = gateway.submit("videos/image2video", {"image": _uploaded(gateway, "png", content)})["task_id"]
    events.wait_for([task_id], timeout=PATIENCE)
    task = gateway.task(task_id)
    assert (task["status"], task["attempts"]) == ("succeed", 2)
    assert _fetched(provider, task_id) == {"image": _truth(200, content)}


@pytest.mark.usefixtures("provider")
def test_what_has_not_arrived_is_nobodys_and_what_is_anothers_is_too(gateway: Gateway, stranger: Gateway) -> None:
    content = _file("png")
    missing = _announced(gateway, "png", content)["reference"]
    for client, reference in ((gateway, missing), (stranger, _uploaded(gateway, "png", content))):
        answer = client.request("POST", "/kling/v1/videos/image2video", json={"image": reference})
        assert (answer.status_code, answer.json()["code"]) == (400, 1201)
        assert answer.json()["message"] == f"image: upload {reference} has not arrived: PUT it first"


def test_the_documented_commands_work_as_written(
    stack: Stack, gateway: Gateway, provider: Controls, events: EventLog, tmp_path: Path
) -> None:
    content = _file("png")
    (tmp_path / "cat.png").write_bytes(content)
    text = (ROOT / "docs" / "api.md").read_text().split("\n## Uploads\n")[1]
    script = re.findall(r"^```bash\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[0]
    environment = {**os.environ, "RELAY_URL": stack.gateway_url, "RELAY_KEY": stack.api_key}
    shell = ["bash", "-eu", "-c", script]
    done = subprocess.run(shell, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE)  # noqa: S603
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.strip().splitlines()[-1])
    assert answer["code"] == 0, answer
    task_id = answer["data"]["task_id"]
    events.wait_for([task_id], timeout=PATIENCE)
    assert gateway.task(task_id)["status"] == "succeed"
    assert _fetched(provider, task_id) == {"image": _truth(200, content)}
