"""The relay on moto in process, with a clock of its own: what AWS does between functions, and what must be true at last."""

import contextlib
import json
from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import boto3

from relay.adapters.dynamodb.items import is_task, task_of
from relay.domain.events import STATUS_CHANGED
from relay.domain.task import Archive, FailureCode, Status, Task, due_shard_of
from relay.domain.webhook import DeliveryOutcome
from tests.support.moto_world import Context, Json, MotoWorld, event, handler_of, sha256
from tests.support.stream_filter import lets_through
from tests.sweep.backstage import Backstage
from tests.sweep.faults import Call, Crash, Faults, Point
from tests.sweep.provider import Provider

MINUTE = 60_000
ARCHIVE_ATTEMPTS = 4
LARGEST = 20_000
_REMAINING_MS = 900_000
_FUNCTIONS = {
    "resubmissions": ("resubmit_tasks", 5, 540),
    "archives": ("archive_results", 3 * ARCHIVE_ATTEMPTS, 900),
    "webhooks": ("deliver_webhooks", 8, 360),
    "webhook-retries": ("deliver_webhooks", 8, 360),
}
_DEAD = {"webhook-retries": "webhooks-dead"}
_ROUNDS = 40
_STEP = 16 * MINUTE


class Clock:
    """The time of the functions and of the queues, in ms."""

    def __init__(self) -> None:
        self.ms = 1_750_000_000_000

    def __call__(self) -> int:
        return self.ms


class SweptWorld(MotoWorld):
    """One relay; AWS delivers again what a function has not taken."""

    def __init__(self, endpoint: str, clock: Clock) -> None:
        self.clock = clock
        self.provider = Provider(clock)
        self.outside = self.provider
        self.faults = Faults(self.provider.over_http)
        clients: dict[str, Any] = {
            name: boto3.client(name, region_name="us-east-1") for name in ("dynamodb", "sqs", "events", "secretsmanager")
        }
        self.dynamodb, self.sqs = clients["dynamodb"], clients["sqs"]
        self.events, self.secrets = clients["events"], clients["secretsmanager"]
        self.s3 = boto3.client("s3", region_name="us-east-1", endpoint_url=endpoint)
        self.stream_arn = ""
        self.queues: dict[str, str] = {}
        self.sequences: set[str] = set()
        self.runs = 0

    def new_id(self) -> UUID:
        """Ids in one shard of the index of due tasks, so that every run makes the same calls."""
        while due_shard_of((made := uuid4()).hex):
            pass
        return made

    def create(self) -> dict[str, str]:
        """As the template has it: queues with their dead letters too."""
        environment = super().create()
        for queue, (_, receives, timeout) in _FUNCTIONS.items():
            name = _DEAD.get(queue, f"{queue}-dead")
            dead = self.queues[name] = self.sqs.create_queue(QueueName=name)["QueueUrl"]
            arn = self.sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
            policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": receives})
            self.sqs.set_queue_attributes(
                QueueUrl=self.queues[queue], Attributes={"RedrivePolicy": policy, "VisibilityTimeout": str(timeout)}
            )
        self.backstage = Backstage()
        return {**environment, "ARCHIVE_ATTEMPTS": str(ARCHIVE_ATTEMPTS), "MAX_RESULT_BYTES": str(LARGEST)}

    def begin(self) -> None:
        """A run: no task, no message, a provider without a past."""
        self.provider.reset()
        self.clock.ms += 2 * MINUTE
        self.runs += 1
        self.backstage.new_records()
        self.acted: list[Call] = []
        self.is_reached = True
        self.answers: list[Json | None] = []
        self._told: list[Json] = []
        self._pending: list[Json] = []

    def end(self) -> None:
        """Nothing stays for the next run."""
        self.backstage.clear(list(self.queues))

    # ── what AWS does ──────────────────────────────────────────────────────────────────────────────────────────────

    def act(self, function: str, payload: Json, point: Point | None) -> Json | None:
        """The invocation whose calls are counted, and one of which may fail."""
        return self.watched(lambda: handler_of(function)(payload, Context(_REMAINING_MS)), point)

    def watched(self, process: Callable[[], Json], point: Point | None) -> Json | None:
        """The same of anything that runs."""
        answer = self.run(process, point)
        self.acted, self.is_reached = self.faults.calls, self.faults.is_reached
        self.answers.append(answer)
        return answer

    def invoke(self, function: str, payload: Json, point: Point | None = None) -> Json | None:
        """A function; None when it failed or crashed."""
        return self.run(lambda: handler_of(function)(payload, Context(_REMAINING_MS)), point)

    def run(self, process: Callable[[], Json], point: Point | None = None) -> Json | None:
        """In a process of its own, as to what is cached."""
        self.services._secrets._kept.clear()
        self.services.webhook_secrets._kept.clear()
        self.services.api_keys._kept.clear()
        answer = None
        with self.faults.invocation(point), contextlib.suppress(Crash, Exception):
            answer = process()
        return answer

    def deliver(self, queue: str, point: Point | None = None, *, acting: bool = False) -> bool:
        """One message to its function, deleted when it was taken; False when there is none to be seen."""
        url = self.queues[queue]
        if not self.backstage.is_visible(queue):
            return False
        found = self.sqs.receive_message(QueueUrl=url, AttributeNames=["All"]).get("Messages", [])
        if not found:
            return False
        message = found[0]
        record = {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message["Attributes"],
        }
        invoke = self.act if acting else self.invoke
        if invoke(_FUNCTIONS[queue][0], {"Records": [record]}, point) == {"batchItemFailures": []}:
            self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return True

    def records(self) -> list[Json]:
        """The stream's new records, after the mapping's filter."""
        template = event("publish_events.created")["Records"][0]
        records = [
            {**template, "eventName": each["eventName"], "dynamodb": {**each["dynamodb"], "ApproximateCreationDateTime": 1}}
            for each in self.backstage.new_records()
        ]
        return [record for record in records if lets_through(record)]

    def deliver_stream(self, point: Point | None = None, *, acting: bool = False) -> bool:
        """What the stream has, from the first record that was not taken; False when there is nothing."""
        self._pending += self.records()
        if not self._pending:
            return False
        answer = (self.act if acting else self.invoke)("publish_events", {"Records": self._pending}, point)
        if answer is not None:
            failed = [entry["itemIdentifier"] for entry in answer["batchItemFailures"]]
            numbers = [record["dynamodb"]["SequenceNumber"] for record in self._pending]
            self._pending = self._pending[numbers.index(failed[0]) :] if failed else []
        return True

    def tick(self, point: Point | None = None, *, acting: bool = False) -> None:
        """The schedule."""
        (self.act if acting else self.invoke)("reconcile_tasks", event("reconcile_tasks.schedule"), point)

    def calm(self) -> None:
        """No more faults: everything is delivered, and time passes until nothing is left to do."""
        for _ in range(_ROUNDS):
            for _ in range(_ROUNDS):
                if not (self.deliver_stream() | sum(self.deliver(queue) for queue in _FUNCTIONS)):
                    break
            if self._is_settled():
                return
            self.clock.ms += _STEP
            self.tick()

    def redrive(self, queue: str) -> int:
        """An operator moves the dead letters back; returns how many there were."""
        bodies = self.backstage.drained(f"{queue}-dead")
        for body in bodies:
            self.sqs.send_message(QueueUrl=self.queues[queue], MessageBody=json.dumps(body))
        return len(bodies)

    def _is_settled(self) -> bool:
        tasks = self.stored()
        waiting = [task for task in tasks if not task.is_over or (task.status is Status.SUCCEED and task.archive is None)]
        return not (waiting or self._pending or any(map(self.backstage.left, _FUNCTIONS)))

    def stored(self) -> list[Task]:
        """Every task of this run."""
        return [task_of(item) for item in self.backstage.items() if is_task(item)]

    def told(self) -> list[Json]:
        """Every event so far."""
        self._told += self.backstage.drained("events")
        return self._told

    # ── what must be true at the end ───────────────────────────────────────────────────────────────────────────────

    def violations(self) -> list[str]:
        """Everything that is not as it must be, in words."""
        tasks = self.stored()
        found = [f"{queue}: {self.backstage.left(queue)} messages left" for queue in _FUNCTIONS if self.backstage.left(queue)]
        found += [f"paid {len(paid)} times" for paid in self.provider.paid.values() if len(paid) > 1]
        found += [f"paid, and no task {task_id}" for task_id in self.provider.paid.keys() - {task.task_id for task in tasks}]
        for task in tasks:
            found += self._wrong_in(task)
            found += self._wrong_in_events_of(task)
            if task.status is Status.SUCCEED:
                found += self._wrong_in_files_of(task)
            if task.callback_url is not None:
                found += self._wrong_in_webhooks_of(task)
        return found

    def _wrong_in(self, task: Task) -> list[str]:
        state = f"{task.status} at version {task.version}"
        if not task.is_over or task.due_at is not None or task.request is not None:
            return [f"not at its end: {state}"]
        if task.is_cancelled:
            return []  # its scenario says whether it should be
        if self.provider.paid.get(task.task_id) and self.provider.verdict != "never":
            return (
                [] if task.status.value == self.provider.verdict else [f"{state}, and the provider says {self.provider.verdict}"]
            )
        is_refused = self.provider.refusal and self.provider.refusal[1]["code"] == 1301
        expected = {FailureCode.REJECTED} if is_refused else {FailureCode.EXPIRED}
        return [] if task.failure and task.failure.code in expected else [f"{state}, never paid, {task.failure}"]

    def _wrong_in_events_of(self, task: Task) -> list[str]:
        details = [told["detail"] for told in self.told() if told["detail"]["task_id"] == task.task_id]
        details = [detail for detail in details if "version" in detail]
        different = {json.dumps(detail, sort_keys=True) for detail in details}
        versions = Counter(json.loads(text)["version"] for text in different)
        if sorted(versions.elements()) != list(range(1, task.version + 1)):
            return [f"events of the versions {dict(versions)}, and the task is at {task.version}"]
        if any(detail["event_id"] != f"{task.task_id}:{detail['version']}" for detail in details):
            return ["an event with another id"]
        last = max(details, key=lambda detail: int(detail["version"]))
        return [] if last["status"] == task.status else [f"the last event says {last['status']}"]

    def _wrong_in_files_of(self, task: Task) -> list[str]:
        prefix = f"results/{task.task_id}/"
        objects = self.backstage.objects(prefix)
        found = [] if f"{prefix}callback.json" in objects else ["a success without its document"]
        if task.archive is not Archive.STORED:
            dead = self.backstage.left("archives-dead")
            return found if dead else [*found, f"archive {task.archive}, and no dead letter"]
        expected = {f"{prefix}callback.json"}
        for result in task.results:
            file = self.provider.files[result.url.removeprefix(self.provider.url)]
            expected.add(str(result.key))
            if objects.get(str(result.key)) != file.body or result.sha256 != sha256(file.body):
                found.append(f"{result.key} is not what the provider has")
        return found if objects.keys() == expected else [*found, f"objects {sorted(objects)}"]

    def _wrong_in_webhooks_of(self, task: Task) -> list[str]:
        """The client got the last version, nothing intermediate after a verdict, and one body for each id."""
        got = [hook for hook in self.provider.hooks if hook.task["task_id"] == task.task_id]
        ids = [hook.headers["webhook-id"] for hook in got]
        found = []
        log = self.services.webhooks.log(task.task_id)
        if log is None or log.version != task.version or log.outcome in {None, DeliveryOutcome.RETRYING}:
            found.append(f"the webhook is at {log}, and the task at version {task.version}")
        if log and log.outcome is DeliveryOutcome.DELIVERED and f"{task.task_id}:{task.version}" not in ids:
            found.append(f"delivered, and the client got {ids}")
        statuses = [hook.task["task_status"] for hook in got]
        over = next((number for number, status in enumerate(statuses) if status in {"succeed", "failed"}), len(statuses))
        if set(statuses[over:]) & {"submitted", "processing"}:
            found.append(f"the client got {statuses}")
        said = {(hook.headers["webhook-id"], hook.task["task_status"], hook.task["updated_at"]) for hook in got}
        return found if len(said) == len(set(ids)) else [*found, f"one id says {said}"]

    def events_of_kind(self, kind: str = STATUS_CHANGED) -> list[Json]:
        """The events of one detail type."""
        return [told for told in self.told() if told["detail-type"] == kind]
