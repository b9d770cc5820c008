"""RelayApi: the client of the relay's HTTP API. It retries requests that are safe to repeat and raises Failures."""

import json
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any
from urllib.parse import quote

import httpx

from relay.domain.errors import ProviderError
from relay.domain.task import Snapshot
from relay.providers.base import Operation, Provider, ProviderResponse
from relay_cli.failures import Failure, NotFound, Refused, Unauthorized, Unavailable
from relay_cli.target import is_loopback

_TIMEOUT = 35.0  # seconds; API Gateway itself gives up after 30 s
_RETRIES = "4"
_FIRST_DELAY = 0.5  # seconds; doubled before each further retry
_PROVIDER_REFUSED_RELAY_KEY = 5000  # only together with HTTP 502
_UNKNOWN_OUTCOME = 5002
_CREDENTIAL_CODES = range(1000, 1005)
_THROTTLING_CODES = frozenset({None, 1302, 1303})


class RelayApi:
    """The API of one relay, used with the key of one tenant. `report` receives one line of text before each retry."""

    def __init__(
        self, url: str, key: str, *, report: Callable[[str], None], transport: httpx.BaseTransport | None = None
    ) -> None:
        self.url = url
        self._report = report
        self._retries = int(os.environ.get("RELAY_RETRIES", _RETRIES))
        self._client = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {key}"},
            timeout=_TIMEOUT,
            trust_env=not is_loopback(url),
            transport=transport,
        )

    def submit(
        self, provider: Provider, operation: Operation, body: Mapping[str, Any], *, idempotency_key: str
    ) -> tuple[Snapshot | dict[str, Any], list[str]]:
        """Create a task. Return it with its id at the relay, or the response without a task, and the warnings."""
        path = provider.create_request(operation, {}, task_id="", callback_url="").path
        answer = self._request("POST", path, json=body, headers={"Idempotency-Key": idempotency_key})
        warnings = str(answer.get("message", "")).split("; warning: ")[1:]
        try:
            return provider.read_created(operation, ProviderResponse(200, json.dumps(answer).encode())), warnings
        except ProviderError:
            return answer.get("data", answer), warnings

    def call(self, method: str, path: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Call a synchronous operation and return its `data`.

        `fields` are the query of a GET and the JSON body of any other method. A request that is not a GET may be billed, so
        it is retried only if the connection failed before it was sent.
        """
        content = {"params": dict(fields)} if method == "GET" else {"json": fields}
        answer = self._request(method, path, repeatable=method == "GET", **content)
        data: dict[str, Any] = answer.get("data", answer)
        return data

    def announce_upload(self, file: Mapping[str, Any]) -> dict[str, Any]:
        """Send `POST /uploads` and return where to put the file and its reference. A retry leaves an unused reference behind."""
        data: dict[str, Any] = self._request("POST", "/uploads", json=file)["data"]
        return data

    def task(self, reference: str) -> dict[str, Any]:
        """Return `GET /tasks/{reference}`. The reference is the relay's task id or the client's external_task_id."""
        data: dict[str, Any] = self._request("GET", f"/tasks/{quote(reference, safe='')}")["data"]
        return data

    def cancel(self, reference: str) -> dict[str, Any]:
        """Send `DELETE /tasks/{reference}` and return the task afterwards. Repeating it does no harm."""
        data: dict[str, Any] = self._request("DELETE", f"/tasks/{quote(reference, safe='')}")["data"]
        return data

    def tasks(
        self, *, status: str | None = None, provider: str | None = None, operation: str | None = None, limit: int
    ) -> Iterator[dict[str, Any]]:
        """Yield at most `limit` tasks, newest first. Each page holds up to 100 tasks and is one request."""
        cursor: str | None = None
        while limit > 0:
            filters = {
                "status": status,
                "provider": provider,
                "operation": operation,
                "limit": str(min(limit, 100)),
                "cursor": cursor,
            }
            query = {name: value for name, value in filters.items() if value is not None}
            page = self._request("GET", "/tasks", params=query)["data"]
            yield from page["tasks"]
            limit, cursor = limit - len(page["tasks"]), page["cursor"]
            if cursor is None:
                return

    def _request(self, method: str, path: str, *, repeatable: bool = True, **options: Any) -> dict[str, Any]:
        """Send a request, retry temporary failures, and return the whole JSON response.

        A create is repeatable because of its idempotency key. A request that is not repeatable is retried only if it was
        never sent. Raises Failure.
        """
        for attempt in count():
            try:
                response = self._client.request(method, path, **options)
                failure = _failure(response)
                sent = True
            except httpx.TransportError as error:
                message = f"{self.url} does not respond: {error or type(error).__name__}"
                failure = Unavailable(message, "check the URL and the network, then try again")
                sent = not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
            if failure is None:
                answer: dict[str, Any] = response.json()
                return answer
            if attempt >= self._retries or not isinstance(failure, Unavailable) or (sent and not repeatable):
                raise failure
            delay = _FIRST_DELAY * 2**attempt
            self._report(f"{failure.message}; retrying in {delay:g} s")
            time.sleep(delay * random.uniform(0.8, 1.2))  # noqa: S311
        raise AssertionError("unreachable")


def _failure(response: httpx.Response) -> Failure | None:
    """Return the Failure that a response stands for; None for a success."""
    try:
        body = response.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        unreadable = Unavailable if response.status_code >= 500 else NotFound
        message = f"HTTP {response.status_code}, but not a response of a relay"
        return unreadable(message, "check that the URL is the stack's output ApiUrl")
    code = body.get("code")
    message = str(body.get("message") or body.get("detail") or f"HTTP {response.status_code}")
    if response.is_success and code in {None, 0}:  # not every provider's responses have a code
        return None
    kind, advice = _classify(response.status_code, code if isinstance(code, int) else None)
    text = message if code is None else f"{message} (code {code})"
    return kind(text, advice, http_status=response.status_code, code=code, request_id=body.get("request_id"))


def _classify(status: int, code: int | None) -> tuple[type[Failure], str]:
    """Return the kind of failure and the advice. `code` is None if API Gateway, not the relay, sent the response."""
    if status == 401 or (status == 403 and code in _CREDENTIAL_CODES):
        return Unauthorized, "check RELAY_KEY or --key; an operator creates a key with: relay keys create --tenant NAME"
    if status == 404:
        return NotFound, "list the tasks of this key: relay list" if code == 1203 else "list the operations: relay submit --help"
    if status == 422 and code is not None:
        return Refused, "use a new --idempotency-key for a different body"
    if status == 413:
        return Refused, "pass large files by URL"
    if status == 502 and code == _PROVIDER_REFUSED_RELAY_KEY:
        return Refused, "ask the operator to renew the provider's key; relay doctor shows the command"
    if code == _UNKNOWN_OUTCOME:
        return (
            Unavailable,
            "the request may have been executed and billed: check the provider's task list or costs before you repeat it",
        )
    if status >= 500 or (status == 429 and code in _THROTTLING_CODES):
        return Unavailable, "try again with the same --idempotency-key: you never pay twice"
    return Refused, ""
