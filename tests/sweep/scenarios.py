"""What each function is put through: how it comes to its invocation, how that is delivered again, what must come of it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from relay.adapters import aws
from relay.domain.task import Archive, FailureCode, Status
from relay.domain.webhook import Delivery, DeliveryOutcome
from relay_cli.operator.keys import Keys
from tests.support.moto_world import MP4, TENANT, Json, event, with_body, with_path, with_tenant
from tests.support.tokens import signed
from tests.support.upstream import Answer, File, Sent, envelope, refusal
from tests.sweep.faults import Point
from tests.sweep.swept_world import ARCHIVE_ATTEMPTS, LARGEST, MINUTE, SweptWorld

type Act = Callable[[Point | None], object]
type Check = Callable[[SweptWorld], list[str]]

BUSY: Answer = (429, refusal(1303, "parallel task over resource pack limit"))
POLICY: Answer = (400, refusal(1301, "content security policy"))
DOWN: Answer = (500, refusal(5000, "Server internal error"))
LARGE = "data:image/png;base64," + "QUJD" * 3000
_SOUND = b"ID3\x04" + bytes(range(256))
_SMALL_FILE = MP4 + b"small" * 40
_PARTS_FILE = MP4 + bytes(range(256)) * 40  # three parts of 4 KiB


def _nothing_more(_: SweptWorld) -> list[str]:
    return []


@dataclass(frozen=True, slots=True)
class Scenario:
    """`arrange` leads up to the invocation of `function`, and returns it."""

    function: str
    name: str
    arrange: Callable[[SweptWorld], Act]
    check: Check = _nothing_more

    def __str__(self) -> str:
        return f"{self.function}: {self.name}"


# ── submit_task ────────────────────────────────────────────────────────────────────────────────────────────────────


def _submission(key: str | None, **fields: object) -> Json:
    payload = with_tenant(event("submit_task.text2video"), TENANT)
    return with_body(payload, {"prompt": "a lighthouse", **fields}, idempotency_key=key)


def _submitting(world: SweptWorld, payload: Json) -> Act:
    """A client repeats what was not answered, when it gave a key."""

    def act(point: Point | None) -> None:
        answer = world.act("submit_task", payload, point)
        while "idempotency-key" in payload["headers"] and (answer is None or answer["statusCode"] >= 500):
            answer = world.invoke("submit_task", payload)
            world.answers.append(answer)

    return act


def _files(world: SweptWorld, *files: File) -> None:
    world.provider.urls = [world.provider.file(f"{number}.mp4", file) for number, file in enumerate(files)]


def _submit(key: str | None = "key", *answers: Answer | str, fields: Json | None = None) -> Callable[[SweptWorld], Act]:
    def arrange(world: SweptWorld) -> Act:
        _files(world, File(body=_SMALL_FILE))
        _prepare(world, answers)
        own_key = None if key is None else f"{key}-{world.runs}"
        return _submitting(world, _submission(own_key, **(fields or {})))

    return arrange


def _prepare(world: SweptWorld, answers: tuple[Answer | str, ...]) -> None:
    """`lost`: the provider takes the task, and answers with an error."""

    def taken(sent: Sent) -> Answer:
        world.provider.take(sent)
        return DOWN

    world.provider.next_answers = [taken if isinstance(answer, str) else answer for answer in answers]


def _refused(world: SweptWorld) -> Act:
    world.provider.refusal = POLICY
    return _submitting(world, _submission(f"key-{world.runs}"))


def _counted(world: SweptWorld) -> Act:
    payload = _submission(f"key-{world.runs}")
    payload["requestContext"]["authorizer"]["lambda"] |= {"key": "key_1", "submits_per_minute": "1000"}
    return _submitting(world, payload)


def _of_an_upload(world: SweptWorld) -> Act:
    """A field that takes base64 only: the upload is looked at, and read when the task is sent."""
    announcement = {"media_type": "audio/mpeg", "bytes": len(_SOUND)}
    answer = world.invoke("submit_task", with_tenant(with_body(event("submit_task.upload"), announcement), TENANT))
    assert answer
    upload = json.loads(answer["body"])["data"]
    name = urlsplit(upload["put"]["url"]).path.rpartition("/uploads/")[2]
    world.s3.put_object(Bucket="results", Key=f"uploads/{name}", Body=_SOUND)
    _files(world, File(body=_SMALL_FILE))
    spoken = {"mode": "audio2video", "video_id": "a-video", "audio_type": "file", "audio_file": upload["reference"]}
    payload = with_tenant(event("submit_task.lip_sync"), TENANT)
    return _submitting(world, with_body(payload, {"input": spoken}, idempotency_key=f"key-{world.runs}"))


def _one_task(world: SweptWorld) -> list[str]:
    tasks = world.stored()
    ids = {json.loads(answer["body"])["data"]["task_id"] for answer in world.answers if answer and answer["statusCode"] == 200}
    found = [] if len(tasks) == 1 else [f"{len(tasks)} tasks for one key"]
    return found if ids <= {task.task_id for task in tasks} else [*found, f"the client was told {ids}"]


# ── receive_callback ───────────────────────────────────────────────────────────────────────────────────────────────


def _submitted(world: SweptWorld, **fields: object) -> str:
    answer = world.invoke("submit_task", _submission(None, **fields))
    assert answer
    assert answer["statusCode"] == 200
    return str(json.loads(answer["body"])["data"]["task_id"])


def _callback(world: SweptWorld, task_id: str, body: object) -> Json:
    payload = event("receive_callback.succeed")
    token = world.token(task_id)
    payload["pathParameters"] = {"task_id": task_id, "token": token}
    return with_body(with_path(payload, f"/callbacks/{task_id}/{token}"), body)


def _receive(status: str, verdict: str = "failed", after: str | None = None) -> Callable[[SweptWorld], Act]:
    """A callback, not repeated: what it brought is found by asking."""

    def arrange(world: SweptWorld) -> Act:
        _files(world, File(body=_SMALL_FILE))
        world.provider.verdict = verdict
        task_id = _submitted(world)
        (paid,) = world.provider.paid[task_id]
        if after:
            world.invoke("receive_callback", _callback(world, task_id, world.provider.told(paid, after)))
        payload = _callback(world, task_id, world.provider.told(paid, status))
        return lambda point: world.act("receive_callback", payload, point)

    return arrange


def _malformed(world: SweptWorld) -> Act:
    _files(world, File(body=_SMALL_FILE))
    payload = _callback(world, _submitted(world), "{cut off")
    return lambda point: world.act("receive_callback", payload, point)


def _kept(world: SweptWorld) -> list[str]:
    """What was answered with 200 lies in the quarantine and is announced."""
    (task,) = world.stored()
    (answer,) = world.answers
    kept = world.backstage.objects(f"quarantine/{task.task_id}/")
    announced = world.events_of_kind("Task Callback Quarantined")
    if set(kept.values()) - {b"{cut off"}:
        return ["another body in the quarantine"]
    if not answer or answer["statusCode"] != 200:
        return []
    return [] if kept and announced else [f"answered 200: {len(kept)} kept, {len(announced)} announced"]


def _forged(world: SweptWorld) -> Act:
    _files(world, File(body=_SMALL_FILE))
    task_id = _submitted(world)
    payload = _callback(world, task_id, world.provider.told(world.provider.paid[task_id][0], "failed"))
    payload["pathParameters"]["token"] = payload["pathParameters"]["token"][:-1] + "~"
    return lambda point: world.act("receive_callback", payload, point)


# ── publish_events ─────────────────────────────────────────────────────────────────────────────────────────────────


def _publish(tasks: int) -> Callable[[SweptWorld], Act]:
    def arrange(world: SweptWorld) -> Act:
        _files(world, File(body=_SMALL_FILE))
        for _ in range(tasks):
            world.provider.verdict = "succeed"
            task_id = _submitted(world)
            (paid,) = world.provider.paid[task_id]
            for status in ("processing", "succeed"):
                world.invoke("receive_callback", _callback(world, task_id, world.provider.told(paid, status)))
        return lambda point: world.deliver_stream(point, acting=True)

    return arrange


# ── archive_results ────────────────────────────────────────────────────────────────────────────────────────────────


def _succeeded(world: SweptWorld) -> str:
    world.provider.verdict = "succeed"
    task_id = _submitted(world)
    (paid,) = world.provider.paid[task_id]
    world.invoke("receive_callback", _callback(world, task_id, world.provider.told(paid, "succeed")))
    world.deliver_stream()
    return task_id


def _archive(*files: File, receives: int = 1) -> Callable[[SweptWorld], Act]:
    """`receives`: the delivery that counts; the host is down during those before it."""

    def arrange(world: SweptWorld) -> Act:
        _files(world, *(File(status=503) for _ in files) if receives > 1 else files)
        _succeeded(world)
        for _ in range(receives - 1):
            world.deliver("archives")
            world.clock.ms += 15 * MINUTE
        return lambda point: world.deliver("archives", point, acting=True)

    return arrange


def _dead_url(world: SweptWorld) -> Act:
    _files(world, File(status=403))
    _succeeded(world)
    world.clock.ms += 5 * MINUTE
    world.provider.urls = [world.provider.file("fresh.mp4", File(body=_SMALL_FILE))]
    return lambda point: world.deliver("archives", point, acting=True)


def _breaks_off_once(world: SweptWorld) -> Act:
    """The file is found too large when parts of it are stored: the upload is aborted."""
    good = File(body=_PARTS_FILE, chunked=True)
    _files(world, good)
    _succeeded(world)
    world.provider.files["/files/0.mp4"] = File(body=_PARTS_FILE + b"x" * LARGEST, chunked=True)

    def then_mended(point: Point | None) -> None:
        world.deliver("archives", point, acting=True)
        world.provider.files["/files/0.mp4"] = good

    return then_mended


def _mended_by_redriving(world: SweptWorld) -> list[str]:
    """The event of the failure or a dead letter is there; once the host is back, redriving brings the files."""
    (task,) = world.stored()
    told = world.events_of_kind("Task Results Archiving Failed")
    found = [] if world.backstage.left("archives-dead") else ["given up without a dead letter"]
    if task.archive is Archive.FAILED and len({each["detail"]["event_id"] for each in told}) != 1:
        found.append(f"{len(told)} events of the failure")
    _files(world, File(body=_SMALL_FILE))
    world.redrive("archives")
    world.calm()
    return found + world.violations()


# ── deliver_webhooks ───────────────────────────────────────────────────────────────────────────────────────────────


def _announced(world: SweptWorld, *answers: tuple[int, dict[str, str]]) -> str:
    """A task that wants to be announced; its first announcement is in the queue."""
    _files(world, File(body=_SMALL_FILE))
    world.provider.hook_answers = list(answers)
    task_id = _submitted(world, callback_url=f"{world.provider.url}/hooks/a")
    world.deliver_stream()
    return task_id


def _announce(*answers: tuple[int, dict[str, str]]) -> Callable[[SweptWorld], Act]:
    """`answers` of the client, then 204."""

    def arrange(world: SweptWorld) -> Act:
        _announced(world, *answers)
        return lambda point: world.deliver("webhooks", point, acting=True)

    return arrange


def _announce_success(world: SweptWorld) -> Act:
    """The endpoint is trusted by now."""
    world.provider.verdict = "succeed"
    task_id = _announced(world)
    world.deliver("webhooks")
    (paid,) = world.provider.paid[task_id]
    world.invoke("receive_callback", _callback(world, task_id, world.provider.told(paid, "succeed")))
    world.deliver_stream()
    world.deliver("archives")
    world.deliver_stream()
    return lambda point: world.deliver("webhooks", point, acting=True)


def _last_announcement(world: SweptWorld) -> Act:
    """Of the verdict: nine attempts have failed, and so does this one; then nobody else is to tell of it."""
    task_id = _announced(world, (500, {}), (500, {}), (500, {}))
    (paid,) = world.provider.paid[task_id]
    world.invoke("receive_callback", _callback(world, task_id, world.provider.told(paid, "failed")))
    world.deliver_stream()
    world.backstage.purge("webhooks")
    (task,) = world.stored()
    last = replace(Delivery.of_task(task), attempt=10)
    world.sqs.send_message(QueueUrl=world.queues["webhooks"], MessageBody=json.dumps(last.to_message()))
    return lambda point: world.deliver("webhooks", point, acting=True)


def _told_of_the_end(world: SweptWorld) -> list[str]:
    """A dead letter and an event, unless the client took it after all; a redrive brings it to the client."""
    (task,) = world.stored()
    log = world.services.webhooks.log(task.task_id)
    told = {each["detail"]["event_id"] for each in world.events_of_kind("Task Webhook Undeliverable")}
    found = []
    if log and log.outcome is DeliveryOutcome.UNDELIVERABLE and (told != {f"{task.task_id}:{task.version}:undeliverable"}):
        found.append(f"undeliverable, and the events are {told}")
    if log and log.outcome is DeliveryOutcome.UNDELIVERABLE and not world.backstage.left("webhooks-dead"):
        found.append("undeliverable without a dead letter")
    world.provider.hook_answers = []
    world.redrive("webhooks")
    world.calm()
    log = world.services.webhooks.log(task.task_id)
    return found if log and log.outcome is DeliveryOutcome.DELIVERED else [*found, f"after a redrive {log}"]


def _told_that_it_is_gone(world: SweptWorld) -> list[str]:
    (task,) = world.stored()
    log = world.services.webhooks.log(task.task_id)
    if log and log.outcome is DeliveryOutcome.DELIVERED:  # its 410 was lost, and it answered otherwise then
        return []
    events = world.events_of_kind("Task Webhook Undeliverable")
    return [] if {each["detail"]["http_status"] for each in events} == {410} else [f"{len(events)} events of the end"]


# ── resubmit_tasks ─────────────────────────────────────────────────────────────────────────────────────────────────


def _resubmit(*answers: Answer | str, first: Answer | str = BUSY, fields: Json | None = None) -> Callable[[SweptWorld], Act]:
    """`answers` are those to the query and the create request of the attempt."""

    def arrange(world: SweptWorld) -> Act:
        _files(world, File(body=_SMALL_FILE))
        _prepare(world, (first,))
        _submitted(world, **(fields or {}))
        world.clock.ms += MINUTE
        _prepare(world, answers)
        return lambda point: world.deliver("resubmissions", point, acting=True)

    return arrange


def _found_over(world: SweptWorld) -> Act:
    world.provider.verdict = "succeed"
    act = _resubmit(first="lost")(world)
    world.clock.ms += MINUTE
    return act


def _too_late(world: SweptWorld) -> Act:
    act = _resubmit()(world)
    world.clock.ms += 25 * 60 * MINUTE
    world.provider.refusal = BUSY
    return act


def _refused_later(world: SweptWorld) -> Act:
    act = _resubmit()(world)
    world.provider.refusal = POLICY
    return act


# ── reconcile_tasks ────────────────────────────────────────────────────────────────────────────────────────────────


def _reconcile(
    *answers: Answer | str, minutes: int = 5, verdict: str = "failed", first: tuple[Answer | str, ...] = ()
) -> Callable[[SweptWorld], Act]:
    def arrange(world: SweptWorld) -> Act:
        _files(world, File(body=_SMALL_FILE))
        world.provider.verdict = verdict
        _prepare(world, first)
        _submitted(world)
        if first:  # the message was lost: nobody but the reconciler comes to the task
            world.backstage.purge("resubmissions")
        world.clock.ms += minutes * MINUTE
        _prepare(world, answers)
        return lambda point: world.tick(point, acting=True)

    return arrange


def _still_processing(world: SweptWorld) -> Act:
    act = _reconcile()(world)
    (paid,) = next(iter(world.provider.paid.values()))
    world.provider.next_answers = [(200, envelope(world.provider.told(paid, "processing")))]
    return act


def _late_files(world: SweptWorld) -> Act:
    """The message of the archive still waits in its queue."""
    world.provider.verdict = "succeed"
    task_id = _announced(world)
    (paid,) = world.provider.paid[task_id]
    world.invoke("receive_callback", _callback(world, task_id, world.provider.told(paid, "succeed")))
    world.deliver_stream()
    world.clock.ms += 2 * MINUTE
    return lambda point: world.tick(point, acting=True)


# ── authorize, query_tasks and cancel_task ─────────────────────────────────────────────────────────────────────────


def _asking(world: SweptWorld, function: str, payload: Json) -> Act:
    """A client asks again until it is answered."""

    def act(point: Point | None) -> None:
        answer = world.act(function, payload, point)
        while answer is None or answer.get("statusCode", 200) >= 500 or answer.get("context", {}).get("code") == "5000":
            answer = world.invoke(function, payload)
        world.answers.append(answer)

    return act


def _authorize(world: SweptWorld) -> Act:
    payload = event("authorize.known")
    payload["headers"]["authorization"] = f"Bearer {world.key_for(TENANT)}"
    return _asking(world, "authorize", payload)


def _authorize_signed(world: SweptWorld) -> Act:
    payload = event("authorize.known")
    payload["headers"]["authorization"] = f"Bearer {signed(world.pair_for(TENANT))}"
    return _asking(world, "authorize", payload)


def _recognised(world: SweptWorld) -> list[str]:
    last = world.answers[-1] or {}
    return [] if last.get("context", {}).get("tenant") == TENANT else [f"answered {last}"]


def _key(world: SweptWorld) -> Act:
    """An operator makes a key, and another one when none was shown."""

    def create() -> Json:
        return {"key": Keys({"ApiKeysTable": "api_keys"}, aws.client).create(TENANT).secret}

    def act(point: Point | None) -> None:
        if world.watched(create, point) is None:
            world.answers.append(world.run(create))

    return act


def _good(world: SweptWorld) -> list[str]:
    (shown,) = (answer["key"] for answer in world.answers if answer)
    key = world.services.api_keys.find(shown)
    return [] if key and key.tenant == TENANT else ["the key that was shown is not known"]


def _query(path: str, **query: str) -> Callable[[SweptWorld], Act]:
    def arrange(world: SweptWorld) -> Act:
        _files(world, File(body=_SMALL_FILE))
        task_id = _submitted(world, external_task_id="order-1", callback_url=f"{world.provider.url}/hooks/a")
        payload = with_tenant(with_path(event("query_tasks.single"), path.replace("ID", task_id), query), TENANT)
        return _asking(world, "query_tasks", payload)

    return arrange


def _cancel(*answers: Answer | str) -> Callable[[SweptWorld], Act]:
    """`answers` to the create request."""

    def arrange(world: SweptWorld) -> Act:
        world.provider.verdict = "never"
        _prepare(world, answers)
        task_id = _submitted(world)
        return _asking(world, "cancel_task", with_tenant(with_path(event("cancel_task.task"), f"/tasks/{task_id}"), TENANT))

    return arrange


def _cancelled(paid: int) -> Check:
    def check(world: SweptWorld) -> list[str]:
        (task,) = world.stored()
        answer = json.loads((world.answers[-1] or {})["body"])["data"]
        found = _failed_as(FailureCode.CANCELLED)(world)
        if (answer["version"], answer["failure"]) != (2, {"code": "cancelled", "message": task.message}):
            found.append(f"answered {answer}")
        times = len(world.provider.paid.get(task.task_id, ()))
        return found if times == paid else [*found, f"paid {times} times"]

    return check


def _shown(world: SweptWorld) -> list[str]:
    (task,) = world.stored()
    return [] if task.task_id in str(world.answers[-1]) else ["the task is not shown"]


def _failed_as(code: FailureCode) -> Check:
    def check(world: SweptWorld) -> list[str]:
        (task,) = world.stored()
        fits = task.status is Status.FAILED and task.failure is not None and task.failure.code is code
        return [] if fits else [f"{task.status}, {task.failure}, and not {code}"]

    return check


_WITH_ID: Json = {"video_id": "829836802793406551"}
_EXTERNAL: Json = {"external_task_id": "order-1"}
_WITH_IMAGE: Json = {"negative_prompt": LARGE[:2400], "prompt": "p" * 2400}

SCENARIOS = [
    Scenario("submit_task", "small", _submit(), _one_task),
    Scenario("submit_task", "without a key", _submit(None)),
    Scenario("submit_task", "large", _submit(fields=_WITH_IMAGE), _one_task),
    Scenario("submit_task", "of an upload", _of_an_upload, _one_task),
    Scenario("submit_task", "an external id", _submit(None, fields=_EXTERNAL)),
    Scenario("submit_task", "both keys", _submit(fields=_EXTERNAL), _one_task),
    Scenario("submit_task", "names an id of the provider", _submit(fields=_WITH_ID), _one_task),
    Scenario("submit_task", "counted", _counted, _one_task),
    Scenario("submit_task", "refused", _refused, _failed_as(FailureCode.REJECTED)),
    Scenario("submit_task", "busy", _submit("key", BUSY), _one_task),
    Scenario("submit_task", "unknown outcome, taken", _submit("key", "lost"), _one_task),
    Scenario("submit_task", "unknown outcome, not taken", _submit("key", DOWN), _one_task),
    Scenario("receive_callback", "submitted", _receive("submitted")),
    Scenario("receive_callback", "processing", _receive("processing")),
    Scenario("receive_callback", "succeed", _receive("succeed", "succeed")),
    Scenario("receive_callback", "succeed after processing", _receive("succeed", "succeed", after="processing")),
    Scenario("receive_callback", "failed", _receive("failed")),
    Scenario("receive_callback", "repeated", _receive("succeed", "succeed", after="succeed")),
    Scenario("receive_callback", "malformed", _malformed, _kept),
    Scenario("receive_callback", "forged", _forged),
    Scenario("publish_events", "three changes", _publish(1)),
    Scenario("publish_events", "twelve changes, two calls", _publish(4)),
    Scenario("archive_results", "single put", _archive(File(body=_SMALL_FILE))),
    Scenario("archive_results", "unknown size, parts", _archive(File(body=_PARTS_FILE, chunked=True))),
    Scenario("archive_results", "two files", _archive(File(body=_SMALL_FILE), File(body=_SMALL_FILE + b"2"))),
    Scenario("archive_results", "dead URL, renewed", _dead_url),
    Scenario("archive_results", "too large in its parts, then mended", _breaks_off_once),
    Scenario(
        "archive_results",
        "given up",
        _archive(File(status=503), receives=ARCHIVE_ATTEMPTS),
        _mended_by_redriving,
    ),
    Scenario("deliver_webhooks", "to a new endpoint", _announce()),
    Scenario("deliver_webhooks", "a success, to one that is trusted", _announce_success),
    Scenario("deliver_webhooks", "not taken, then taken", _announce((500, {}))),
    Scenario("deliver_webhooks", "gone", _announce((410, {})), _told_that_it_is_gone),
    Scenario("deliver_webhooks", "given up, redriven", _last_announcement, _told_of_the_end),
    Scenario("resubmit_tasks", "not found, sent", _resubmit()),
    Scenario("resubmit_tasks", "large, not found, sent", _resubmit(fields=_WITH_IMAGE)),
    Scenario("resubmit_tasks", "found", _resubmit(first="lost")),
    Scenario("resubmit_tasks", "found, over", _found_over),
    Scenario("resubmit_tasks", "busy again", _resubmit(BUSY)),
    Scenario("resubmit_tasks", "not found yet, then busy", _resubmit((400, refusal(1203, "task not found")), BUSY, first="lost")),
    Scenario("resubmit_tasks", "nobody answers", _resubmit(DOWN, first="lost")),
    Scenario("resubmit_tasks", "refused", _refused_later, _failed_as(FailureCode.REJECTED)),
    Scenario("resubmit_tasks", "too late", _too_late, _failed_as(FailureCode.EXPIRED)),
    Scenario("reconcile_tasks", "succeed", _reconcile(verdict="succeed")),
    Scenario("reconcile_tasks", "failed", _reconcile()),
    Scenario("reconcile_tasks", "processing", _still_processing),
    Scenario("reconcile_tasks", "late files", _late_files),
    Scenario("reconcile_tasks", "taken, answer lost", _reconcile(minutes=5, first=("lost",))),
    Scenario("reconcile_tasks", "missing", _reconcile(minutes=30, first=(DOWN,))),
    Scenario("reconcile_tasks", "nobody answers", _reconcile(DOWN)),
    Scenario("reconcile_tasks", "expired", _reconcile(minutes=25 * 60, verdict="never"), _failed_as(FailureCode.EXPIRED)),
    Scenario("authorize", "known key", _authorize, _recognised),
    Scenario("authorize", "signed token", _authorize_signed, _recognised),
    Scenario("keys", "create", _key, _good),
    Scenario("cancel_task", "unsent", _cancel(BUSY), _cancelled(0)),
    Scenario("cancel_task", "unknown outcome", _cancel("lost"), _cancelled(1)),
    Scenario("cancel_task", "accepted", _cancel(), _cancelled(1)),
    Scenario("query_tasks", "one", _query("/kling/v1/videos/text2video/ID"), _shown),
    Scenario("query_tasks", "one by the client's id", _query("/kling/v1/videos/text2video/order-1"), _shown),
    Scenario("query_tasks", "one as the relay shows it", _query("/tasks/ID"), _shown),
    Scenario("query_tasks", "list", _query("/tasks", status="submitted"), _shown),
    Scenario("query_tasks", "the provider's list", _query("/v1/videos/text2video"), _shown),
]
