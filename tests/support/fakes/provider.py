"""FakeProviderApi: a small Kling in memory, with every way to fail that matters for a payment."""

import json
from collections import Counter, deque
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from relay.domain.errors import OutcomeUnknownError, ProviderBusyError, ProviderError
from relay.domain.task import Status
from relay.providers.base import ProviderRequest, ProviderResponse
from relay.providers.kling.translator import PREFIX
from tests.support.fakes.clock import VirtualClock


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to one request: whether the provider `handles` it, and what the relay gets instead of the answer."""

    handles: bool
    answer: ProviderResponse | ProviderError
    hangs: bool = False
    """The whole timeout passes first."""


def answered(status: int, body: object, headers: Mapping[str, str] | None = None) -> ProviderResponse:
    """An answer; bytes as they are, everything else as JSON."""
    return ProviderResponse(status, body if isinstance(body, bytes) else json.dumps(body).encode(), headers or {})


def refused(status: int, code: int, message: str = "refused") -> Fault:
    """Not handled: answered with an error of Kling's table."""
    return Fault(handles=False, answer=answered(status, {"code": code, "message": message, "request_id": "r"}))


UNREACHABLE = Fault(handles=False, answer=ProviderBusyError("the provider cannot be reached: ConnectError"))
LOST_ANSWER = Fault(handles=True, answer=OutcomeUnknownError("no answer from the provider: ReadError"))
LOST_REQUEST = Fault(handles=False, answer=OutcomeUnknownError("no answer from the provider: RemoteProtocolError"))
HANGS_WITH_IT = Fault(handles=True, answer=OutcomeUnknownError("no answer from the provider: ReadTimeout"), hangs=True)
HANGS_WITHOUT_IT = Fault(handles=False, answer=OutcomeUnknownError("no answer from the provider: ReadTimeout"), hangs=True)
RATE = refused(429, 1302, "Too many requests; rate limit exceeded")
PARALLEL = refused(429, 1303, "parallel task over resource pack limit")
BALANCE = refused(429, 1102, "Account balance not enough")
WRONG = refused(400, 1200, "duration is invalid")
POLICY = refused(400, 1301, "content security policy")
INTERNAL = refused(500, 5000, "Server internal error")
MAINTENANCE = refused(503, 5001, "maintenance")


@dataclass(slots=True)
class ProviderTask:
    """A task as the provider has it. Times in ms."""

    task_id: str
    operation: str
    body: dict[str, Any]
    created_at: int
    updated_at: int
    status: Status = Status.SUBMITTED
    message: str = ""
    result: dict[str, Any] = field(default_factory=dict)
    words: Mapping[Status, str] = field(default_factory=dict)
    """Other words for a status than Kling's own."""

    @property
    def external_task_id(self) -> str:
        """What the relay calls it."""
        return str(self.body["external_task_id"])

    @property
    def callback_url(self) -> str:
        """Where it wants to be called back."""
        return str(self.body["callback_url"])

    def document(self) -> dict[str, Any]:
        """The task object of a query."""
        return {
            "task_id": self.task_id,
            "task_status": self.words.get(self.status, self.status.value),
            "task_status_msg": self.message,
            "task_info": {"external_task_id": self.external_task_id},
            "created_at": self.created_at,
            "updated_at": self.updated_at,
            "task_result": self.result,
        }

    def callback(self) -> bytes:
        """The body of a callback."""
        return json.dumps(self.document()).encode()


class FakeProviderApi:
    """ProviderApi. `faults` are used up by the next requests; `lag`: ms until a query finds a new task.

    `at_once` holds the answers of synchronous operations, `done` counts what was done so. With `finds_external_ids` off a query
    knows its own ids only; with `refuses_repeats` off an external id makes a task each time that it comes. Both are off for the
    operations of `careless`.
    """

    def __init__(
        self, clock: VirtualClock, *, lag: int = 0, finds_external_ids: bool = True, refuses_repeats: bool = True
    ) -> None:
        self.tasks: dict[str, ProviderTask] = {}
        self.requests: list[ProviderRequest] = []
        self.at_once: dict[str, object] = {}
        self.done: Counter[str] = Counter()
        self.careless: frozenset[str] = frozenset()
        self.faults: deque[Fault | None] = deque()
        self.lag = lag
        self.finds_external_ids = finds_external_ids
        self.refuses_repeats = refuses_repeats
        self._clock = clock

    @property
    def paid(self) -> Counter[str]:
        """How many tasks were made, and are paid, for each external id."""
        return Counter(task.external_task_id for task in self.tasks.values())

    def find(self, reference: str) -> ProviderTask | None:
        """By either id."""
        return next((task for task in self.tasks.values() if reference in {task.task_id, task.external_task_id}), None)

    def of(self, reference: str) -> ProviderTask:
        """As `find`; KeyError when there is none."""
        task = self.find(reference)
        if task is None:
            raise KeyError(reference)
        return task

    def send(self, request: ProviderRequest, *, timeout: float) -> ProviderResponse:
        """One request, with the next fault if there is one."""
        self.requests.append(request)
        fault = self.faults.popleft() if self.faults else None
        if fault is None:
            return self._handled(request)
        if fault.handles:
            self._handled(request)
        if fault.hangs:
            self._clock.advance(timeout)
        if isinstance(fault.answer, ProviderError):
            raise copy(fault.answer)  # a shared one would keep every traceback, and every world in it
        return fault.answer

    def proceeds(self, reference: str, message: str = "") -> ProviderTask:
        """The task is being worked on."""
        return self._moved(reference, Status.PROCESSING, message)

    def succeeds(self, reference: str, *urls: str, kind: str = "videos") -> ProviderTask:
        """The task has results, by default one video."""
        task = self._moved(reference, Status.SUCCEED, "")
        entries = urls or (f"https://provider.example/{task.task_id}.mp4",)
        names: dict[str, Any] = {"videos": {"id": f"v-{task.task_id}", "duration": "5.1"}}
        task.result = {
            kind: [{**names.get(kind, {"index": number}), "url": url} for number, url in enumerate(entries)],
        }
        return task

    def fails(self, reference: str, message: str = "Failure to pass the risk control system") -> ProviderTask:
        """The task has failed."""
        return self._moved(reference, Status.FAILED, message)

    def _moved(self, reference: str, status: Status, message: str) -> ProviderTask:
        task = self.of(reference)
        task.status, task.message = status, message
        task.updated_at = max(self._clock(), task.updated_at + 1)
        return task

    def _handled(self, request: ProviderRequest) -> ProviderResponse:
        path = request.path.removeprefix(PREFIX)
        if path in self.at_once:
            self.done[path] += 1
            return answered(200, self.at_once[path])
        if request.method == "POST":
            return self._created(path, dict(request.body or {}))
        operation, _, reference = path.rpartition("/")
        return self._queried(operation, unquote(reference))

    def _created(self, operation: str, body: dict[str, Any]) -> ProviderResponse:
        external = body["external_task_id"]
        if self.refuses_repeats and operation not in self.careless and self.find(external):
            return answered(400, {"code": 1201, "message": f"External_task_id {external} already exists"})
        now = self._clock()
        task = ProviderTask(f"{878106242831892480 + len(self.tasks)}", operation, body, now, now)
        self.tasks[task.task_id] = task
        document = {**task.document(), "task_result": None, "task_status_msg": None}
        return answered(200, {"code": 0, "message": "SUCCEED", "request_id": "r", "data": document})

    def _queried(self, operation: str, reference: str) -> ProviderResponse:
        finds = self.finds_external_ids and operation not in self.careless
        task = self.find(reference) if finds else self.tasks.get(reference)
        if task is None or task.operation != operation or self._clock() < task.created_at + self.lag:
            return answered(400, {"code": "task_not_exist", "message": "task_not_exist", "data": None})
        return answered(200, {"code": 0, "message": "SUCCEED", "request_id": "r", "data": task.document()})
