"""Begins tasks with one release and goes on with them in another, on moto: `serve_one_task.py FUNCTIONS LAYER begin|go_on`.

The imported `relay` and test support are those of PYTHONPATH. Prints a line of JSON, with the names of the functions used.
"""

import importlib.util
import inspect
import json
import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

os.environ |= {
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "POWERTOOLS_SERVICE_NAME": "comet-relay",
    "POWERTOOLS_METRICS_NAMESPACE": "CometRelay",
}

import relay
from relay.usecases import resubmit
from tests.support import moto_world
from tests.support.moto_world import MotoWorld, event, moto, video, with_path
from tests.support.upstream import File, refusal, upstream

FUNCTIONS, LAYER = Path(sys.argv[1]), Path(sys.argv[2])
type Json = dict[str, Any]
called: set[str] = set()


@cache
def handler_of(function: str) -> Callable[..., Any]:
    """The handler in the given folder of functions."""
    spec = importlib.util.spec_from_file_location(f"app_of_{function}", FUNCTIONS / function / "app.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    handler: Callable[..., Any] = module.handler
    return handler


def begin(world: MotoWorld) -> Json:
    """Tasks in every state that the other release may find, and what it needs to go on."""
    assert world.call("authorize", event("authorize.missing"))["isAuthorized"] is True
    hook = f"{world.outside.url}/hooks/a"
    done = world.submitted(callback_url=hook)
    assert world.callback("processing", done).data == {"status": "applied"}
    url = world.outside.file("result.mp4", File(body=video(30_000)))
    videos = [{"id": "v-1", "url": url, "duration": "5.1"}]
    assert world.callback("succeed", done, task_result={"videos": videos}).data == {"status": "applied"}
    accepted = world.submitted(callback_url=hook)
    assert world.publish() == {"batchItemFailures": []}
    world.outside.next_answers = [(429, refusal(1303, "busy"))]
    waiting = str(world.submit().data["task_id"])
    message = {"task_id": waiting, "attempt": 1}
    if "due_at" in inspect.signature(resubmit.resubmit).parameters:  # version 0.2.0 sends no such field
        message["due_at"] = world.task(waiting).due_at
    return {
        "done": done, "accepted": accepted, "token": world.token(accepted), "resubmission": message,
        "queues": world.queues, "stream_arn": world.stream_arn, "sequences": sorted(world.sequences),
    }  # fmt: skip


def go_on(world: MotoWorld, begun: Json) -> None:
    """Archive, announce, show, report on, cancel and send again what the other release began."""
    done, accepted = begun["done"], begun["accepted"]
    assert world.archive(done, messages=world.messages("archives")) == {"batchItemFailures": []}
    assert world.publish() == {"batchItemFailures": []}
    assert world.announce() == {"batchItemFailures": []}
    shown = world.http("query_tasks", with_path(event("query_tasks.single"), f"/kling/v1/videos/text2video/{done}"))
    assert shown.data["task_status"] == "succeed"
    assert f"/results/{done}/0.mp4?" in shown.data["task_result"]["videos"][0]["url"]
    own = world.http("query_tasks", with_path(event("query_tasks.task"), f"/tasks/{done}")).data
    assert (own["archive"], own["webhook"]["state"]) == ("stored", "delivered")
    assert world.callback("processing", accepted, begun["token"]).data == {"status": "applied"}
    payload = event("resubmit_tasks.attempt")
    payload["Records"][0]["body"] = json.dumps({**begun["resubmission"], "due_at": 0} if "due_at" in begun["resubmission"]
                                               else begun["resubmission"])  # fmt: skip
    assert world.call("resubmit_tasks", payload) == {"batchItemFailures": []}
    assert world.task(begun["resubmission"]["task_id"]).provider_task_id
    assert world.call("reconcile_tasks", event("reconcile_tasks.schedule")) == {}
    if (FUNCTIONS / "cancel_task").exists():
        cancelled = world.http("cancel_task", with_path(event("cancel_task.task"), f"/tasks/{accepted}"))
        assert cancelled.data["failure"]["code"] == "cancelled"
    assert world.publish() == {"batchItemFailures": []}


def main() -> None:
    """`begin` starts AWS, serves, tells what is needed to go on, and stays until its input ends. `go_on` reads that."""
    assert LAYER in Path(relay.__file__).parents, relay.__file__
    moto_world.handler_of = used  # type: ignore[assignment]
    with upstream() as outside:
        if sys.argv[3] == "begin":
            server = moto()
            server.start()
            host, port = server.get_host_and_port()
            os.environ["AWS_ENDPOINT_URL"] = endpoint = f"http://{host}:{port}"
            world = MotoWorld(endpoint, outside)
            environment = world.create() | {"AWS_ENDPOINT_URL": endpoint}
            os.environ.update(environment)
            sys.stdout.write(json.dumps({"environment": environment, **begin(world), "called": sorted(called)}) + "\n")
            sys.stdout.flush()
            sys.stdin.read()
            server.stop()
        else:
            begun = json.loads(sys.stdin.read())
            world = MotoWorld(begun["environment"]["AWS_ENDPOINT_URL"], outside)
            added = world.sqs.create_queue(QueueName="archives-dead")["QueueUrl"]  # version 0.2.0 has none
            os.environ.update(begun["environment"] | {"PROVIDER_URL": outside.url, "ARCHIVES_DEAD_LETTERS_URL": added})
            world.queues, world.stream_arn, world.sequences = begun["queues"], begun["stream_arn"], set(begun["sequences"])
            go_on(world, begun)
            sys.stdout.write(json.dumps({"called": sorted(called)}) + "\n")


def used(function: str) -> Callable[..., Any]:
    """handler_of, noting the call."""
    called.add(function)
    return handler_of(function)


if __name__ == "__main__":
    main()
