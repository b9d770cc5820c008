"""The simulator's own endpoints under /_admin: settings, faults, and the truth for tests to compare with (README)."""

import asyncio
from functools import lru_cache
from typing import Any

from aiohttp import web

from local.simulator.account.tasks import RANKS, Medium, Task
from local.simulator.account.world import World
from local.simulator.common.errors import AdminError

_SHOWN = 200


class Admin:
    """The handlers, for one world."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        """Every route of the simulator's own."""
        return [
            web.get("/_admin/state", self.state),
            web.get("/_admin/idle", self.idle),
            web.get("/_admin/tasks/{id}", self.task),
            web.post("/_admin/tasks/{id}/advance", self.advance),
            web.post("/_admin/tasks/{id}/kill-urls", self.kill_urls),
            web.get("/_admin/faults", self.faults),
            web.post("/_admin/faults", self.add_faults),
            web.delete("/_admin/faults", self.remove_faults),
            web.delete("/_admin/faults/{rule:[0-9]+}", self.remove_faults),
            web.post("/_admin/settings", self.settings),
            web.post("/_admin/reset", self.reset),
        ]

    async def idle(self, _: web.Request) -> web.Response:
        """Whether anything still moves by itself; cheap enough to be asked often."""
        return web.json_response({"idle": self._world.is_idle})

    async def state(self, request: web.Request) -> web.Response:
        """Everything; without the results' hashes if ?hashes=0."""
        hashes, tasks = request.query.get("hashes") != "0", list(self._world.ledger.tasks.values())
        shown = await asyncio.to_thread(lambda: [self._task(task, hashes=hashes) for task in tasks])
        return web.json_response(
            {
                "idle": self._world.is_idle,
                "seed": self._world.seed,
                "settings": vars(self._world.settings),
                "tasks": shown,
                "paid": self._world.ledger.paid,
                "answered_at_once": self._world.answered_at_once,
                "slots": self._world.ledger.slots,
                "callbacks": [delivery.as_json() for delivery in self._world.callbacks.log],
                "faults": self._faults(),
            }
        )

    async def task(self, request: web.Request) -> web.Response:
        """One task, its results with their hashes, and its callbacks."""
        task = self._found(request)
        shown = await asyncio.to_thread(self._task, task, hashes=True)
        sent = [delivery.as_json() for delivery in self._world.callbacks.log if delivery.task_id == task.id]
        return web.json_response(shown | {"callbacks": sent})

    async def advance(self, request: web.Request) -> web.Response:
        """Move a task on by hand: to the status given, or the next one."""
        task, asked = self._found(request), await _body(request)
        settings = self._world.settings
        if "status" in asked and asked["status"] not in RANKS:
            raise AdminError(f"status is one of {', '.join(RANKS)}")
        following = ("processing", "") if task.status == "submitted" else self._world.lives.verdict(task, settings)
        status = asked.get("status", following[0])
        message = asked.get("message", following[1] or (settings.failure_message if status == "failed" else ""))
        if not self._world.lives.move(task, status, message, settings):
            raise AdminError(f"a task that is {task.status} does not become {status}")
        return web.json_response(self._task(task, hashes=False))

    async def kill_urls(self, request: web.Request) -> web.Response:
        """From now on the URLs issued for a task are dead, until a query issues fresh ones."""
        task, asked = self._found(request), await _body(request)
        task.kill_urls(asked.get("status", 404), asked.get("times", 1))
        return web.json_response(self._task(task, hashes=False))

    async def faults(self, _: web.Request) -> web.Response:
        """Rules and counts."""
        return web.json_response(self._faults())

    async def add_faults(self, request: web.Request) -> web.Response:
        """Add one rule or a list of them."""
        asked = await _json(request)
        rules = [self._world.add_rule(each) for each in (asked if isinstance(asked, list) else [asked])]
        return web.json_response({"rules": [rule.as_json() for rule in rules]})

    async def remove_faults(self, request: web.Request) -> web.Response:
        """Remove one rule or all of them."""
        rule = request.match_info.get("rule")
        self._world.faults.remove(int(rule) if rule else None)
        return web.json_response(self._faults())

    async def settings(self, request: web.Request) -> web.Response:
        """Change settings; answer them all. Tasks under way keep the ones they were made with."""
        self._world.settings = self._world.settings.changed(await _body(request))
        return web.json_response(vars(self._world.settings))

    async def reset(self, request: web.Request) -> web.Response:
        """Begin again from the seed."""
        await self._world.reset(keep_settings=bool((await _body(request)).get("keep_settings")))
        return web.json_response({"seed": self._world.seed})

    def _found(self, request: web.Request) -> Task:
        task = self._world.ledger.find(request.match_info["id"])
        if task is None:
            raise AdminError(f"no task {request.match_info['id']}")
        return task

    def _faults(self) -> dict[str, Any]:
        faults = self._world.faults
        return {"injected": faults.injected, "rules": [rule.as_json() for rule in faults.rules]}

    def _task(self, task: Task, *, hashes: bool) -> dict[str, Any]:
        media = [(result, field, each) for result in task.results for field, each in result.media.items()]
        return {
            "task_id": task.id,
            "external_task_id": task.external_task_id,
            "operation": task.operation.path,
            "status": task.status,
            "message": task.message,
            "created_at": task.created_at,
            "updated_at": task.updated_at,
            "request": _shortened(task.body),
            "faults": [fault.name for fault in task.faults],
            "inputs": [each.as_json() for each in task.inputs],
            "results": [
                {"index": result.index, "id": result.id, "duration": result.duration, "field": field}
                | {"url": self._world.make_url(task, medium), **_truth(medium, hashes=hashes)}
                for result, field, medium in media
            ],
        }


@lru_cache(maxsize=65_536)
def _truth(medium: Medium, *, hashes: bool) -> dict[str, Any]:
    """What a faultless download of the file gives."""
    media = medium.open()
    known = {"name": medium.name, "bytes": media.size, "media_type": media.media_type}
    return known | {"sha256": media.sha256()} if hashes else known


def _shortened(value: Any) -> Any:
    """The request without its long strings, such as images in base64."""
    if isinstance(value, str):
        return value if len(value) <= _SHOWN else f"{value[:_SHOWN]}... ({len(value)} characters)"
    if isinstance(value, dict):
        return {name: _shortened(each) for name, each in value.items()}
    return [_shortened(each) for each in value] if isinstance(value, list) else value


async def _json(request: web.Request) -> Any:
    try:
        return await request.json() if request.can_read_body else {}
    except ValueError:
        raise AdminError("the body is not valid JSON") from None


async def _body(request: web.Request) -> dict[str, Any]:
    body = await _json(request)
    if not isinstance(body, dict):
        raise AdminError("the body must be a JSON object")
    return body
