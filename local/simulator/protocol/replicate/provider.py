"""Replicate as the account uses it, and its prediction object.

Options:

- `replicate.webhooks`: true if CometAPI passes the field `webhook` on.
- `replicate.cancel`: true if CometAPI has the route to cancel.
- `replicate.hidden_seconds`: how long a query does not find a new prediction.
- `replicate.output`: list, url, object or text.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from random import Random
from typing import Any, Final

from aiohttp import web

from local.simulator.account.account import Account
from local.simulator.account.results import MakeUrl
from local.simulator.account.tasks import Kind, Result, Task
from local.simulator.common.errors import ProviderError
from local.simulator.protocol.replicate.api import ReplicateApi

_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"
_ID_LENGTH = 26
_EVENTS: Final = {"processing": "start", "succeed": "completed", "failed": "completed"}
_TEXT = "A paper boat drifts across a puddle at sunrise."


class Predictions:
    """The one operation. Implements `account.tasks.Operation`."""

    path = "predictions"
    kind: Kind = "image"
    pool = "replicate"
    extends = False

    def count(self, body: Mapping[str, Any]) -> int:
        """As many files as the input asks for."""
        asked = (body.get("input") or {}).get("num_outputs")
        return asked if isinstance(asked, int) and 1 <= asked <= 4 else 1

    def check(self, body: Mapping[str, Any]) -> None:
        """The model's own schema, which all examples have in common."""
        if not isinstance(body.get("input"), dict):
            raise ProviderError(1201, "input is required", 422)
        if not (body["input"].get("prompt") or body["input"].get("text")):
            raise ProviderError(1201, "- input: prompt is required\n", 422)

    def source_id(self, body: Mapping[str, Any]) -> object | None:
        """Requests name no earlier task."""
        return None

    def check_source(self, task: Task, result: Result) -> None:
        """Requests name no earlier task."""


PREDICTIONS = Predictions()


class Replicate:
    """Implements `account.provider.Provider`."""

    operations = (PREDICTIONS.path,)
    prefixes = ("/replicate/",)
    status_field = "status"
    words: Mapping[str, str] = {"submitted": "starting", "processing": "processing", "succeed": "succeeded", "failed": "failed"}

    def routes(self, account: Account) -> list[web.RouteDef]:
        """The routes of its API."""
        return ReplicateApi(account, PREDICTIONS, lambda task: self.prediction(task, account)).routes()

    def make_id(self, random: Random) -> str:
        """26 characters of lower-case base32."""
        return "".join(random.choices(_LETTERS, k=_ID_LENGTH))

    def callback_url(self, task: Task, options: Mapping[str, Any]) -> str:
        """Only for the events that the request asks for, and only if CometAPI passes the field on."""
        asked = task.body.get("webhook_events_filter") or ["completed"]
        is_wanted = options.get("replicate.webhooks") and _EVENTS.get(task.status) in asked
        return str(task.body.get("webhook") or "") if is_wanted else ""

    def make_callback(self, task: Task, make_url: MakeUrl, options: Mapping[str, Any]) -> dict[str, Any]:
        """The prediction, and how the request asked for callbacks. Nothing in it names the event."""
        hooks = {name: task.body.get(name) for name in ("webhook", "webhook_events_filter")}
        return {**_prediction(task, make_url, options), **hooks}

    def prediction(self, task: Task, account: Account) -> dict[str, Any]:
        """The prediction as it is now."""
        task.refresh_urls()
        return _prediction(task, account.make_url, account.settings.options)

    def error_body(self, error: ProviderError, request_id: str) -> dict[str, Any]:
        """Replicate's problem object."""
        return {"title": HTTPStatus(error.status).phrase, "detail": error.message, "status": error.status}


def _prediction(task: Task, make_url: MakeUrl, options: Mapping[str, Any]) -> dict[str, Any]:
    is_canceled = task.message == "canceled"
    url = f"https://api.replicate.example/v1/predictions/{task.id}"
    shown = {
        "id": task.id,
        "model": task.body.get("model") or "black-forest-labs/flux-schnell",
        "version": task.body.get("version") or "hidden",
        "input": task.body["input"],
        "logs": "" if task.status == "submitted" else "Using seed: 42\n",
        "output": _output(task, make_url, options) if task.status == "succeed" else None,
        "data_removed": False,
        "error": task.message if task.status == "failed" and not is_canceled else None,
        "source": "api",
        "status": "canceled" if is_canceled else Replicate.words[task.status],
        "created_at": _iso(task.created_at),
        "urls": {"get": url, "cancel": f"{url}/cancel"},
    }
    if task.status != "submitted":
        shown["started_at"] = _iso(task.created_at)
    if task.is_terminal:
        shown |= {"completed_at": _iso(task.updated_at), "metrics": {"predict_time": 1.5}}
    return shown


def _output(task: Task, make_url: MakeUrl, options: Mapping[str, Any]) -> Any:
    urls = [make_url(task, result.media["url"]) for result in task.results]
    match options.get("replicate.output", "list"):
        case "url":
            return urls[0] if urls else None
        case "object":
            return {"image": urls[0] if urls else None, "seed": 42}
        case "text":
            return _TEXT
    return urls


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
