"""What surrounds a function in a container: the emulator with nothing of its own at work, and the provider at a standstill."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from typing import Any, Self

from local.emulator.deploy import create_api_key
from local.gateway import EventLog, Gateway
from local.simulator import Controls
from local.stack import ROOT, Stack
from relay.domain.task import derived_task_id
from tests.sam.receiver import Receiver
from tests.support.waiting import until

CREATE = "submit_task.text2video"
KEY_ID = "key_of_the_payload"
EVENTS = sorted(path.stem for path in (ROOT / "events").glob("*.json"))


def payload(name: str) -> Any:
    """events/{name}.json."""
    return json.loads((ROOT / "events" / f"{name}.json").read_text())


class Scene:
    """The task that the payloads in `events/` are about, and everybody who has to do with it."""

    def __init__(self, stack: Stack, simulator: Controls) -> None:
        self.stack, self.simulator = stack, simulator
        self.request = payload(CREATE)
        self.tenant = self.request["requestContext"]["authorizer"]["lambda"]["tenant"]
        self.key = self.request["headers"]["idempotency-key"]
        self.task_id = derived_task_id(self.tenant, "idempotency_key", self.key)
        self.gateway = Gateway(stack, create_api_key(stack.aws_endpoint_url, stack.outputs, self.tenant))
        self._events = EventLog(stack)
        self._receiver = Receiver(stack.container_host)
        self._dynamodb = stack.client("dynamodb")
        self._item = {"TableName": stack.tasks_table, "Key": {"task_id": {"S": self.task_id}}}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.gateway.__exit__(*error)
        self._events.close()
        self._receiver.close()
        self._dynamodb.close()

    # ── given ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def nothing(self) -> None:
        """The tenant has no task, here or at the provider, and no event was told."""
        self.simulator.reset(keep_settings=True)
        self.simulator.settings(speed=0, result_base_url="")
        for task in self._dynamodb.scan(TableName=self.stack.tasks_table)["Items"]:
            if task.get("tenant", {}).get("S") == self.tenant:
                self._dynamodb.delete_item(TableName=self.stack.tasks_table, Key={"task_id": task["task_id"]})
        self._events.collect()
        self._events.by_task.clear()

    def created(self, **fault: Any) -> None:
        """The provider has the task and says nothing more of it."""
        self.nothing()
        self.simulator.fault(fault.pop("fault", "callback_drop"), **fault)
        operation = self.request["rawPath"].removeprefix("/kling/v1/")
        self.gateway.submit(operation, json.loads(self.request["body"]), **{"Idempotency-Key": self.key})

    def refused(self) -> None:
        """The provider could not take the task."""
        self.created(fault="refuse", next=1)
        assert self.task()["attempts"] == 1

    def overdue(self) -> None:
        """The provider works on it, its callback was lost, and the task is due."""
        self.created()
        self.simulator.advance(self.task_id)
        due = {"UpdateExpression": "SET due_at = :past", "ExpressionAttributeValues": {":past": {"N": "1"}}}
        self._dynamodb.update_item(**self._item, **due)

    def succeeded(self) -> None:
        """The task has its result, where a container can get it."""
        self.created(fault="callback_delay", params={"seconds": 0})
        port = self.simulator.url.rpartition(":")[2]
        self.simulator.settings(result_base_url=f"http://{self.stack.container_host}:{port}")
        for status in ("processing", "succeed"):
            self.simulator.advance(self.task_id)
            until(lambda status=status: self.task()["status"] == status, status)  # type: ignore[misc]

    def listening(self) -> None:
        """The task's client waits at a URL of this machine that a container can reach."""
        self.created()
        url = {"UpdateExpression": "SET callback_url = :url", "ExpressionAttributeValues": {":url": {"S": self._receiver.url}}}
        self._dynamodb.update_item(**self._item, **url)

    def with_key(self) -> None:
        """The key in events/authorize.known.json is one of ours."""
        key = payload("authorize.known")["headers"]["authorization"].removeprefix("Bearer ")
        item = {"key_sha256": sha256(key.encode()).hexdigest(), "id": KEY_ID, "tenant": self.tenant, "created_at": 1}
        typed = {name: {"N" if isinstance(value, int) else "S": str(value)} for name, value in item.items()}
        self._dynamodb.put_item(TableName=self.stack.api_keys_table, Item=typed)

    # ── what is there afterwards ───────────────────────────────────────────────────────────────────────────────────

    def task(self) -> dict[str, Any]:
        """As `GET /tasks/{task_id}` shows it."""
        return self.gateway.task(self.task_id)

    def paid(self) -> int:
        """How many such tasks the provider made."""
        return int(self.simulator.state(hashes=False)["paid"].get(self.task_id, 0))

    def told(self) -> list[str]:
        """The ids of the events about the task, once there is one."""
        until(lambda: self._events.collect(wait=1) and self._events.by_task[self.task_id], "an event")
        return [event["detail"]["event_id"] for event in self._events.of(self.task_id)]

    def webhooks(self) -> list[str]:
        """The ids of the webhooks that the client got."""
        return self._receiver.taken

    def stored(self) -> bool:
        """Whether the result is in the bucket, byte for byte."""
        (truth,) = [file for file in self.simulator.task(self.task_id)["results"] if file["field"] == "url"]
        (result,) = self.task()["results"]
        return bool(self.gateway.download(result["url"]).sha256 == result["sha256"] == truth["sha256"])


@contextmanager
def alone(stack: Stack) -> Iterator[None]:
    """No queue, stream or schedule of the emulator starts a function: what happens is the container's doing."""
    with closing(stack.client("lambda")) as functions, closing(stack.client("events")) as events:
        mappings = [each["UUID"] for each in functions.list_event_source_mappings()["EventSourceMappings"]]
        rules = [rule["Name"] for rule in events.list_rules()["Rules"] if "ScheduleExpression" in rule]
        for mapping in mappings:
            functions.update_event_source_mapping(UUID=mapping, Enabled=False)
        for rule in rules:
            events.disable_rule(Name=rule)
        try:
            yield
        finally:
            for mapping in mappings:
                functions.update_event_source_mapping(UUID=mapping, Enabled=True)
            for rule in rules:
                events.enable_rule(Name=rule)
