"""Replicate's API below /replicate/v1: create, query, list and cancel predictions. No client's id finds one."""

from collections.abc import Callable
from hmac import compare_digest
from typing import Any

from aiohttp import web

from local.simulator.account.account import Account
from local.simulator.account.scheduler import now_ms
from local.simulator.account.tasks import Operation, Task
from local.simulator.common.errors import ProviderError
from local.simulator.common.requests import json_object
from local.simulator.faults.misbehaviour import accepts, misbehave

_PREFIX = "/replicate/v1"
_PAGE = 100


class ReplicateApi:
    """The handlers, for one account."""

    def __init__(self, account: Account, operation: Operation, show: Callable[[Task], dict[str, Any]]) -> None:
        self._account, self._operation, self._show = account, operation, show

    def routes(self) -> list[web.RouteDef]:
        """Replicate's routes."""
        return [
            web.post(f"{_PREFIX}/predictions", self.create),
            web.post(_PREFIX + "/models/{owner}/{name}/predictions", self.create),
            web.get(f"{_PREFIX}/predictions", self.list_predictions),
            web.get(_PREFIX + "/predictions/{id}", self.query),
            web.post(_PREFIX + "/predictions/{id}/cancel", self.cancel),
            web.route("*", _PREFIX + "/{path:.*}", self.refuse),
        ]

    async def create(self, request: web.Request) -> web.StreamResponse:
        """Create a prediction and respond with it. A fault may prevent the creation, or replace the response."""
        self._authenticate(request)
        body = await json_object(request)
        if "owner" in request.match_info:
            body["model"] = f"{request.match_info['owner']}/{request.match_info['name']}"
        elif not (body.get("version") or body.get("model")):
            raise ProviderError(1201, "- version is required\n", 422)
        fault = self._account.draw_fault("create", {"operation": {self._operation.path}})
        if fault and not accepts(fault):
            if answer := await misbehave(request, fault):
                return answer
            fault = None
        task = self._account.create_task(self._operation, body)
        shown = self._show(task)
        self._account.scheduler.start(task, self._account.settings)
        if fault and (answer := await misbehave(request, fault)):
            return answer
        return web.json_response(shown, status=201)

    async def query(self, request: web.Request) -> web.StreamResponse:
        """One prediction. Replaces result URLs that do not work."""
        task = self._found(request)
        facts = {"operation": {self._operation.path}, "task_id": {request.match_info["id"]}}
        fault = self._account.draw_fault("query", facts)
        if fault and (answer := await misbehave(request, fault)):
            return answer
        hidden_ms = 1000 * self._account.settings.options.get("replicate.hidden_seconds", 0)
        if now_ms() < task.created_at + hidden_ms:
            raise _missing()
        return web.json_response(self._show(task))

    async def list_predictions(self, request: web.Request) -> web.StreamResponse:
        """The newest predictions; one page is enough here."""
        self._authenticate(request)
        tasks = self._account.ledger.page(self._operation.path, 1, _PAGE)
        return web.json_response({"previous": None, "next": None, "results": [self._show(task) for task in tasks]})

    async def cancel(self, request: web.Request) -> web.StreamResponse:
        """Cancel a prediction that has not ended. CometAPI may not have the route."""
        if not self._account.settings.options.get("replicate.cancel"):
            self._authenticate(request)
            raise ProviderError(1202, "Not found.")
        task = self._found(request)
        self._account.scheduler.move(task, "failed", "canceled", self._account.settings)
        return web.json_response(self._show(task))

    async def refuse(self, request: web.Request) -> web.StreamResponse:
        """Every other path."""
        self._authenticate(request)
        raise _missing()

    def _found(self, request: web.Request) -> Task:
        self._authenticate(request)
        task = self._account.ledger.find(request.match_info["id"], self._operation.path)
        if task is None:
            raise _missing()
        return task

    def _authenticate(self, request: web.Request) -> None:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() not in {"bearer", "token"} or not compare_digest(key.encode(), self._account.api_key.encode()):
            raise ProviderError(1002, "no token")


def _missing() -> ProviderError:
    return ProviderError(1203, "Not found.")
