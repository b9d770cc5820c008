"""RelayApi: the relay's HTTP API. What can be sent again safely is; the envelope's errors become Failures."""

import os
import random
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any
from urllib.parse import quote

import httpx

from relay_cli.failures import Failure, NotFound, Refused, Unauthorized, Unavailable
from relay_cli.target import is_loopback

_TIMEOUT = 35.0  # API Gateway gives up after 30 s
_RETRIES = "4"
_FIRST_DELAY = 0.5
_OPERATORS_FAULT = 5000  # with HTTP 502: the provider refused the relay's own key
_UNKNOWN_OUTCOME = 5002
_CREDENTIAL_CODES = range(1000, 1005)
_THROTTLED = frozenset({None, 1302, 1303})


class RelayApi:
    """One relay for one tenant. `say` hears of repetitions."""

    def __init__(self, url: str, key: str, *, say: Callable[[str], None], transport: httpx.BaseTransport | None = None) -> None:
        self.url = url
        self._say = say
        self._retries = int(os.environ.get("RELAY_RETRIES", _RETRIES))
        self._client = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {key}"},
            timeout=_TIMEOUT,
            trust_env=not is_loopback(url),
            transport=transport,
        )

    def submit(self, operation: str, body: Mapping[str, Any], *, idempotency_key: str) -> tuple[dict[str, Any], list[str]]:
        """Create a task: the create answer's `data`, and the warnings in its message."""
        answer = self._asked("POST", f"/kling/v1/{operation}", json=body, headers={"Idempotency-Key": idempotency_key})
        parts = str(answer.get("message", "")).split("; warning: ")
        return answer["data"], parts[1:]

    def call(self, method: str, operation: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """An operation that the provider answers at once: its `data`. Sent again only when nothing was sent."""
        given = {"params": dict(fields)} if method == "GET" else {"json": fields}
        answer = self._asked(method, f"/kling/v1/{operation}", once=method != "GET", **given)
        data: dict[str, Any] = answer.get("data", answer)
        return data

    def announce_upload(self, file: Mapping[str, Any]) -> dict[str, Any]:
        """`POST /uploads`: where to put a file, and the reference to it. A repetition leaves an unused reference."""
        data: dict[str, Any] = self._asked("POST", "/uploads", json=file)["data"]
        return data

    def task(self, reference: str) -> dict[str, Any]:
        """`GET /tasks/{reference}`: by the relay's id or the client's own."""
        data: dict[str, Any] = self._asked("GET", f"/tasks/{quote(reference, safe='')}")["data"]
        return data

    def tasks(self, *, status: str | None = None, operation: str | None = None, limit: int) -> Iterator[dict[str, Any]]:
        """The newest tasks, page by page, at most `limit`."""
        cursor: str | None = None
        while limit > 0:
            given = {"status": status, "operation": operation, "limit": str(min(limit, 100)), "cursor": cursor}
            query = {name: value for name, value in given.items() if value is not None}
            page = self._asked("GET", "/tasks", params=query)["data"]
            yield from page["tasks"]
            limit, cursor = limit - len(page["tasks"]), page["cursor"]
            if cursor is None:
                return

    def _asked(self, method: str, path: str, *, once: bool = False, **options: Any) -> dict[str, Any]:
        """The envelope of a success. Every request may be repeated, a create because of its key, but for `once`."""
        for attempt in count():
            try:
                response = self._client.request(method, path, **options)
                failure = _failure(response)
                sent = True
            except httpx.TransportError as error:
                failure = Unavailable(f"{self.url} does not answer: {_said(error)}", "check the URL and the network")
                sent = not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
            if failure is None:
                answer: dict[str, Any] = response.json()
                return answer
            if attempt >= self._retries or not isinstance(failure, Unavailable) or (once and sent):
                raise failure
            delay = _FIRST_DELAY * 2**attempt
            self._say(f"{failure.message}; again in {delay:g} s")
            time.sleep(delay * random.uniform(0.8, 1.2))  # noqa: S311
        raise AssertionError("unreachable")


def _said(error: httpx.TransportError) -> str:
    return str(error) or type(error).__name__


def _failure(response: httpx.Response) -> Failure | None:
    """What an answer means when it is no success."""
    try:
        body = response.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        lost = Unavailable if response.status_code >= 500 else NotFound
        return lost(f"HTTP {response.status_code} without an envelope", "is that a relay's URL (the stack's output ApiUrl)?")
    code, message = body.get("code"), str(body.get("message") or f"HTTP {response.status_code}")
    if response.is_success and code == 0:
        return None
    kind, advice = _meaning(response.status_code, code if isinstance(code, int) else None)
    told = message if code is None else f"{message} (code {code})"
    return kind(told, advice, http_status=response.status_code, code=code, request_id=body.get("request_id"))


def _meaning(status: int, code: int | None) -> tuple[type[Failure], str]:
    """The kind of an error and what to do; gateway answers without an envelope have no code."""
    if status == 401 or (status == 403 and code in _CREDENTIAL_CODES):
        return Unauthorized, "check RELAY_KEY or --key; the operator makes a key: relay keys create --tenant NAME"
    if status == 404:
        return NotFound, "`relay list` shows this key's tasks" if code == 1203 else "`relay submit --help` lists the operations"
    if status == 422:
        return Refused, "another body needs another --idempotency-key"
    if status == 413:
        return Refused, "give large files by URL"
    if status == 502 and code == _OPERATORS_FAULT:
        return Refused, "the operator renews the provider's key: `relay doctor` says how"
    if code == _UNKNOWN_OUTCOME:
        return Unavailable, "look at the provider's own list, or at the account's costs, before asking again"
    if status >= 500 or (status == 429 and code in _THROTTLED):
        return Unavailable, "try again with the same --idempotency-key: nothing is paid twice"
    return Refused, ""
