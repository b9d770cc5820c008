"""No secret is ever logged: neither while all goes well, nor in any failure's traceback, nor in an exception's own words."""

import io
import json
import logging
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from relay.domain.webhook import Delivery
from relay_cli.operator import webhooks
from tests.support.moto_world import PROVIDER_KEY, MotoWorld, event, video, with_body, with_path, with_tenant
from tests.support.tokens import signed
from tests.support.upstream import File, refusal

PROMPT = "a lighthouse that nobody may read about"
IMAGE = "iVBORw0KGgo" + "QmFzZTY0" * 60
QUERY = "auth_key=1722769557-do-not-log"
OUTPUTS = {"WebhookStateTable": "webhooks", "WebhookKeyId": "webhook-key"}
_EMULATOR = ("werkzeug", "moto", "py.warnings")
FAILED = pytest.mark.filterwarnings("ignore:No application metrics")


class Listener:
    """Everything that is logged or printed, and every exception that a function lets out."""

    def __init__(self, world: MotoWorld, text: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
        self.world = world
        self._text = text
        self._capsys = capsys
        self.secrets = {
            "the provider's key": PROVIDER_KEY,
            "the callback secret": "k" * 64,
            "the clients' master secret": "m" * 64,
            "the webhook key": "w" * 64,
            "the tenant's webhook secret": webhooks.secrets_of(
                "acme", {"WebhookStateTable": "webhooks", "WebhookKeyId": "webhook-key"}
            )[0],
            "the client's endpoint": "/hooks/",
            "the client's own query string": QUERY,
            "the prompt": PROMPT,
            "the image": IMAGE,
            "a signature": "X-Amz-Signature",
            "a credential": "X-Amz-Credential",
        }

    def call(self, act: Callable[[], Any]) -> Any:
        """What `act` gives; of an exception, its words and those of its causes are kept."""
        try:
            return act()
        except Exception as error:  # noqa: BLE001 - whatever the function lets out is what Lambda logs
            self._text.write("".join(traceback.format_exception(error)) + repr(error))
        return None

    def submitted(self) -> str:
        """A task with everything in it that is private; its token is a secret from now on."""
        task_id = self.world.submitted(prompt=PROMPT, callback_url=f"{self.world.outside.url}/hooks/a?{QUERY}")
        token = self.world.token(task_id)
        self.secrets[f"the token of {task_id}"] = token.partition(".")[2]
        return task_id

    def heard(self) -> str:
        """All of it."""
        out, err = self._capsys.readouterr()
        self._text.write(out + err)
        return self._text.getvalue()

    def leaks(self) -> list[str]:
        """The secrets that were heard."""
        heard = self.heard()
        return [name for name, secret in self.secrets.items() if secret in heard]


@pytest.fixture
def listener(world: MotoWorld, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    """All loggers at DEBUG, as a stack's LogLevel may be; but for the emulator's own, which lives in this process."""
    world.submitted()  # the first import reads the environment
    from relay.entrypoint.telemetry import logger

    text = io.StringIO()
    kept = logging.StreamHandler(text)
    kept.addFilter(lambda record: not record.name.startswith(_EMULATOR))
    root = logging.getLogger()
    level, own_level = root.level, logger.log_level
    root.addHandler(kept)
    root.setLevel(logging.DEBUG)
    logger.setLevel("DEBUG")
    for handler in logger.handlers:
        monkeypatch.setattr(handler, "stream", text)
    yield Listener(world, text, capsys)
    logger.setLevel(own_level)
    root.setLevel(level)
    root.removeHandler(kept)


def test_the_life_of_a_task_tells_no_secret(listener: Listener) -> None:
    world = listener.world
    url = world.outside.file("a.mp4", File(body=video(300))) + f"?{QUERY}"
    world.outside.files[f"/files/a.mp4?{QUERY}"] = world.outside.files["/files/a.mp4"]
    key = listener.secrets["the client's key"] = world.key_for("acme")
    payload = event("authorize.known")
    payload["headers"]["authorization"] = f"Bearer {key}"
    assert world.call("authorize", payload)["context"]["tenant"] == "acme"
    task_id = listener.submitted()
    body = json.loads(event("submit_task.image2video")["body"]) | {"image": IMAGE, "prompt": PROMPT}
    assert world.submit("image2video", body).status in {200, 400}
    world.callback("processing", task_id)
    videos = [{"id": "v", "url": url}]
    assert world.callback("succeed", task_id, task_result={"videos": videos}).data == {"status": "applied"}
    world.publish()
    assert world.archive(task_id) == {"batchItemFailures": []}
    world.publish()
    assert [world.announce(message) for message in world.messages("webhooks")]
    assert [hook.task["task_status"] for hook in world.outside.hooks][-1] == "succeed"
    shown = world.http("query_tasks", with_path(event("query_tasks.single"), f"/kling/v1/videos/text2video/{task_id}"))
    assert "X-Amz-Signature" in str(shown.data)
    assert listener.leaks() == []
    assert task_id in listener.heard()  # something was heard
    assert '"_aws"' in listener.heard()  # the metrics too


def test_an_upload_tells_no_secret(listener: Listener) -> None:
    world = listener.world
    content = b"\x89PNG\r\n\x1a\n" + bytes(500)
    body = with_body(event("submit_task.upload"), {"media_type": "image/png", "bytes": len(content)})
    data = world.http("submit_task", body).data
    listener.secrets["the file's reference"] = data["reference"]
    request = {"image": data["reference"]}
    assert world.submit("image2video", request).code == 1201
    assert httpx.put(data["put"]["url"], headers=data["put"]["headers"], content=content, trust_env=False).status_code == 200
    assert world.submit("image2video", request).code == 0
    assert "X-Amz-Signature" in world.outside.creates()[-1].body["image"]
    assert listener.leaks() == []


FORGED = ("forged", "cut", "padded", "foreign")


@pytest.mark.parametrize("kind", FORGED)
def test_a_forged_callback_tells_no_secret(listener: Listener, kind: str) -> None:
    world = listener.world
    task_id, other = listener.submitted(), listener.submitted()
    token = world.token(task_id)
    forged = {"forged": "kling." + "Z" * 43, "cut": token[:-1], "padded": token + "=", "foreign": world.token(other)}[kind]
    listener.secrets["what was sent as a token"] = forged
    assert world.callback("succeed", task_id, forged, body={"prompt": PROMPT}).status == 404
    assert listener.leaks() == []


BODIES: dict[str, object] = {
    "not JSON": f'{{"prompt": "{PROMPT}", "url": "https://h/?{QUERY}"',
    "not UTF-8": b"\xff" + PROMPT.encode(),
    "another protocol": {"prompt": PROMPT, "image": IMAGE},
    "a status that is none": {"task_id": "1", "task_status": PROMPT},
    "an id that is none": {"task_id": [PROMPT], "task_status": "processing"},
    "a URL that is too long": {
        "task_id": "1",
        "task_status": "succeed",
        "task_result": {"videos": [{"url": f"https://h/?{QUERY}" + "x" * 5000}]},
    },
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_malformed_callback_tells_nothing_of_itself(listener: Listener, body: object) -> None:
    task_id = listener.submitted()
    assert listener.world.callback("succeed", task_id, body=body).data == {"status": "quarantined"}
    assert listener.leaks() == []


def test_no_client_key_is_told_whether_it_is_known_or_not(listener: Listener) -> None:
    pair, plain = listener.world.pair_for("acme"), listener.world.key_for("acme")
    listener.secrets |= {"a plain key": plain, "a secret key": pair.secret}
    presented = [plain, plain + "x", signed(pair), signed(pair, exp=1), signed(pair) + "x", signed(pair, exp="soon"), pair.secret]
    for number, credential in enumerate(presented):
        listener.secrets[f"what was presented as number {number}"] = credential
        payload = event("authorize.known")
        payload["headers"]["authorization"] = f"Bearer {credential}"
        context = listener.world.call("authorize", payload)["context"]
        listener.world.http("submit_task", with_tenant(event("submit_task.text2video"), context.pop("tenant", None), **context))
    assert listener.leaks() == []


REQUESTS: dict[str, object] = {
    "not JSON": f'{{"prompt": "{PROMPT}"',
    "a list": [PROMPT, IMAGE],
    "a wrong field": {"prompt": PROMPT, "duration": "7", "mode": PROMPT},
    "a prompt that is too long": {"prompt": PROMPT * 100},
    "an image instead of a number": {"prompt": PROMPT, "cfg_scale": IMAGE},
}


@pytest.mark.parametrize("body", REQUESTS.values(), ids=REQUESTS)
def test_a_refused_request_tells_nothing_of_itself(listener: Listener, body: object) -> None:
    listener.secrets["the sender's key"] = "crk_" + "q" * 43
    payload = with_body(event("submit_task.text2video"), body, authorization=f"Bearer {'crk_' + 'q' * 43}")
    for tenant in ("acme", None):
        answer = listener.world.http("submit_task", with_tenant(payload, tenant))
        assert answer.status in {400, 401}
    assert listener.leaks() == []


@pytest.mark.parametrize(
    "answer",
    [(500, b"<html>down</html>"), (429, refusal(1303, "busy")), (400, refusal(1301, f"unsafe: {PROMPT}")), (401, b"")],
    ids=["down", "busy", "refused", "unauthorized"],
)
def test_a_provider_that_fails_tells_no_secret(listener: Listener, answer: tuple[int, Any]) -> None:
    world = listener.world
    world.outside.next_answers = [answer]
    world.submit(body={"prompt": PROMPT})
    assert listener.leaks() == []


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError])
def test_a_connection_that_fails_tells_no_secret(
    listener: Listener, monkeypatch: pytest.MonkeyPatch, error: type[httpx.HTTPError]
) -> None:
    """Of the provider, of the result's host and of the bucket: each with a URL and a header in its hands."""
    world = listener.world
    url = world.outside.file("a.mp4", File(body=video(300))) + f"?{QUERY}"
    task_id = listener.submitted()
    world.callback("succeed", task_id, task_result={"videos": [{"id": "v", "url": url}]})
    send = httpx.HTTPTransport.handle_request

    def fail_where(method: str) -> Callable[..., httpx.Response]:
        def handle(transport: Any, request: httpx.Request) -> httpx.Response:
            if request.method == method:
                raise error(f"{request.url} {request.headers.get('authorization')}")
            return send(transport, request)

        return handle

    message = Delivery.of_task(world.task(task_id)).to_message()
    steps = {"POST": lambda: world.submit(body={"prompt": PROMPT}), "GET": lambda: world.archive(task_id)}
    for method, step in {**steps, "PUT": steps["GET"]}.items():
        with monkeypatch.context() as broken:
            broken.setattr(httpx.HTTPTransport, "handle_request", fail_where(method))
            assert listener.call(step)
            assert method != "POST" or listener.call(lambda: world.announce(message)) == {"batchItemFailures": []}
    assert "message failed" in listener.heard()
    assert listener.leaks() == []


CALLS = ["PutItem", "UpdateItem", "GetItem", "PutObject", "SendMessage", "GetSecretValue", "PutEvents", "Query"]


@FAILED
@pytest.mark.parametrize("operation", CALLS)
def test_an_aws_call_that_fails_tells_no_secret(listener: Listener, monkeypatch: pytest.MonkeyPatch, operation: str) -> None:
    world = listener.world
    task_id = listener.submitted()
    url = world.outside.file("a.mp4", File(body=video(300))) + f"?{QUERY}"
    call = BaseClient._make_api_call  # type: ignore[attr-defined]

    def throttled(client: Any, name: str, parameters: Any) -> Any:
        if name == operation:
            code = "ProvisionedThroughputExceededException"
            raise ClientError({"Error": {"Code": code, "Message": "The level of configured throughput was exceeded"}}, name)
        return call(client, name, parameters)

    task = world.task(task_id)
    world.outside.hook_answers = [(410, {})]
    videos = {"videos": [{"id": "v", "url": url}]}
    listing = with_path(event("query_tasks.single"), "/tasks", {})
    steps: list[Callable[[], Any]] = [
        lambda: world.submit(body={"prompt": PROMPT, "negative_prompt": PROMPT * 60}),
        lambda: world.callback("succeed", task_id, world.token(task_id), body={"prompt": PROMPT}),
        lambda: world.callback("succeed", task_id, task_result=videos),
        world.publish,
        lambda: world.archive(task_id),
        lambda: world.announce(Delivery.of_task(task).to_message()),
        lambda: world.http("query_tasks", listing),
        lambda: world.call("resubmit_tasks", event("resubmit_tasks.attempt")),
        lambda: world.call("reconcile_tasks", event("reconcile_tasks.schedule")),
        lambda: world.call("authorize", event("authorize.known")),
    ]
    with monkeypatch.context() as broken:
        broken.setattr(BaseClient, "_make_api_call", throttled)
        for step in steps:
            world.services._secrets._kept.clear()
            listener.call(step)
    assert "exceeded" in listener.heard()
    assert listener.leaks() == []


@pytest.mark.parametrize("status", [302, 410, 500])
def test_a_client_that_refuses_a_webhook_tells_no_url(listener: Listener, status: int) -> None:
    world = listener.world
    world.outside.hook_answers = [(status, {"Location": f"{world.outside.url}/hooks/b?{QUERY}"})]
    last = replace(Delivery.of_task(world.task(listener.submitted())), attempt=10)
    assert world.announce(last.to_message()) == {"batchItemFailures": []}
    assert listener.leaks() == []
    assert [name for name, secret in listener.secrets.items() if secret in str(world.messages("events"))] == []


@pytest.mark.parametrize("status", [403, 404, 503])
def test_a_bucket_or_a_host_that_refuses_tells_no_url(listener: Listener, status: int) -> None:
    world = listener.world
    name = world.outside.file("a.mp4", File(status=status))
    task_id = listener.submitted()
    world.callback("succeed", task_id, task_result={"videos": [{"id": "v", "url": f"{name}?{QUERY}"}]})
    assert world.archive(task_id, receives=7)["batchItemFailures"]
    assert "message failed" in listener.heard()
    assert world.archive(task_id, receives=8)["batchItemFailures"] == []
    assert "gave up archiving" in listener.heard()
    assert listener.leaks() == []


def test_a_put_that_the_bucket_refuses_tells_no_url(listener: Listener) -> None:
    world = listener.world
    url = world.outside.file("a.mp4", File(body=video(300)))
    task_id = listener.submitted()
    world.callback("succeed", task_id, task_result={"videos": [{"id": "v", "url": url}]})
    world.s3.delete_object(Bucket="results", Key=f"results/{task_id}/callback.json")
    world.s3.delete_bucket(Bucket="results")
    assert world.archive(task_id)["batchItemFailures"]
    assert "the bucket did not take the result: HTTP 404" in listener.heard()
    assert listener.leaks() == []


def test_the_listener_hears_a_leak(listener: Listener) -> None:
    def broken() -> None:
        raise RuntimeError(PROMPT)

    listener.call(broken)
    print(PROVIDER_KEY)  # noqa: T201
    logging.getLogger("httpx").warning("GET %s", f"https://h/?{QUERY}")
    assert listener.leaks() == ["the provider's key", "the client's own query string", "the prompt"]
