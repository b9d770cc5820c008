"""What is fuzzed: each target makes one input, gives it to the relay and checks what came of it."""

import json
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

from relay.domain.task import Archive
from relay.domain.uploads import MEDIA_TYPES
from relay.providers.kling.translator import Kling
from relay.usecases.archive import ArchivingError
from tests.fuzz.host import Host
from tests.fuzz.mutations import FILES, mutated, response, text_of
from tests.fuzz.world import FuzzedWorld, must
from tests.support.cloudformation import ROOT

_FIXTURES = ROOT / "tests" / "fixtures" / "kling"
_DRIP_LIMIT = 0.3
_LARGE = 1_000_000
_MOST_MEMORY = 90 * 1024 * 1024
_MP4 = b"\x00\x00\x00\x18ftypmp42" + bytes(100)
_PNG = b"\x89PNG\r\n\x1a\n"
_DRIPS = (
    (b"", b"H"),
    (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
    (b"HTTP/1.1 200 OK\r\nX: ", b"\xff"),
    (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
)
_OTHER_PATHS = ("", "/", "/hook", "/hook?task=2", "/hook#part", "/HOOK/../other", "/%68ook", "//hook", "/hook;x=1")
_HEADERS = {
    "content_type": (
        "application/json; charset=iso-8859-1",
        "text/plain",
        "",
        "APPLICATION/JSON",
        "猫",
        "application/json;" * 99,
    ),
    "idempotency_key": ("k", "k" * 256, "猫", " ", "", "\x00"),
    "x_relay_deadline_seconds": ("60", "0", "-1", "9" * 30, "1.5", "१२", "", "nan"),
}


def _read(paths: Iterator[Path]) -> tuple[Any, ...]:
    return tuple(json.loads(path.read_text()) for path in sorted(paths))


CALLBACKS = _read(_FIXTURES.glob("callback_*.json"))
_LARGE_SUCCESSES = tuple({**CALLBACKS[0], "task_status": "succeed", "task_result": {name: FILES}} for name in ("videos", "any"))
QUERIES = _read(_FIXTURES.glob("*query_*.json"))
CREATES = _read(_FIXTURES.glob("*create_*.json"))
ERRORS = _read(_FIXTURES.glob("error_*.json"))
_DOCUMENTS = (*CALLBACKS, *QUERIES, *CREATES, *ERRORS)
BODIES = {path.name.partition(".")[0].replace("_", "/"): json.loads(path.read_text())
          for path in sorted((_FIXTURES / "requests").glob("*.fullest.json"))}  # fmt: skip
SYNCHRONOUS = {path.stem.replace("_", "/"): json.loads(path.read_text())
               for path in sorted((_FIXTURES / "requests" / "synchronous").glob("*.json"))}  # fmt: skip


class Case:
    """One input: its random numbers, and what it was, to be printed with a finding."""

    def __init__(self, random: Random, host: Host, closing: ExitStack) -> None:
        self.random = random
        self.closing = closing
        self.host = host
        self.input: list[bytes] = []
        self.drips = False
        host.reset()

    def world(self, *, may_drip: bool = False) -> FuzzedWorld:
        """A new relay. One in a hundred has a peer that drips, and gives up early."""
        self.drips = may_drip and self.random.random() < 0.01
        made = FuzzedWorld(self.host, seconds=_DRIP_LIMIT if self.drips else 20)
        self.closing.callback(made.close)
        return made

    def text(self, *documents: Any) -> bytes:
        """JSON near to one of these documents."""
        random = self.random
        document = mutated(random.choice(documents), random, _DOCUMENTS)
        return self.kept(text_of(document, random))

    def kept(self, raw: bytes) -> bytes:
        """Part of the input."""
        self.input.append(raw)
        return raw

    def respond(self, body: bytes, status: int = 200) -> None:
        """Let the host send a response with this body; or one whose head has no end, if the peer drips."""
        if self.drips:
            first, self.host.drops = self.random.choice(_DRIPS)
            self.host.responses.append(self.kept(first))
        else:
            self.host.responses.append(self.kept(response(body, self.random, status)))

    def headers(self) -> dict[str, str]:
        """Headers of a client's request, mostly none."""
        chosen = {name: self.random.choice(values) for name, values in _HEADERS.items() if self.random.random() < 0.1}
        self.input += [f"{name}: {value}".encode() for name, value in chosen.items()]
        return chosen

    def body_of(self, operation: str = "videos/text2video") -> dict[str, Any]:
        """The body of a task with a webhook."""
        hook = f"{self.host.url()}/hook"
        body = {**BODIES.get(operation, {"voice_name": "v"}), "callback_url": hook}
        body.pop("external_task_id", None)
        if self.random.random() < 0.5:
            body["external_task_id"] = self.random.choice(("order-1", "猫/#?", "x" * 200))
        return body


@contextmanager
def _in_memory(size: int) -> Iterator[None]:
    """A large input must not take many times its size. Small ones are not measured, since that takes time."""
    if size < _LARGE:
        yield
        return
    tracemalloc.start()
    try:
        yield
        must((peak := tracemalloc.get_traced_memory()[1]) < _MOST_MEMORY, f"{size} bytes took {peak >> 20} MiB of memory")
    finally:
        tracemalloc.stop()


def callback(case: Case) -> None:
    """The provider's callbacks."""
    world = case.world()
    operation = case.random.choice((*Kling.operations, "general/custom-voices"))
    task_id = world.submitted(case.body_of(operation), operation=operation)
    token = world.tokens.path(task_id, "kling").partition("/")[2]
    for _ in range(case.random.choice((1, 1, 2))):
        body = case.text(*CALLBACKS, *_LARGE_SUCCESSES)
        with _in_memory(len(body)):
            status, _ = world.enveloped("receive_callback", "POST", f"/callbacks/{task_id}/{token}", body)
        must(status == 200, f"a genuine callback is answered with HTTP {status}")
        world.check_task(task_id)
    world.deliver_all()


def create(case: Case) -> None:
    """The provider's responses to a create."""
    world = case.world(may_drip=True)
    world.connect()
    operation = case.random.choice((*Kling.operations, "general/custom-voices"))
    case.respond(case.text(*CREATES, *CREATES, *ERRORS, *QUERIES), case.random.choice((200, 200, 200, 200, 400, 429, 500)))
    status, _ = world.call("submit_task", "POST", f"/kling/v1/{operation}", json.dumps(case.body_of(operation)).encode())
    must(status != 500, "HTTP 500")
    _end(case, world)


def _end(case: Case, world: FuzzedWorld) -> None:
    """Every task stands the checks, and its provider can be queried again."""
    must(not case.host.is_endured, "a response without an end is awaited")
    for task_id in tuple(world.tasks.tasks):
        world.check_task(task_id)
        world.reconcile_one(task_id)
        world.check_task(task_id)
    world.deliver_all()


def query(case: Case) -> None:
    """The provider's responses to a query."""
    world = case.world(may_drip=True)
    task_id = world.submitted(case.body_of())
    world.connect()
    for _ in range(case.random.choice((1, 1, 2))):
        case.respond(
            case.text(*QUERIES, *ERRORS, *({"code": 0, "data": large} for large in _LARGE_SUCCESSES * 3)),
            case.random.choice((200, 200, 200, 200, 400, 404)),
        )
        world.clock.advance(case.random.choice((60, 600)))
        world.reconcile_one(task_id)
        world.check_task(task_id)
    _end(case, world)


def forwarded(case: Case) -> None:
    """The provider's responses to a synchronous operation."""
    world = case.world()
    world.connect()
    case.respond(case.text(*CREATES, *ERRORS, *QUERIES), case.random.choice((200, 200, 400, 500)))
    if case.random.random() < 0.2:
        world.call("submit_task", "GET", "/account/costs?start_time=1&end_time=2")
    else:
        operation, body = case.random.choice(tuple(SYNCHRONOUS.items()))
        world.call("submit_task", "POST", f"/kling/v1/{operation}", json.dumps(body).encode())
    world.check_cookies()


def result(case: Case) -> None:
    """Responses of result hosts: whatever they are, the files are stored or the failure is recorded."""
    world = case.world(may_drip=True)
    task_id = world.submitted(case.body_of())
    world.connect()
    hosts = ("a.apps.example", "b.apps.example")
    urls = [f"{case.host.url(name)}/{number}.mp4" for number, name in enumerate(hosts)]
    done = {"task_id": "P1", "task_status": "succeed", "task_result": {"videos": [{"id": "1", "url": url} for url in urls]}}
    world.receive(task_id, json.dumps(done).encode())
    for _ in urls:
        case.respond(_MP4 if case.random.random() < 0.8 else case.text(*QUERIES))
    with suppress(ArchivingError):
        world.archive(task_id, last_attempt=True)
    must(not case.host.is_endured, "a response without an end is awaited")
    must(world.task(task_id).archive in set(Archive), "archiving ended without a trace")
    world.check_task(task_id)
    world.deliver_all()
    world.check_cookies()


def webhook(case: Case) -> None:
    """Responses of webhook endpoints: whatever they are, the attempt is on record."""
    world = case.world(may_drip=True)
    task_id = world.submitted(case.body_of())
    world.connect()
    case.respond(b"", case.random.choice((200, 204, 410, 429, 500, 503)))
    world.deliver_all()
    must(not case.host.is_endured, "a response without an end is awaited")
    log = world.webhooks.log(task_id)
    must(log and log.attempts and (log.attempts[-1].http_status or log.attempts[-1].error), "the attempt is not on record")
    assert log
    must(log.due_at is None or world.clock() <= log.due_at, "the next attempt is in the past")
    if log.attempts[-1].http_status is None:
        _rests(case, world)
    world.receive(task_id, json.dumps(CALLBACKS[0]).encode())
    world.deliver_all()
    world.check_task(task_id)


def _rests(case: Case, world: FuzzedWorld) -> None:
    """An endpoint that did not respond gets no request for another task, however the task's URL names it."""
    case.host.heads.clear()
    url = case.host.url(case.random.choice(("127.0.0.1", "127.0.0.1."))) + case.random.choice(_OTHER_PATHS)
    case.kept(url.encode())
    other = world.submit({"prompt": "p", "callback_url": url}, key="another").task
    world.deliver_all()
    must(not any(b"\r\nwebhook-id:" in head for head in case.host.heads), "a request to an endpoint that is in back-off")
    must(world.webhooks.log(other.task_id) is None, "an attempt at an endpoint that is in back-off")


def request(case: Case) -> None:
    """Clients' requests: JSON bodies with and without uploads, headers."""
    world = case.world()
    random = case.random
    operation, body = random.choice((*BODIES.items(), *SYNCHRONOUS.items(), ("general/custom-voices", {"voice_name": "v"})))
    if operation in SYNCHRONOUS:
        world.connect()
    upload = random.random()
    if upload < 0.3:
        size = 10_000_000 if upload < 0.01 else 100
        reference = str(world.upload(_PNG + bytes(size - len(_PNG)), "image/png").reference)
        odd = (reference, f"{reference}#base64", [f"{reference}#base64"] * 32, f"{reference}#x", "relay://", reference[:-1])
        body = {**body, random.choice((*body, "image")): random.choice(odd)}
        body = {**body, "extra": [f"{reference}#base64"] * random.choice((0, 2, 11))} if upload < 0.1 else body
    raw = case.text(body)
    with _in_memory(len(raw) if upload >= 0.01 else _LARGE):
        status, _ = world.call("submit_task", "POST", f"/kling/v1/{operation}", raw, **case.headers())
    must(status != 500, "HTTP 500")
    _end(case, world)


def upload(case: Case) -> None:
    """Announcements of uploads."""
    world = case.world()
    known = {"media_type": case.random.choice(tuple(MEDIA_TYPES)), "bytes": 5, "sha256": "0" * 64}
    body = case.text(known)
    with _in_memory(len(body)):
        status, answer = world.enveloped("submit_task", "POST", "/uploads", body, **case.headers())
    must(status in {200, 400, 413}, f"HTTP {status}")
    must(status != 200 or answer["data"]["reference"].startswith("relay://"), "an upload without a reference")


TARGETS: tuple[Callable[[Case], None], ...] = (
    callback, callback, create, query, forwarded, result, webhook, request, request, upload,
)  # fmt: skip
"""In turn: what is named twice has twice the inputs."""
