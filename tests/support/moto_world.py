"""The relay on moto: resources from template.yaml, functions loaded by path, payloads from events/."""

import base64
import copy
import hashlib
import importlib.util
import json
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, cast

import boto3
import httpx
from moto.server import ThreadedMotoServer

from relay.bootstrap import Services, services
from relay.domain.keys import Issued
from relay.domain.task import Task
from relay_cli.operator.key_register import DynamoKeyRegister
from tests.support.cloudformation import ROOT, load_template
from tests.support.stream_filter import lets_through
from tests.support.upstream import Upstream

TENANT = "acme"
PROVIDER_KEY = "the provider's key"
PNG = b"\x89PNG\r\n\x1a\n"
MP4 = b"\x00\x00\x00\x18ftypmp42"
RESOURCES: dict[str, Any] = load_template()["Resources"]
_QUEUES = ("resubmissions", "archives", "archives-dead", "events", "webhooks", "webhook-retries", "webhooks-dead")
_TARGETS = {"SucceededTasks": "archives", "AnnouncedStatuses": "webhooks", "AnnouncedResults": "webhooks"}
type Json = dict[str, Any]


class Context:
    """What the functions use of LambdaContext."""

    function_name = "relay"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:relay"
    aws_request_id = "6f747e00-9bd8-4e37-a9ab-4a2c7bc35b6e"
    tenant_id = None

    def __init__(self, milliseconds: int = 60_000) -> None:
        self._milliseconds = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the invocation ends."""
        return self._milliseconds


@cache
def handler_of(function: str) -> Callable[[Json, Context], Json]:
    """The handler in functions/{function}/app.py: every module there is called app."""
    spec = importlib.util.spec_from_file_location(f"app_of_{function}", ROOT / "functions" / function / "app.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return cast("Callable[[Json, Context], Json]", module.handler)


def event(name: str) -> Json:
    """The payload events/{name}.json."""
    return cast("Json", json.loads((ROOT / "events" / f"{name}.json").read_text()))


def with_path(payload: Json, path: str, query: dict[str, str] | None = None, method: str | None = None) -> Json:
    """An HTTP payload for another path."""
    changed = copy.deepcopy(payload)
    changed["rawPath"] = changed["requestContext"]["http"]["path"] = path
    if method:
        changed["requestContext"]["http"]["method"] = method
    if not path.startswith("/callbacks/"):
        changed["pathParameters"] = {"proxy": path.removeprefix("/")}
    if query is not None:
        changed["queryStringParameters"] = query
        changed["rawQueryString"] = str(httpx.QueryParams(query))
    return changed


def with_tenant(payload: Json, tenant: str | None, **context: str) -> Json:
    """An HTTP payload as the authorizer leaves it for another tenant, or for none."""
    changed = copy.deepcopy(payload)
    values = {"tenant": tenant} if tenant else context
    changed["requestContext"].pop("authorizer", None)
    if values:
        changed["requestContext"]["authorizer"] = {"lambda": values}
    return changed


def with_body(payload: Json, body: object, **headers: str | None) -> Json:
    """An HTTP payload with another body: bytes come as base64, a text as it is, anything else as JSON."""
    changed = copy.deepcopy(payload)
    changed["isBase64Encoded"] = isinstance(body, bytes)
    if isinstance(body, bytes):
        changed["body"] = base64.b64encode(body).decode()
    else:
        changed["body"] = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    for name, value in headers.items():
        changed["headers"].pop(name.replace("_", "-"), None)
        if value is not None:
            changed["headers"][name.replace("_", "-")] = value
    return changed


class Answer:
    """What a function answered to API Gateway."""

    def __init__(self, raw: Json) -> None:
        self.status: int = raw["statusCode"]
        self.body: Json = json.loads(raw["body"])
        headers = {**raw.get("headers", {}), **{name: value[0] for name, value in raw.get("multiValueHeaders", {}).items()}}
        self.content_type: str = {name.lower(): value for name, value in headers.items()}["content-type"]

    @property
    def code(self) -> int:
        """The envelope's code."""
        return cast("int", self.body["code"])

    @property
    def message(self) -> str:
        """The envelope's message."""
        return cast("str", self.body["message"])

    @property
    def data(self) -> Any:
        """The envelope's data."""
        return self.body["data"]


@cache
def _client(service: str, endpoint: str) -> Any:
    return boto3.client(service, endpoint_url=endpoint)  # type: ignore[call-overload]


class MotoWorld:
    """One relay with an empty table, and everything around it."""

    def __init__(self, endpoint: str, outside: Upstream) -> None:
        self.outside = outside
        self.dynamodb = _client("dynamodb", endpoint)
        self.streams = _client("dynamodbstreams", endpoint)
        self.s3 = _client("s3", endpoint)
        self.sqs = _client("sqs", endpoint)
        self.events = _client("events", endpoint)
        self.secrets = _client("secretsmanager", endpoint)
        self.stream_arn = ""
        self.queues: dict[str, str] = {}
        self.sequences: set[str] = set()

    def create(self) -> dict[str, str]:
        """Make the resources; returns the functions' environment."""
        for name, table in (("Tasks", "tasks"), ("ApiKeys", "api_keys"), ("WebhookState", "webhooks")):
            known = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
            properties = RESOURCES[name]["Properties"]
            arguments = {field: properties[field] for field in known if field in properties}
            if "StreamSpecification" in properties:
                arguments["StreamSpecification"] = {"StreamEnabled": True, **properties["StreamSpecification"]}
            made = self.dynamodb.create_table(TableName=table, **arguments)
            self.stream_arn = made["TableDescription"].get("LatestStreamArn", "") or self.stream_arn
        self.s3.create_bucket(Bucket="results")
        self.events.create_event_bus(Name="bus")
        self.queues = {name: self.sqs.create_queue(QueueName=name)["QueueUrl"] for name in _QUEUES}
        rules = {name: each["Properties"] for name, each in RESOURCES.items() if each["Type"] == "AWS::Events::Rule"}
        targets = {name: (_TARGETS[name], json.loads(rule["EventPattern"])) for name, rule in rules.items()}
        for name, (queue, pattern) in {**targets, "Everything": ("events", {"source": ["comet.relay"]})}.items():
            self.events.put_rule(Name=name, EventBusName="bus", EventPattern=json.dumps(pattern))
            arn = f"arn:aws:sqs:us-east-1:123456789012:{queue}"
            self.events.put_targets(Rule=name, EventBusName="bus", Targets=[{"Id": queue, "Arn": arn}])
        self.secrets.create_secret(Name="webhook-key", SecretString="w" * 64)
        self.secrets.create_secret(Name="callback-key", SecretString="k" * 64)
        self.secrets.create_secret(Name="client-master-key", SecretString="m" * 64)
        self.secrets.create_secret(Name="provider-key", SecretString=PROVIDER_KEY)
        return {
            "TASKS_TABLE": "tasks",
            "API_KEYS_TABLE": "api_keys",
            "RESULTS_BUCKET": "results",
            "EVENT_BUS": "bus",
            "RESUBMISSIONS_QUEUE_URL": self.queues["resubmissions"],
            "ARCHIVES_QUEUE_URL": self.queues["archives"],
            "ARCHIVES_DEAD_LETTERS_URL": self.queues["archives-dead"],
            "WEBHOOKS_TABLE": "webhooks",
            "WEBHOOK_RETRIES_QUEUE_URL": self.queues["webhook-retries"],
            "WEBHOOK_DEAD_LETTERS_URL": self.queues["webhooks-dead"],
            "WEBHOOK_SECRET_ID": "webhook-key",
            "CALLBACK_SECRET_ID": "callback-key",
            "CLIENT_SECRET_ID": "client-master-key",
            "PROVIDER_SECRET_ID": "provider-key",
            "PROVIDER_URL": self.outside.url,
            "ALLOW_LOOPBACK": "true",
        }

    # ── the functions ──────────────────────────────────────────────────────────────────────────────────────────────

    def call(self, function: str, payload: Json) -> Json:
        """Invoke a function."""
        return handler_of(function)(payload, Context(900_000 if function == "archive_results" else 60_000))

    def http(self, function: str, payload: Json) -> Answer:
        """Invoke a function behind the gateway: every answer is an envelope with the gateway's request id."""
        answer = Answer(self.call(function, payload))
        assert answer.content_type == "application/json"
        assert answer.body["request_id"] == payload["requestContext"]["requestId"]
        return answer

    def submit(self, case: str = "text2video", body: object = None, tenant: str = TENANT, **headers: str | None) -> Answer:
        """POST with events/submit_task.{case}.json; without an Idempotency-Key unless one is given."""
        payload = with_tenant(event(f"submit_task.{case}"), tenant)
        headers = {"idempotency_key": None, **headers}
        return self.http("submit_task", with_body(payload, payload["body"] if body is None else body, **headers))

    def submitted(self, case: str = "text2video", **body: object) -> str:
        """The id of a task that the provider took."""
        given = json.loads(event(f"submit_task.{case}")["body"]) | body
        answer = self.submit(case, given)
        assert answer.status == 200, answer.body
        return str(answer.data["task_id"])

    def callback(self, case: str, task_id: str, token: str | None = None, body: object = None, **fields: object) -> Answer:
        """POST events/receive_callback.{case}.json for a task, with its own token unless another is given."""
        payload = event(f"receive_callback.{case}")
        token = self.token(task_id) if token is None else token
        payload["pathParameters"] = {"task_id": task_id, "token": token}
        payload = with_path(payload, f"/callbacks/{task_id}/{token}")
        if fields:
            body = json.loads(payload["body"]) | fields
        return self.http("receive_callback", payload if body is None else with_body(payload, body))

    def token(self, task_id: str) -> str:
        """The token in the callback URL that the provider was given."""
        urls = [sent.body["callback_url"] for sent in self.outside.creates() if sent.body["external_task_id"] == task_id]
        return str(urls[-1].rsplit("/", 1)[-1])

    def succeeded(self, *urls: str) -> str:
        """The id of a task that succeeded with these videos."""
        task_id = self.submitted()
        videos = [{"id": f"video-{number}", "url": url, "duration": "5.1"} for number, url in enumerate(urls)]
        answer = self.callback("succeed", task_id, task_result={"videos": videos})
        assert answer.data == {"status": "applied"}
        return task_id

    def publish(self) -> Json:
        """Deliver the stream's new records to publish_events, as its event source mapping does."""
        records = self.records()
        return self.call("publish_events", {"Records": records}) if records else {"batchItemFailures": []}

    def records(self) -> list[Json]:
        """The stream's new records in the shape that Lambda gets, after the mapping's filter."""
        record = event("publish_events.created")["Records"][0]
        stream = self.streams.describe_stream(StreamArn=self.stream_arn)["StreamDescription"]
        found: list[Json] = []
        for shard in stream["Shards"]:
            iterator = self.streams.get_shard_iterator(
                StreamArn=self.stream_arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            for each in self.streams.get_records(ShardIterator=iterator)["Records"]:
                change = {**each["dynamodb"], "ApproximateCreationDateTime": 1_722_769_557}
                told = {**record, "eventName": each["eventName"], "dynamodb": change}
                if change["SequenceNumber"] not in self.sequences and lets_through(told):
                    self.sequences.add(change["SequenceNumber"])
                    found.append(told)
        return found

    def archive(self, task_id: str, *, receives: int = 1, messages: Iterable[Json] | None = None) -> Json:
        """Deliver messages of the queue archives, or else events/archive_results.succeed.json for a task."""
        payload = event("archive_results.succeed")
        record = payload["Records"][0]
        if messages is None:
            body = json.loads(record["body"])
            body["detail"] |= {"task_id": task_id}
            messages = [body]
        payload["Records"] = [
            {**record, "messageId": f"message-{number}", "body": json.dumps(body)} for number, body in enumerate(messages)
        ]
        for each in payload["Records"]:
            each["attributes"] = {**each["attributes"], "ApproximateReceiveCount": str(receives)}
            each["receiptHandle"] = self._receipt(each["body"])
        return self.call("archive_results", payload)

    def announce(self, *messages: Json, receives: int = 1) -> Json:
        """Deliver messages to deliver_webhooks in one batch, or else all of the queue webhooks."""
        record = event("deliver_webhooks.processing")["Records"][0]
        record["attributes"]["ApproximateReceiveCount"] = str(receives)
        bodies = messages or self.messages("webhooks")
        records = [{**record, "messageId": f"message-{number}", "body": json.dumps(body)} for number, body in enumerate(bodies)]
        return self.call("deliver_webhooks", {"Records": records})

    def _receipt(self, body: str) -> str:
        """A receipt handle that the queue knows."""
        self.sqs.send_message(QueueUrl=self.queues["archives"], MessageBody=body)
        return str(self.sqs.receive_message(QueueUrl=self.queues["archives"])["Messages"][0]["ReceiptHandle"])

    # ── what is there afterwards ───────────────────────────────────────────────────────────────────────────────────

    def task(self, task_id: str) -> Task:
        """The stored task."""
        found = self.services.tasks.get(task_id)
        assert found
        return found

    @property
    def services(self) -> Services:
        """The process's services."""
        return services()

    def messages(self, queue: str) -> list[Json]:
        """All messages of a queue, taken out of it."""
        found: list[Json] = []
        while got := self.sqs.receive_message(QueueUrl=self.queues[queue], MaxNumberOfMessages=10).get("Messages", []):
            for message in got:
                self.sqs.delete_message(QueueUrl=self.queues[queue], ReceiptHandle=message["ReceiptHandle"])
                found.append(json.loads(message["Body"]))
        return found

    def delays(self, queue: str) -> int:
        """How many messages of a queue are delayed."""
        name = "ApproximateNumberOfMessagesDelayed"
        answer = self.sqs.get_queue_attributes(QueueUrl=self.queues[queue], AttributeNames=[name])
        return int(answer["Attributes"][name])

    def objects(self, prefix: str = "") -> dict[str, bytes]:
        """Every object of the bucket by its key."""
        found = self.s3.list_objects_v2(Bucket="results", Prefix=prefix).get("Contents", [])
        return {entry["Key"]: self.s3.get_object(Bucket="results", Key=entry["Key"])["Body"].read() for entry in found}

    def uploads(self) -> list[Json]:
        """Multipart uploads that nobody ended."""
        return cast("list[Json]", self.s3.list_multipart_uploads(Bucket="results").get("Uploads", []))

    def key_for(self, tenant: str) -> str:
        """A new API key."""
        return DynamoKeyRegister(self.dynamodb, "api_keys").create(tenant, at=1).secret

    def pair_for(self, tenant: str) -> Issued:
        """A new access key and its secret key."""
        return DynamoKeyRegister(self.dynamodb, "api_keys").create_pair(tenant, self.services.key_pairs.secret_of, at=1)


def video(size: int) -> bytes:
    """Something that begins like an MP4 and is `size` bytes long."""
    return (MP4 + bytes(range(256)) * (size // 256 + 1))[:size]


def sha256(body: bytes) -> str:
    """In hex."""
    return hashlib.sha256(body).hexdigest()


def moto() -> ThreadedMotoServer:
    """An AWS on a free port of loopback."""
    return ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
