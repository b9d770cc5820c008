"""`relay submit`, `call`, `get`, `list`, `watch`, `cancel`, `download`: the installed program with the relay's functions."""

import base64
import hashlib
import json
import signal
from pathlib import Path

import httpx
import pytest

from tests.integration.cli.conftest import Program
from tests.integration.cli.front import Front, Request
from tests.support.moto_world import MotoWorld, video
from tests.support.upstream import File, envelope, refusal

PROMPT = ("--prompt", "A ginger cat watches the rain")
CLIP = video(1000)
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(4) + b"IHDR" + (400).to_bytes(4) + (300).to_bytes(4)


def move(gateway: Front, *steps: str) -> None:
    """Before each query of a task, let the provider report the next step: a case of events/receive_callback, or `stored`."""
    going = list(steps)
    world = gateway.world

    def before(request: Request) -> None:
        if not (request.method == "GET" and request.path.startswith("/tasks/") and going):
            return
        task_id, step = request.path.rpartition("/")[2], going.pop(0)
        if step == "stored":
            assert world.archive(task_id) == {"batchItemFailures": []}
        elif step == "succeed":
            url = world.outside.file("clip.mp4", File(body=CLIP))
            world.callback(step, task_id, task_result={"videos": [{"id": "v", "url": url, "duration": "5.1"}]})
        else:
            world.callback(step, task_id)

    gateway.before = before


def test_submit_prints_only_the_task_id_on_standard_output(relay: Program, world: MotoWorld) -> None:
    ran = relay.installed("submit", "text2video", *PROMPT, "--duration", "10", "--cfg-scale", "0.4")
    assert ran.code == 0, ran.err
    (sent,) = world.outside.creates()
    assert sent.path == "/kling/v1/videos/text2video"
    assert {name: sent.body[name] for name in ("prompt", "duration", "cfg_scale")} == {
        "prompt": PROMPT[1],
        "duration": "10",
        "cfg_scale": 0.4,
    }
    assert ran.out == sent.body["external_task_id"] + "\n"
    assert "Idempotency-Key cli-" in ran.err


def test_submit_with_json_prints_the_idempotency_key_for_a_retry(relay: Program) -> None:
    first = relay("submit", "videos/text2video", *PROMPT, "--json")
    answer = first.document
    assert answer["status"] == "submitted"
    assert first.err == ""
    again = relay("submit", "text2video", *PROMPT, "--json", "--idempotency-key", answer["idempotency_key"])
    assert again.document["task_id"] == answer["task_id"]
    other = relay("submit", "text2video", "--prompt", "a dog", "--json", "--idempotency-key", answer["idempotency_key"])
    assert (other.code, other.error["http_status"]) == (3, 422)


def test_a_create_whose_response_is_lost_is_retried_with_the_same_key(relay: Program, gateway: Front, world: MotoWorld) -> None:
    gateway.lost = frozenset({1})
    gateway.instead = {2: (503, b'{"message":"Service Unavailable"}')}
    ran = relay("submit", "text2video", *PROMPT)
    assert ran.code == 0, ran.err
    assert len({request.headers["idempotency-key"] for request in gateway.requests}) == 1
    assert len(gateway.requests) == 3
    assert len(world.outside.creates()) == 1
    assert ran.err.count("retrying in") == 2


def test_a_relay_that_never_responds_exits_with_6_and_the_idempotency_key(relay: Program, gateway: Front) -> None:
    gateway.lost = frozenset({1, 2, 3})
    ran = relay("submit", "text2video", *PROMPT, "--json")
    assert ran.code == 6
    assert ran.error["idempotency_key"] in ran.error["advice"]
    assert len(gateway.requests) == 3


def test_small_files_are_embedded_in_the_body(relay: Program, world: MotoWorld) -> None:
    (relay.folder / "cat.png").write_bytes(PICTURE)
    ran = relay("submit", "image2video", "--image", "cat.png", *PROMPT)
    assert ran.code == 0, ran.err
    body = world.outside.creates()[0].body
    assert base64.b64decode(body["image"]) == PICTURE
    missing = relay("submit", "image2video", "--image", "dog.png")
    assert missing.code == 2
    assert "dog.png: No such file" in missing.err
    url = relay("submit", "image2video", "--image", "https://example.com/cat.png")
    assert url.code == 0
    assert world.outside.creates()[1].body["image"] == "https://example.com/cat.png"


def test_large_files_are_uploaded(relay: Program, world: MotoWorld) -> None:
    large, clip = PICTURE + bytes(4_000_000), video(5000)
    (relay.folder / "large.png").write_bytes(large)
    (relay.folder / "clip.mp4").write_bytes(clip)
    ran = relay("submit", "image2video", "--image", "large.png")
    assert ran.code == 0, ran.err
    assert "uploaded large.png (4.0 MB) as relay://uploads/" in ran.err
    options = ("--video-url", "clip.mp4", "--mode", "text2video", "--text", "hello", "--voice-id", "v")
    synced = relay("submit", "lip-sync", *options)
    assert synced.code == 0, synced.err
    sent = [world.outside.creates()[0].body["image"], world.outside.creates()[1].body["input"]["video_url"]]
    assert [httpx.get(url).content for url in sent] == [large, clip]


def test_a_file_that_can_be_neither_embedded_nor_uploaded_is_refused(relay: Program, gateway: Front) -> None:
    (relay.folder / "large.gif").write_bytes(bytes(4_000_000))
    ran = relay("submit", "image2video", "--image", "large.gif")
    assert ran.code == 2
    assert ".png" in ran.err
    assert gateway.requests == []


def test_an_upload_that_the_bucket_rejects_exits_with_3(relay: Program, world: MotoWorld) -> None:
    (relay.folder / "clip.mp4").write_bytes(video(5000))
    world.s3.delete_bucket(Bucket="results")
    ran = relay("submit", "lip-sync", "--video-url", "clip.mp4")
    assert ran.code == 3
    assert "HTTP 404" in ran.err


def test_body_options_and_fields_are_merged_into_the_body(relay: Program, world: MotoWorld) -> None:
    (relay.folder / "body.json").write_text(json.dumps({"prompt": "from the file", "mode": "std", "newer": {"a": 1}}))
    options = ("--body", "body.json", "--mode", "pro", "--field", "newer.b:=[2]", "--field", "sound=off")
    ran = relay("submit", "text2video", *options)
    assert ran.code == 0, ran.err
    body = world.outside.creates()[0].body
    assert {name: body[name] for name in ("prompt", "mode", "newer", "sound")} == {
        "prompt": "from the file",
        "mode": "pro",
        "newer": {"a": 1, "b": [2]},
        "sound": "off",
    }
    piped = relay("submit", "text2video", "--body", "-", given='{"prompt": "piped"}')
    assert piped.code == 0
    assert world.outside.creates()[1].body["prompt"] == "piped"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--body", "none.json"), "none.json"),
        (("--body", "-"), "not JSON"),
        (("--field", "nonsense"), "name=text"),
        (("--field", "a:=nonsense"), "not JSON"),
        (("--field", "prompt=x", "--field", "prompt.y=z"), "not an object"),
        (("--mode", "fast"), "pro"),
    ],
)
def test_an_invalid_command_line_exits_with_2_and_the_reason(
    relay: Program, gateway: Front, options: tuple[str, ...], reason: str
) -> None:
    ran = relay("submit", "text2video", *options)
    assert ran.code == 2
    assert reason in ran.err
    assert gateway.requests == []


def test_a_refused_request_names_the_field(relay: Program) -> None:
    ran = relay("submit", "text2video")
    assert ran.code == 3
    assert "relay: prompt: expected" in ran.err
    assert ran.out == ""
    in_json = relay("submit", "text2video", "--json")
    assert (in_json.code, in_json.error["code"], in_json.error["exit_code"]) == (3, 1201, 3)


def test_a_refusal_by_the_provider_is_printed_with_its_code(relay: Program, world: MotoWorld) -> None:
    world.outside.next_answers = [(400, refusal(1301, "content security policy"))]
    ran = relay("submit", "text2video", *PROMPT)
    assert ran.code == 3
    assert "content security policy (code 1301)" in ran.err


def test_submit_waits_and_downloads(relay: Program, gateway: Front) -> None:
    move(gateway, "processing", "succeed", "stored")
    ran = relay.installed("submit", "text2video", *PROMPT, "--wait", "--download", "clips")
    assert ran.code == 0, ran.err
    path = relay.folder / ran.out.strip()
    assert path.parent.name == "clips"
    assert path.read_bytes() == CLIP
    phases = [line.split()[3] for line in ran.err.splitlines() if " s  " in line]
    assert phases == ["processing", "storing", "stored"]
    assert "SHA-256 as stored" in ran.err
    assert list(path.parent.iterdir()) == [path]


def test_submit_and_wait_in_json_is_one_document(relay: Program, gateway: Front) -> None:
    move(gateway, "processing", "succeed", "stored")
    answer = relay("submit", "text2video", *PROMPT, "--download", "clips", "--json").document
    assert answer["status"] == "succeed"
    assert answer["task"]["archive"] == "stored"
    (file,) = answer["files"]
    assert file["sha256"] == hashlib.sha256(CLIP).hexdigest()
    assert file["verified"]
    assert (relay.folder / file["path"]).read_bytes() == CLIP


def test_a_task_that_fails_during_the_wait_exits_with_1_and_the_reason(relay: Program, gateway: Front) -> None:
    move(gateway, "processing", "failed")
    ran = relay("submit", "text2video", *PROMPT, "--wait")
    assert ran.code == 1
    assert "failed: " in ran.err
    assert "submit again" in ran.err


def test_the_wait_ends_at_its_timeout_and_the_task_continues(relay: Program) -> None:
    ran = relay("submit", "text2video", *PROMPT, "--wait", "--timeout", "0", "--json")
    assert ran.code == 7
    assert "relay watch" in ran.error["advice"]


def test_ctrl_c_ends_the_wait_and_prints_how_to_resume_it(relay: Program) -> None:
    with relay.start("submit", "text2video", *PROMPT, "--wait") as running:
        assert running.stderr
        while "submitted" not in (line := running.stderr.readline()):
            assert line
        task_id = line.split()[2]
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert f"relay watch {task_id}" in err
    assert "Traceback" not in err


def test_a_path_that_is_not_in_the_table_is_sent_to_the_relay(relay: Program, world: MotoWorld) -> None:
    ran = relay("submit", "videos/newest", "--field", "prompt=x")
    assert ran.code == 0, ran.err
    assert "warning: videos/newest is not known" in ran.err
    assert world.outside.creates()[0].path == "/kling/v1/videos/newest"
    assert relay("submit", "newest").code == 2
    assert relay("submit", "audio/tts").code == 2
    assert relay("submit", "nonsense/newest").code == 5


def test_an_unknown_operation_that_is_synchronous_prints_its_result(relay: Program, world: MotoWorld) -> None:
    world.outside.next_answers = [(200, envelope({"voices": ["a"]}))]
    ran = relay("submit", "general/presets-voices", "--field", "page:=1", "--json")
    assert (ran.code, ran.document) == (0, {"voices": ["a"]})


SPOKEN = ("--text", "hello", "--voice-id", "v", "--voice-language", "en")


def test_call_prints_the_result_of_a_synchronous_operation(relay: Program, world: MotoWorld) -> None:
    world.outside.next_answers = [(200, envelope({"session_id": "s", "face_data": []}))] * 2
    ran = relay.installed("call", "identify-face", "--video-id", "v")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out) == {"session_id": "s", "face_data": []}
    assert world.outside.creates()[0].body == {"video_id": "v"}
    assert relay("call", "videos/identify-face", "--video-id", "v", "--json").document["session_id"] == "s"
    assert relay("call", "text2video").code == 2
    wrong = relay("call", "tts", "--text", "hello")
    assert (wrong.code, "voice_id" in wrong.err) == (3, True)


def test_a_call_that_may_have_been_billed_is_not_retried(relay: Program, gateway: Front, world: MotoWorld) -> None:
    gateway.lost = frozenset({1})
    world.outside.next_answers = [(200, envelope({"audio": "a"}))] * 3
    ran = relay("call", "tts", *SPOKEN)
    assert ran.code == 6
    assert len(world.outside.creates()) == 1
    gateway.instead = {2: (504, b'{"code": 5002, "message": "it may have been done and charged", "request_id": "r"}')}
    ran = relay("call", "tts", *SPOKEN)
    assert ran.code == 6
    assert "charged" in ran.err
    assert "--idempotency-key" not in ran.err
    assert len(gateway.requests) == 2


def test_call_costs_sends_its_fields_as_a_query(relay: Program, gateway: Front, world: MotoWorld) -> None:
    world.outside.next_answers = [(200, envelope({"resource_pack_subscribe_infos": []}))]
    ran = relay("call", "costs", "--field", "start_time=1", "--field", "end_time=2", "--json")
    assert ran.document == {"resource_pack_subscribe_infos": []}
    assert gateway.requests[0].path == "/kling/account/costs?start_time=1&end_time=2"


def test_get_shows_a_task_by_either_id(relay: Program, world: MotoWorld) -> None:
    task_id = world.submitted(external_task_id="mine")
    for reference in (task_id, "mine"):
        ran = relay.installed("get", reference)
        assert ran.code == 0, ran.err
        assert task_id in ran.out
        assert "submitted" in ran.out
    assert relay("get", "mine", "--json").document["task_id"] == task_id
    missing = relay("get", "no such task")
    assert missing.code == 5
    assert "no such task" in missing.err


def test_cancel_ends_a_task_and_may_be_repeated(relay: Program, world: MotoWorld) -> None:
    task_id = world.submitted(external_task_id="mine")
    for reference in (task_id, "mine"):
        document = relay.installed("cancel", reference, "--json").document
        assert (document["task_id"], document["status"], document["failure"]["code"]) == (task_id, "failed", "cancelled")
    assert relay("cancel", "no such task").code == 5


def test_cancel_says_that_a_task_had_ended(relay: Program, world: MotoWorld) -> None:
    late = relay("cancel", world.succeeded("https://results.example/a.mp4"))
    assert late.code == 3
    assert "had ended before: its status is succeed" in late.err


def test_list_shows_the_newest_first(relay: Program, world: MotoWorld) -> None:
    videos = [world.submitted() for _ in range(3)]
    image = world.submitted("generations")
    ran = relay.installed("list")
    assert [line.split()[0] for line in ran.out.splitlines()[1:]] == [image, *reversed(videos)]
    assert [task["task_id"] for task in relay("list", "--limit", "2", "--json").document] == [image, videos[2]]
    assert [task["task_id"] for task in relay("list", "--operation", "generations", "--json").document] == [image]
    assert relay("list", "--status", "failed", "--json").document == []
    assert relay("list", "--operation", "nonsense").code == 3


def test_watch_follows_all_unfinished_tasks(relay: Program, gateway: Front, world: MotoWorld) -> None:
    first = world.submitted()
    done = world.submitted()
    world.callback("failed", done)
    move(gateway, "processing", "succeed", "stored")
    ran = relay.installed("watch", "--download", "clips")
    assert ran.code == 0, ran.err
    assert ran.out == f"clips/{first}-0.mp4\n"
    assert done not in ran.err
    nothing = relay("watch")
    assert (nothing.code, nothing.out) == (0, "")


def test_watch_with_json_prints_one_line_per_change(relay: Program, gateway: Front, world: MotoWorld) -> None:
    task_id = world.submitted()
    move(gateway, "submitted", "processing", "failed")
    ran = relay("watch", task_id, "--json")
    assert ran.code == 1
    assert [json.loads(line)["status"] for line in ran.out.splitlines()] == ["submitted", "processing", "failed"]


def test_download_fetches_missing_files_and_checks_them(relay: Program, world: MotoWorld) -> None:
    task_id = world.succeeded(world.outside.file("a.mp4", File(body=CLIP)), world.outside.file("b.mp4", File(body=CLIP[:500])))
    world.archive(task_id)
    ran = relay.installed("download", task_id, "--to", "clips", "--json")
    assert ran.code == 0, ran.err
    assert [Path(file["path"]).name for file in ran.document] == [f"{task_id}-0.mp4", f"{task_id}-1.mp4"]
    first = relay.folder / ran.document[0]["path"]
    written = first.stat().st_mtime_ns
    (relay.folder / ran.document[1]["path"]).write_bytes(b"broken")
    assert relay("download", task_id, "--to", "clips").code == 0
    assert first.stat().st_mtime_ns == written
    assert (relay.folder / ran.document[1]["path"]).read_bytes() == CLIP[:500]


def test_a_file_with_the_wrong_sha256_is_not_kept(relay: Program, world: MotoWorld) -> None:
    task_id = world.succeeded(world.outside.file("a.mp4", File(body=CLIP)))
    world.archive(task_id)
    world.s3.put_object(Bucket="results", Key=f"results/{task_id}/0.mp4", Body=CLIP[::-1])
    ran = relay("download", task_id, "--to", "clips")
    assert ran.code == 6
    assert "SHA-256" in ran.err
    assert list((relay.folder / "clips").iterdir()) == []


def test_a_download_does_not_send_the_key(relay: Program, gateway: Front, world: MotoWorld) -> None:
    task_id = world.succeeded(f"{gateway.url}/clip.mp4")
    gateway.instead = {2: (200, CLIP)}
    ran = relay("download", task_id)
    assert ran.code == 0, ran.err
    assert "SHA-256 unknown" in ran.err
    assert ["authorization" in request.headers for request in gateway.requests] == [True, False]


def test_a_download_without_files_exits_with_5_and_advice(relay: Program, world: MotoWorld) -> None:
    task_id = world.submitted()
    ran = relay("download", task_id)
    assert ran.code == 5
    assert f"relay watch {task_id}" in ran.err
    gone = world.succeeded(f"{world.outside.url}/files/gone.mp4")
    assert relay("download", gone).code == 5


def test_an_unknown_key_exits_with_4_and_advice(relay: Program) -> None:
    ran = relay("list", RELAY_KEY="crk_foreign")
    assert ran.code == 4
    assert "relay keys create" in ran.err
    assert "crk_foreign" not in ran.out + ran.err
    assert relay("list", RELAY_KEY="").code == 4


def test_a_url_that_is_not_a_relay_is_refused(relay: Program, gateway: Front) -> None:
    gateway.instead = {1: (200, b"<html>a router</html>")}
    ran = relay("list")
    assert ran.code == 5
    assert "ApiUrl" in ran.err
    assert relay("list", RELAY_URL="").code == 5
    assert relay("list", "--url", "http://relay.example.com").code == 3
    assert relay("list", "--url", "nonsense").code == 3


def test_without_a_terminal_there_are_no_colours_or_progress_bars(relay: Program, gateway: Front) -> None:
    move(gateway, "processing", "failed")
    ran = relay.installed("submit", "text2video", *PROMPT, "--wait")
    assert "\x1b" not in ran.out + ran.err


def test_the_version_and_the_exit_codes_are_in_the_help(relay: Program) -> None:
    assert relay("--version").out.strip()
    ran = relay("--help")
    assert "Exit codes" in ran.out
    assert relay("nonsense").code == 2
