"""The admin endpoints under /_admin: settings, faults, and the state that tests compare with (see README.md)."""

import asyncio
from functools import lru_cache
from typing import Any

from aiohttp import web

from local.simulator.account.account import Account
from local.simulator.account.tasks import RANKS, Medium, Task
from local.simulator.common.errors import AdminError

_SHOWN = 200


class Admin:
    """The handlers, for one account."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def routes(self) -> list[web.RouteDef]:
        """The admin routes."""
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
        """Whether nothing will change without another request. Cheap enough to poll often."""
        return web.json_response({"idle": self._account.is_idle})

    async def state(self, request: web.Request) -> web.Response:
        """The whole state. `?hashes=0` omits the hashes of the results."""
        hashes, tasks = request.query.get("hashes") != "0", list(self._account.ledger.tasks.values())
        shown = await asyncio.to_thread(lambda: [self._task(task, hashes=hashes) for task in tasks])
        return web.json_response(
            {
                "idle": self._account.is_idle,
                "seed": self._account.seed,
                "settings": vars(self._account.settings),
                "tasks": shown,
                "paid": self._account.ledger.paid,
                "answered_at_once": self._account.answered_at_once,
                "slots": self._account.ledger.slots,
                "callbacks": [delivery.as_json() for delivery in self._account.callbacks.log],
                "faults": self._faults(),
            }
        )

    async def task(self, request: web.Request) -> web.Response:
        """One task with its callbacks and the hashes of its results."""
        task = self._find_task(request)
        shown = await asyncio.to_thread(self._task, task, hashes=True)
        sent = [delivery.as_json() for delivery in self._account.callbacks.log if delivery.task_id == task.id]
        return web.json_response(shown | {"callbacks": sent})

    async def advance(self, request: web.Request) -> web.Response:
        """Move a task to the given status, or to the next one."""
        task, asked = self._find_task(request), await _body(request)
        settings = self._account.settings
        if "status" in asked and asked["status"] not in RANKS:
            raise AdminError(f"status must be one of {', '.join(RANKS)}")
        following = (
            ("processing", "") if task.status == "submitted" else self._account.scheduler.choose_final_status(task, settings)
        )
        status = asked.get("status", following[0])
        message = asked.get("message", following[1] or (settings.failure_message if status == "failed" else ""))
        if not self._account.scheduler.move(task, status, message, settings):
            raise AdminError(f"a task with status {task.status} cannot change to {status}")
        return web.json_response(self._task(task, hashes=False))

    async def kill_urls(self, request: web.Request) -> web.Response:
        """Make the URLs issued for a task fail, until a query issues new ones."""
        task, asked = self._find_task(request), await _body(request)
        task.kill_urls(asked.get("status", 404), asked.get("times", 1))
        return web.json_response(self._task(task, hashes=False))

    async def faults(self, _: web.Request) -> web.Response:
        """The rules, and the counts of injected faults."""
        return web.json_response(self._faults())

    async def add_faults(self, request: web.Request) -> web.Response:
        """Add one rule or a list of them."""
        asked = await _json(request)
        rules = [self._account.add_rule(each) for each in (asked if isinstance(asked, list) else [asked])]
        return web.json_response({"rules": [rule.as_json() for rule in rules]})

    async def remove_faults(self, request: web.Request) -> web.Response:
        """Remove one rule or all of them."""
        rule = request.match_info.get("rule")
        self._account.faults.remove(int(rule) if rule else None)
        return web.json_response(self._faults())

    async def settings(self, request: web.Request) -> web.Response:
        """Change settings and return all of them. Tasks in progress keep the settings they started with."""
        self._account.settings = self._account.settings.changed(await _body(request))
        return web.json_response(vars(self._account.settings))

    async def reset(self, request: web.Request) -> web.Response:
        """Start again from the seed."""
        await self._account.reset(keep_settings=bool((await _body(request)).get("keep_settings")))
        return web.json_response({"seed": self._account.seed})

    def _find_task(self, request: web.Request) -> Task:
        task = self._account.ledger.find(request.match_info["id"])
        if task is None:
            raise AdminError(f"no task {request.match_info['id']}")
        return task

    def _faults(self) -> dict[str, Any]:
        faults = self._account.faults
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
                | {"url": self._account.make_url(task, medium), **_truth(medium, hashes=hashes)}
                for result, field, medium in media
            ],
        }


@lru_cache(maxsize=65_536)
def _truth(medium: Medium, *, hashes: bool) -> dict[str, Any]:
    """The properties of the file, as a download without faults has them."""
    media = medium.open()
    known = {"name": medium.name, "bytes": media.size, "media_type": media.media_type}
    return known | {"sha256": media.sha256()} if hashes else known


def _shortened(value: Any) -> Any:
    """The request with its long strings cut, such as images in base64."""
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
