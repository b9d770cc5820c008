"""The relay that is fuzzed: its own handlers and HTTP clients over the fakes of AWS, and what must hold after each input."""

import base64
import importlib.util
import ipaddress
import json
import logging
from collections.abc import Callable, Mapping
from functools import cache
from types import SimpleNamespace
from typing import Any

from jsonschema import Draft4Validator

from relay.adapters.dynamodb.items import failure_texts, item_of, json_text, reason_text, results_text, task_of, text
from relay.adapters.eventbridge import EventBridgePublisher
from relay.adapters.http.bounded import BoundedTransport
from relay.adapters.http.bulk import BulkTransport
from relay.adapters.http.guard import Guard, GuardedTransport
from relay.adapters.http.provider import HttpProviderApi
from relay.adapters.http.results import HttpResultSource
from relay.adapters.http.webhooks import HttpWebhookSender
from relay.adapters.sqs import SqsWebhooks
from relay.domain.events import RESULTS_STORED, STATUS_CHANGED
from relay.domain.task import Task
from relay.domain.webhook import Delivery
from relay.entrypoint.telemetry import logger
from relay.providers.base import ProviderRequest, ProviderResponse
from relay.usecases.publish import publish
from relay.usecases.view import urls_of
from tests.fuzz.host import Host
from tests.support.cloudformation import ROOT
from tests.support.fakes.fake_world import FakeWorld
from tests.unit.adapters.test_webhook_secrets import Tenants

TENANT = "acme"
_ITEM = 409_600
_MESSAGE = 262_144
_ANSWER = 6_291_556
"""AWS's limits in bytes: a DynamoDB item; an SQS message or a PutEvents call, as they were until 2026; a response of Lambda."""
_VALIDATORS = {
    schema["x-amazon-events-detail-type"]: Draft4Validator({"definitions": schema["definitions"], "$ref": "#/definitions/detail"})
    for path in sorted((ROOT / "events" / "schemas").glob("*.json"))
    for schema in [json.loads(path.read_text())]
}
type Json = dict[str, Any]


class FindingError(AssertionError):
    """What the relay did with an input, and must not do."""


def must(holds: object, what: str) -> None:
    """Raise FindingError unless it holds."""
    if not holds:
        raise FindingError(what)


class _InTime:
    """ProviderApi that gives up after `seconds`."""

    def __init__(self, api: HttpProviderApi, seconds: float) -> None:
        self._api = api
        self._seconds = seconds

    def send(self, request: ProviderRequest, *, timeout: float) -> ProviderResponse:
        return self._api.send(request, timeout=min(timeout, self._seconds))


class FuzzedWorld(FakeWorld):
    """One relay, new for each input; `seconds` for one exchange with a peer. The clients are real once `connect` was called."""

    def __init__(self, host: Host, *, seconds: float = 20) -> None:
        super().__init__(allow_loopback=True)
        self.host = host
        self._published = 0
        self._announced: list[Json] = []
        self._seconds = seconds
        self._clients: list[Any] = []
        self._errors = _Errors()
        self._bus = _Bus()
        self.relay.events = EventBridgePublisher(self._bus, "bus", divert=_refuse)
        self.relay.webhook_queue = SqsWebhooks(_Queue(), retries_url="retries", dead_letters_url="dead")

    def connect(self) -> None:
        """From now on the provider, the result hosts and the clients' endpoints are the host."""
        seconds = self._seconds
        guard = Guard(allow_loopback=True, resolver=lambda _name: [ipaddress.ip_address("127.0.0.1")])
        api = HttpProviderApi(self.host.url(), lambda: "key")
        source = HttpResultSource(GuardedTransport(guard, BulkTransport()), longest=seconds)
        transport = GuardedTransport(guard, BoundedTransport())
        sender = HttpWebhookSender(transport, Tenants().secrets, timeout=seconds, now=self.clock)
        self._clients = [api._client, source._client, sender._client]
        self.relay.api, self.relay.source, self.relay.webhook_sender = _InTime(api, seconds), source, sender

    def close(self) -> None:
        """Close the connections."""
        for client in self._clients:
            client.close()

    def call(self, function: str, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, Json | str]:
        """A request to a function; its HTTP status and body."""
        event = _event(method, path, body, headers)
        log = logging.getLogger(logger.service)
        log.addHandler(self._errors)
        try:
            raw = _handler(function, self)(event, _CONTEXT)
        finally:
            log.removeHandler(self._errors)
        if self._errors.seen:
            raise FindingError(f"{method} {path}: {self._errors.seen[0]!r}") from self._errors.seen[0]
        must(len(raw["body"].encode()) <= _ANSWER, f"{method} {path}: the answer is larger than Lambda takes")
        must(100 <= raw["statusCode"] < 600, f"{method} {path}: HTTP {raw['statusCode']}")
        return raw["statusCode"], _read(raw["body"])

    def enveloped(self, function: str, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, Json]:
        """The same, which must be in the envelope, and not a bare 500."""
        status, answer = self.call(function, method, path, body, **headers)
        must(isinstance(answer, dict), f"{method} {path}: the answer is no JSON object: {str(answer)[:200]}")
        assert isinstance(answer, dict)
        kinds = {"code": int, "message": str, "request_id": str}
        must(status != 500 and all(isinstance(answer.get(name), kind) for name, kind in kinds.items()),
             f"{method} {path}: HTTP {status} {str(answer)[:200]}")  # fmt: skip
        return status, answer

    def check_task(self, task_id: str) -> None:
        """The task can be stored, shown, listed, made an event and a webhook."""
        task = self.task(task_id)
        _check_item(task)
        for path in (f"/tasks/{task_id}", f"/kling/v1/{task.operation}/{task_id}"):
            status, answer = self.enveloped("query_tasks", "GET", path)
            must((status, answer["data"]["task_id"]) == (200, task_id), f"GET {path}: HTTP {status}")
            if (task.document or {}).get("task_result") or path.startswith("/tasks/"):
                shown = json.dumps(answer["data"])
                must(all(json.dumps(url) in shown for url in urls_of(task, self.relay).values()), f"GET {path}: without a URL")
        _, answer = self.enveloped("query_tasks", "GET", "/tasks")
        must(any(each["task_id"] == task_id for each in answer["data"]["tasks"]), "GET /tasks: the task is missing")
        _, answer = self.enveloped("query_tasks", "GET", f"/kling/v1/{task.operation}?pageNum=1")
        must(any(each["task_id"] == task_id for each in answer["data"]), "GET …?pageNum=1: the task is missing")
        self.check_events()
        self.check_cookies()

    def check_events(self) -> None:
        """Every change is an event that fits its schema and the bus."""
        records = self.tasks.records[self._published :]
        self._published += len(records)
        must(publish(records, self.relay.events) is None, "the bus did not take an event")
        entries, self._bus.entries = self._bus.entries, []
        for entry in entries:
            detail = json.loads(entry["Detail"])
            error = next(_VALIDATORS[entry["DetailType"]].iter_errors(detail), None)
            must(error is None, f"{entry['DetailType']}: {error and error.message[:200]}")
            if entry["DetailType"] in {STATUS_CHANGED, RESULTS_STORED} and detail["has_callback"]:
                self._announced.append(detail)

    def deliver_all(self) -> None:
        """Send the webhook of each event that has one."""
        self.check_events()
        while self._announced:
            self.deliver(Delivery.of({"detail": self._announced.pop(0)}))
        for _, _, body in self.sender.sent:
            must({"task_id", "task_status"} <= json.loads(body).keys(), "a webhook that is no task")

    def check_cookies(self) -> None:
        """No client returns a cookie, whatever host set it."""
        must(not any(b"\r\ncookie:" in head.lower() for head in self.host.heads), "a request carries a cookie of a host")

    def submitted(self, body: Mapping[str, Any], *, operation: str = "videos/text2video") -> str:
        """A task that the provider has accepted; returns its id."""
        return self.submit(body, operation=operation, key="fuzz").task.task_id


def _refuse(entry: Mapping[str, Any], reason: str) -> None:
    """No task's event is diverted: what is derived from a document is bounded."""
    raise FindingError(f"{entry['DetailType']}: {reason}")


class _Errors(logging.Handler):
    """The exceptions that a handler answered with HTTP 500."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1]:
            self.seen.append(record.exc_info[1])


class _Bus:
    """PutEvents with its limits."""

    def __init__(self) -> None:
        self.entries: list[Json] = []

    def put_events(self, *, Entries: list[Json]) -> Json:  # noqa: N803 - boto3's name
        size = sum(len(entry["Detail"].encode()) + len(entry["DetailType"]) + len(entry["Source"]) for entry in Entries)
        must(size <= _MESSAGE and len(Entries) <= 10, f"PutEvents with {size} bytes")
        self.entries += Entries
        return {"Entries": [{"EventId": "1"}] * len(Entries)}


class _Queue:
    """SendMessage with its limits."""

    def send_message(self, *, MessageBody: str, **_: Any) -> None:  # noqa: N803 - boto3's name
        must(len(MessageBody.encode()) <= _MESSAGE and MessageBody.isascii(), "a message that SQS does not take")


def _check_item(task: Task) -> None:
    item = {
        **item_of(task),
        **{name: value for name, value in failure_texts(task.failure).items() if value},
        **({"results": results_text(task.results)} if task.results else {}),
        **({"document": json_text(task.document)} if task.document is not None else {}),
        **({"reason": reason_text(task.reason)} if task.reason else {}),
        **({"archive": text(task.archive.value)} if task.archive else {}),
    }
    size = sum(len(name) + len(next(iter(value.values())).encode()) for name, value in item.items())
    must(size <= _ITEM, f"an item of {size} bytes")
    must(all(len(value["N"]) <= 38 for value in item.values() if "N" in value), "a number that DynamoDB does not take")
    read = task_of(item)
    must((read.results, read.failure, read.status) == (task.results, task.failure, task.status), "the item is not the task")
    must(json.dumps(read.document) == json.dumps(task.document), "the item's document is not the task's")


_CONTEXT = SimpleNamespace(
    function_name="relay", memory_limit_in_mb=512, invoked_function_arn="arn:aws:lambda:us-east-1:1:function:relay",
    aws_request_id="6f747e00", tenant_id=None, get_remaining_time_in_millis=lambda: 60_000,
)  # fmt: skip


@cache
def _module(function: str) -> Any:
    spec = importlib.util.spec_from_file_location(f"fuzzed_{function}", ROOT / "functions" / function / "app.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _handler(function: str, world: FuzzedWorld) -> Callable[[Json, Any], Json]:
    module = _module(function)
    module.services = lambda: world.relay
    found: Callable[[Json, Any], Json] = module.handler
    return found


def _event(method: str, path: str, body: bytes, headers: dict[str, str]) -> Json:
    """The payload of API Gateway, format 2.0."""
    path, _, query = path.partition("?")
    parts = path.split("/")
    try:
        content = {"body": body.decode(), "isBase64Encoded": False}
    except UnicodeDecodeError:
        content = {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    return {
        "version": "2.0", "rawPath": path, "rawQueryString": query,
        "headers": {"content-type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}},
        "queryStringParameters": dict(each.split("=") for each in query.split("&")) if query else {},
        "pathParameters": {"task_id": parts[2], "token": parts[3]} if path.startswith("/callbacks/") else {},
        "requestContext": {
            "requestId": "r1", "domainName": "relay.example", "stage": "$default", "http": {"method": method, "path": path},
            "authorizer": {"lambda": {"tenant": TENANT}},
        },
        **content,
    }  # fmt: skip


def _read(body: str) -> Json | str:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return body
    return found if isinstance(found, dict) else body
