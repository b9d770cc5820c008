"""Sends a callback for each change of a task, once and without retry, and injects the task's callback faults."""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from local.simulator.account.inputs import LOOPBACK
from local.simulator.account.provider import Provider
from local.simulator.account.results import MakeUrl
from local.simulator.account.tasks import Task
from local.simulator.common.randomness import Randomness
from local.simulator.common.settings import Settings
from local.simulator.faults.malformed import spoil
from local.simulator.faults.rules import Faults

_CONCURRENCY = 4
"""Callbacks at a time: the emulator starts a process for each, and many at once would start too slowly to be in time."""
_HEADERS = {"Content-Type": "application/json; charset=utf-8"}


@dataclass
class Delivery:
    """One POST, or the reason why none was sent. `status` is the HTTP status of the response, `at` is Unix time in ms."""

    task_id: str
    external_task_id: str
    task_status: str
    url: str
    body: str
    at: int = 0
    status: int | None = None
    error: str = ""

    def as_json(self) -> dict[str, Any]:
        """The entry as the admin endpoint shows it."""
        return asdict(self)


class Callbacks:
    """Sends callbacks: one after the other for each task, and for at most four tasks at a time."""

    def __init__(
        self, faults: Faults, randomness: Randomness, provider_of: Callable[[Task], Provider], make_url: MakeUrl
    ) -> None:
        self.log: list[Delivery] = []
        self._faults, self._randomness, self._provider_of, self._make_url = faults, randomness, provider_of, make_url
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._held: defaultdict[str, list[tuple[str, bytes]]] = defaultdict(list)
        self._pending: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None
        self._places = asyncio.Semaphore(_CONCURRENCY)
        self._closed = False

    @property
    def is_idle(self) -> bool:
        """True if no delivery is in progress."""
        return not self._pending

    def announce(self, task: Task, settings: Settings) -> None:
        """Send the task's current state in the background, if somebody wants to know it."""
        if self._provider_of(task).callback_url(task, settings.options) and not self._closed:
            body = self._provider_of(task).make_callback(task, self._make_url, settings.options)
            self._start(self._deliver(task, task.status, body, settings))

    async def settle(self) -> None:
        """Wait until all deliveries started so far have ended."""
        await asyncio.gather(*self._pending, return_exceptions=True)

    async def close(self) -> None:
        """Cancel the deliveries in progress, and send nothing more."""
        self._closed = True
        for pending in self._pending:
            pending.cancel()
        await self.settle()
        if self._session:
            await self._session.close()
            self._session = None

    def _start(self, delivery: Any) -> None:
        pending = asyncio.get_running_loop().create_task(delivery)
        self._pending.add(pending)
        pending.add_done_callback(self._pending.discard)

    async def _deliver(self, task: Task, status: str, body: dict[str, Any], settings: Settings) -> None:
        if fault := task.fault("callback_delay", status):
            await asyncio.sleep(self._faults.count(fault).params.get("seconds", 1.0))
        async with self._turns[task.id]:
            for each, content in self._plan(task, status, body):
                if content is None:
                    self.log.append(self._entry(task, each, b"", settings, error="dropped"))
                else:
                    await self._send(task, each, content, settings)

    def _plan(self, task: Task, status: str, body: dict[str, Any]) -> list[tuple[str, bytes | None]]:
        """The bodies to send now for this change, with their statuses. Normally there is one. None: the callback is dropped."""
        if fault := task.fault("callback_drop", status):
            self._faults.count(fault)
            return [(status, None)]
        content = self._make_content(task, status, body)
        posts: list[tuple[str, bytes | None]] = [(status, content)]
        if fault := task.fault("callback_reorder"):
            self._held[task.id].append((status, content))
            posts = []
            if status in ("succeed", "failed"):
                self._faults.count(fault)
                posts.extend(reversed(self._held.pop(task.id)))
        if status in ("succeed", "failed") and (fault := task.fault("callback_contradict")):
            self._faults.count(fault)
            opposite = "failed" if status == "succeed" else "succeed"
            posts.append(
                (opposite, _encode(body | {self._provider_of(task).status_field: self._provider_of(task).words[opposite]}))
            )
        return posts

    def _make_content(self, task: Task, status: str, body: dict[str, Any]) -> bytes:
        if fault := task.fault("callback_unknown_status", status):
            body = body | {self._provider_of(task).status_field: self._faults.count(fault).params.get("value", "paused")}
        content = _encode(body)
        if fault := task.fault("callback_malformed", status):
            variant = self._faults.count(fault).params.get("variant")
            content = spoil(body, content, variant, self._randomness.single_use(f"malformed {task.id} {status}"))
        return content

    async def _send(self, task: Task, status: str, content: bytes, settings: Settings) -> None:
        fault = task.fault("callback_duplicate", status)
        times = self._faults.count(fault).params.get("times", 2) if fault else 1
        if fault and fault.params.get("concurrent"):
            await asyncio.gather(*(self._post(task, status, content, settings) for _ in range(times)))
            return
        for _ in range(times):
            await self._post(task, status, content, settings)

    async def _post(self, task: Task, status: str, content: bytes, settings: Settings) -> None:
        entry = self._entry(task, status, content, settings)
        self.log.append(entry)
        if urlsplit(entry.url).hostname not in (*LOOPBACK, *settings.callback_hosts):
            entry.error = "not a loopback host"
            return
        self._session = self._session or aiohttp.ClientSession()
        timeout = aiohttp.ClientTimeout(total=settings.callback_timeout_seconds)
        try:
            async with (
                self._places,
                self._session.post(entry.url, data=content, headers=_HEADERS, timeout=timeout, allow_redirects=False) as answer,
            ):
                entry.status = answer.status
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            entry.error = type(error).__name__

    def _entry(self, task: Task, status: str, content: bytes, settings: Settings, error: str = "") -> Delivery:
        shown = content.decode(errors="replace")
        url = self._provider_of(task).callback_url(task, settings.options)
        return Delivery(task.id, task.external_task_id, status, url, shown, int(time.time() * 1000), error=error)


def _encode(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()
