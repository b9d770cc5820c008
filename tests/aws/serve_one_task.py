"""Serves one task with functions and layer of different releases, on moto: `serve_one_task.py FUNCTIONS LAYER NAME…`.

Prints the names of the functions that took part, as JSON. The imported `relay` and test support are those of PYTHONPATH.
"""

import importlib.util
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
from tests.support import moto_world
from tests.support.moto_world import MotoWorld, event, moto, video, with_path
from tests.support.upstream import File, refusal, upstream

FUNCTIONS, LAYER = Path(sys.argv[1]), Path(sys.argv[2])
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


def serve(world: MotoWorld) -> None:
    """From the key to the webhook, with a task that waits and one that is due."""
    assert world.call("authorize", event("authorize.missing"))["isAuthorized"] is True
    hook = f"{world.outside.url}/hooks/a"
    task_id = world.submitted(callback_url=hook)
    assert world.callback("processing", task_id).data == {"status": "applied"}
    url = world.outside.file("result.mp4", File(body=video(30_000)))
    videos = [{"id": "v-1", "url": url, "duration": "5.1"}]
    assert world.callback("succeed", task_id, task_result={"videos": videos}).data == {"status": "applied"}
    assert world.publish() == {"batchItemFailures": []}
    assert world.archive(task_id, messages=world.messages("archives")) == {"batchItemFailures": []}
    assert world.publish() == {"batchItemFailures": []}
    assert world.announce() == {"batchItemFailures": []}
    assert len(world.outside.hooks) > 0
    shown = world.http("query_tasks", with_path(event("query_tasks.single"), f"/kling/v1/videos/text2video/{task_id}"))
    assert shown.data["task_status"] == "succeed"
    resubmit(world)
    assert world.call("reconcile_tasks", event("reconcile_tasks.schedule")) == {}


def resubmit(world: MotoWorld) -> None:
    """A task that the provider takes at the second attempt."""
    world.outside.next_answers = [(429, refusal(1303, "busy"))]
    waiting = str(world.submit().data["task_id"])
    payload = event("resubmit_tasks.attempt")
    payload["Records"][0]["body"] = json.dumps({"task_id": waiting, "attempt": 1})
    assert world.call("resubmit_tasks", payload) == {"batchItemFailures": []}
    assert world.task(waiting).provider_task_id


def main() -> None:
    """Start moto and the provider, serve, and say which functions took part."""
    assert LAYER in Path(relay.__file__).parents, relay.__file__
    for name in sys.argv[3:]:
        handler_of(name)
    server = moto()
    server.start()
    host, port = server.get_host_and_port()
    os.environ["AWS_ENDPOINT_URL"] = f"http://{host}:{port}"
    moto_world.handler_of = used  # type: ignore[assignment]
    with upstream() as outside:
        world = MotoWorld(os.environ["AWS_ENDPOINT_URL"], outside)
        os.environ.update(world.create())
        serve(world)
    server.stop()
    sys.stdout.write(f"\n{json.dumps(sorted(called))}\n")


def used(function: str) -> Callable[..., Any]:
    """handler_of, noting the call."""
    called.add(function)
    return handler_of(function)


if __name__ == "__main__":
    main()
