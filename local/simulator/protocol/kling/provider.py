"""Kling as the account uses it."""

from collections.abc import Mapping
from random import Random
from typing import Any

from aiohttp import web

from local.simulator.account.account import Account
from local.simulator.account.results import MakeUrl
from local.simulator.account.tasks import Task
from local.simulator.common.errors import ProviderError
from local.simulator.protocol.kling import views
from local.simulator.protocol.kling.api import KlingApi
from local.simulator.protocol.kling.operations import OPERATIONS
from local.simulator.protocol.kling.synchronous import SYNCHRONOUS


class Kling:
    """Implements `account.provider.Provider`."""

    operations = (*OPERATIONS, *SYNCHRONOUS)
    prefixes = ("/kling/", "/v1/", "/account/")
    status_field = "task_status"
    words: Mapping[str, str] = {word: word for word in ("submitted", "processing", "succeed", "failed")}

    def routes(self, account: Account) -> list[web.RouteDef]:
        """The routes of its API."""
        return KlingApi(account).routes()

    def make_id(self, random: Random) -> str:
        """A number as a text."""
        return str(random.randrange(10**17, 10**19))

    def callback_url(self, task: Task, options: Mapping[str, Any]) -> str:
        """The one that the request names; every status is sent."""
        return str(task.body.get("callback_url") or "")

    def make_callback(self, task: Task, make_url: MakeUrl, options: Mapping[str, Any]) -> dict[str, Any]:
        """The body of a callback about the task as it is now."""
        return views.callback(task, make_url)

    def error_body(self, error: ProviderError, request_id: str) -> dict[str, Any]:
        """The envelope without data."""
        return {"code": error.code, "message": error.message, "request_id": request_id}
