"""Memory and CPU of the costliest requests that the relay takes, from body to provider: `python -m benchmarks.request_memory`."""

import json
import os
import time
import tracemalloc
import uuid
from collections.abc import Iterator
from typing import Any

import httpx

from benchmarks.report import Goal, Row, Table, publish
from relay.adapters.aws import client
from relay.adapters.http.provider import HttpProviderApi
from relay.adapters.http.result_uploads import HttpResultUploads
from relay.adapters.s3.results import S3ResultStore
from relay.domain.errors import ClientError
from relay.domain.task import Archive, Result, Status
from relay.entrypoint.http import REQUEST_LIMIT, VALUES_LIMIT, json_object
from relay.entrypoint.presenter import native_page
from relay.usecases.attach import MOST, MOST_IN_BASE64
from relay.usecases.submit import Submission, submit
from tests.support.fakes.fake_world import FakeWorld
from tests.support.tasks import NOON, task_of

_MEGABYTE = 1024 * 1024
_MOST_MEGABYTES = 64
_MOST_SECONDS = 0.5
_ACCEPTED = {"code": 0, "data": {"task_id": "1", "task_status": "submitted", "created_at": 1, "updated_at": 1}}
_IMAGES = "images/generations"
_TASKS, _FITTING, _FILES = 500, 350, 9
_SESSION = {
    "AWS_ACCESS_KEY_ID": "ASIAEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "x" * 40,
    "AWS_SESSION_TOKEN": "IQoJb3JpZ2luX2Vj" + "A" * 1100,
    "AWS_DEFAULT_REGION": "us-east-1",
}
_PNG = b"\x89PNG\r\n\x1a\n"


def bodies(large: str, small: str) -> Iterator[tuple[str, str]]:
    """A name and a body, a plain one first; `large` and `small` are references to uploads of the largest and a tiny size."""
    uploads = json.dumps([f"{large}#base64"] + [small] * (MOST - 1))
    lists = "[" + "[]," * (VALUES_LIMIT // 2 - 100) + "0]"
    text = "x" * (REQUEST_LIMIT - len(lists) - len(uploads) - 200)
    yield "a prompt of 5 MiB", body(note=json.dumps(text))
    yield f"{MOST} uploads, {MOST_IN_BASE64 // _MEGABYTE} MiB of them as base64", body(images=uploads)
    yield f"{MOST} uploads, an emoji", body(images=uploads, note='"😀"')
    yield f"{VALUES_LIMIT // 2:,} lists", body(lists=lists)
    yield "a long key over many values", body(**{"k" * len(text): lists})
    yield "all of it", body(lists=lists, images=uploads, note=json.dumps(text))
    yield "refused: 5 MiB of {}", body(lists="[" + "{}," * (REQUEST_LIMIT // 3 - 100) + "0]")
    yield f"refused: {MOST} large uploads as base64", body(images=json.dumps([f"{large}#base64"] * MOST))


def body(**fields: str) -> str:
    """A request body of these fields, whose values are JSON already."""
    return "{" + ",".join(f'"{name}":{value}' for name, value in {"prompt": '"a cat"', **fields}.items()) + "}"


def handle(text: str, world: FakeWorld) -> bool:
    """Handle one request; False if it was refused."""
    try:
        document = json_object({"body": text, "headers": {}})
        submission = Submission(
            tenant="acme",
            provider="kling",
            operation="videos/text2video",
            body=document,
            idempotency_key=None,
            public_url="https://r.example",
        )
        submit(submission, world.relay, new_id=uuid.uuid4().hex)
    except ClientError:
        return False
    return True


def main() -> None:
    """Measure each body twice: the CPU alone, and the memory at its peak."""
    world = FakeWorld()
    answer = httpx.MockTransport(lambda _: httpx.Response(200, json=_ACCEPTED))
    world.relay.api = HttpProviderApi("https://provider.example", lambda: "key", answer)
    large = world.upload(_PNG + bytes(MOST_IN_BASE64 - len(_PNG)), "image/png")
    small = world.upload(_PNG + bytes(100), "image/png")
    rows, plain = [], None
    handle(body(), world)  # loads pydantic
    for name, text in bodies(str(large.reference), str(small.reference)):
        began = time.process_time()
        taken = handle(text, world)
        seconds = time.process_time() - began
        if taken is name.startswith("refused"):
            raise SystemExit(f"{name}: taken is {taken}")
        tracemalloc.start()
        handle(text, world)
        megabytes = tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()
        world.tasks.tasks.clear()
        world.documents.requests.clear()
        plain = plain or (megabytes, seconds)
        rows.append(Row(what=name, ours=megabytes, unit="MB", goal=Goal(round(_MOST_MEGABYTES + plain[0]))))
        rows.append(Row(what=f"{name}: CPU", ours=seconds, unit="s", goal=Goal(round(_MOST_SECONDS + plain[1], 2))))
    notes = ["Memory: the peak beyond the event, by tracemalloc. The goals are 64 MB and 0.5 s above the first request"]
    publish("request_memory", [Table("Memory and CPU of one request", rows, notes), pages()])


def pages() -> Table:
    """A page of the provider's list with as many files as a response holds, and the refusal of a longer one."""
    os.environ.update(_SESSION)
    world = FakeWorld()
    world.relay.results = S3ResultStore(client("s3"), "results", largest=1, url_seconds=3600, uploads=_no_uploads)
    for number in range(_TASKS):
        document = {"task_result": {"images": [{"index": each, "url": ""} for each in range(_FILES)]}}
        task_id = f"{number:032x}"
        results = tuple(stored(task_id, each) for each in range(_FILES))
        fields = {"status": Status.SUCCEED, "document": document, "results": results, "archive": Archive.STORED}
        world.tasks.create(task_of(task_id, operation=_IMAGES, created_at=NOON + number, **fields))

    def shown(size: int) -> Any:
        route = world.provider.route("GET", f"/v1/{_IMAGES}", {"pageSize": str(size)})
        return native_page("acme", world.provider, route, world.relay, "https://r.example", "r").body

    shown(1)
    rows = []
    for size in (_FITTING, _TASKS):
        began = time.process_time()
        try:
            text = json.dumps(shown(size))
        except ClientError:
            text = ""
        seconds = time.process_time() - began
        if (not text) is (size == _FITTING):
            raise SystemExit(f"a page of {size} tasks: {len(text)} bytes")
        name = f"{size} tasks with {_FILES} files each{'' if text else ', refused'}"
        rows.append(Row(what=f"{name}: CPU", ours=seconds, unit="s", goal=Goal(1)))
        rows += [Row(what=f"{name}: response", ours=len(text) / 1e6, unit="MB", goal=Goal(5.5))] if text else []
    return Table("A page of tasks", rows, ["URLs are signed with a session token of 1.1 kB, as a function has it"])


def _no_uploads() -> HttpResultUploads:
    raise AssertionError("only URLs are needed")


def stored(task_id: str, number: int) -> Result:
    """A stored image."""
    key = f"results/{task_id}/{number}.png"
    return Result(path=f"task_result/images/{number}/url", kind="image", url="", index=number, bucket="results", key=key)


if __name__ == "__main__":
    main()
