"""Kling's API: create, query and list under /kling/v1 and /v1, synchronous operations, and the account's costs."""

from hmac import compare_digest
from typing import Any

from aiohttp import web

from local.simulator.account.account import Account
from local.simulator.account.tasks import Task
from local.simulator.common.errors import ProviderError
from local.simulator.common.requests import json_object
from local.simulator.faults.misbehaviour import accepts, misbehave
from local.simulator.faults.rules import Fault
from local.simulator.protocol.kling import views
from local.simulator.protocol.kling.operations import OPERATIONS, Operation
from local.simulator.protocol.kling.synchronous import SYNCHRONOUS, Endpoint, costs


class KlingApi:
    """The handlers, for one account."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def routes(self) -> list[web.RouteDef]:
        """Kling's routes."""
        return [
            web.route("*", "/kling/v1/{path:.*}", self.dispatch),
            web.route("*", "/v1/{path:.*}", self.dispatch),
            web.get("/account/costs", self.costs),
            web.get("/kling/account/costs", self.costs),
        ]

    async def dispatch(self, request: web.Request) -> web.StreamResponse:
        """Find the operation by the path, in the tables of operations."""
        self._authenticate(request)
        path = request.match_info["path"].strip("/")
        parent, _, last = path.rpartition("/")
        if request.method == "POST" and path in OPERATIONS:
            return await self.create(request, OPERATIONS[path])
        if request.method == "POST" and path in SYNCHRONOUS:
            return await self.call(request, path, SYNCHRONOUS[path])
        if request.method == "GET" and path in OPERATIONS:
            return await self.list_tasks(request, OPERATIONS[path])
        if request.method == "GET" and parent in OPERATIONS:
            return await self.query(request, OPERATIONS[parent], last)
        raise ProviderError(1202, f"{request.method} {request.path} does not exist")

    async def create(self, request: web.Request, operation: Operation) -> web.StreamResponse:
        """Create a task and respond with it. A fault may prevent the creation, or replace the response."""
        body = await json_object(request)
        external = body.get("external_task_id")
        fault = self._account.draw_fault("create", {"operation": {operation.path}, "external_task_id": {str(external)}})
        if fault and not accepts(fault):
            if answer := await misbehave(request, fault):
                return answer
            fault = None
        task = self._account.create_task(operation, body)
        return await self._respond(request, task, fault)

    async def call(self, request: web.Request, path: str, endpoint: Endpoint) -> web.StreamResponse:
        """Respond to a synchronous operation. A fault may prevent its execution, or replace the response."""
        body = await json_object(request)
        fault = self._account.draw_fault("create", {"operation": {path}})
        if fault and not accepts(fault):
            return await misbehave(request, fault) or web.Response()
        data = endpoint.call(self._account, body)
        if fault and (answer := await misbehave(request, fault)):
            return answer
        return web.json_response(views.envelope(self._make_request_id(), data))

    async def _respond(self, request: web.Request, task: Task, fault: Fault | None) -> web.StreamResponse:
        """Send the response, then start the task. Some faults need the opposite order."""
        account, settings, scheduler = self._account, self._account.settings, self._account.scheduler
        early = task.fault("callback_early")
        if early or fault:
            scheduler.start(task, settings)
        if early:
            await scheduler.wait_until(task, account.faults.count(early).params.get("through", "submitted"))
        if fault and (answer := await misbehave(request, fault)):
            return answer
        response = web.json_response(views.envelope(self._make_request_id(), views.created(task)))
        if not (early or fault):
            scheduler.expect(task)
            try:
                await response.prepare(request)
                await response.write_eof()
            finally:
                scheduler.start(task, settings)
        return response

    async def query(self, request: web.Request, operation: Operation, identifier: str) -> web.StreamResponse:
        """One task by its id or external_task_id. Replaces result URLs that do not work."""
        task = self._account.ledger.find(identifier, operation.path)
        named = {identifier} | ({task.id, task.external_task_id} if task else set())
        facts = {"operation": {operation.path}, "external_task_id": named, "task_id": named}
        fault = self._account.draw_fault("query", facts)
        if fault and (answer := await misbehave(request, fault)):
            return answer
        wrapped = self._account.settings.wrapped_queries
        if task is None and wrapped:
            missing = {"code": "task_not_exist", "message": "task_not_exist", "data": None}
            return web.json_response(missing, status=400)
        if task is None:
            raise ProviderError(1201, "task_not_exist")
        native = views.envelope(self._make_request_id(), self._show(task))
        return web.json_response(views.wrapped(task, native) if wrapped else native)

    async def list_tasks(self, request: web.Request, operation: Operation) -> web.StreamResponse:
        """One page of the operation's tasks, newest first."""
        number = _page_parameter(request, "pageNum", 1, 1000)
        size = _page_parameter(request, "pageSize", 30, 500)
        tasks = self._account.ledger.page(operation.path, number, size)
        return web.json_response(views.envelope(self._make_request_id(), [self._show(task) for task in tasks]))

    async def costs(self, request: web.Request) -> web.StreamResponse:
        """What is left of the account's resource pack. Times are in ms."""
        self._authenticate(request)
        for name in ("start_time", "end_time"):
            if not request.query.get(name, "").isdecimal():
                raise ProviderError(1200, f"{name} is required")
        return web.json_response(views.envelope(self._make_request_id(), costs(self._account, request.query)))

    def _show(self, task: Task) -> dict[str, Any]:
        task.refresh_urls()
        return views.queried(task, self._account.make_url)

    def _make_request_id(self) -> str:
        return f"{self._account.randomness.generator('request ids').getrandbits(128):032x}"

    def _authenticate(self, request: web.Request) -> None:
        given = request.headers.get("Authorization", "").strip()
        if not given:
            raise ProviderError(1001)
        if not compare_digest(given.encode(), f"Bearer {self._account.api_key}".encode()):
            raise ProviderError(1002)


def _page_parameter(request: web.Request, name: str, default: int, largest: int) -> int:
    given = request.query.get(name, str(default))
    if not given.isdecimal() or not 1 <= int(given) <= largest:
        raise ProviderError(1201, f"{name} must be between 1 and {largest}")
    return int(given)
