"""The simulated provider: tasks that live their lives, call back, and everything that can go wrong on the way."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from relay.domain.task import VISIBLE_AFTER_MS, Status
from relay.providers.base import ProviderRequest, ProviderResponse
from relay.providers.replicate.translator import PREFIX
from tests.simulation.clients import PREDICTIONS, PUBLIC_URL, UNTYPED
from tests.simulation.faults import Decisions, Fault
from tests.simulation.invariants import Violation
from tests.simulation.results import SimulatedResults
from tests.simulation.scheduler import Scheduler
from tests.support.fakes import provider as fakes
from tests.support.fakes.clock import VirtualClock
from tests.support.fakes.provider import FakeProviderApi, ProviderTask, answered

_HTML = answered(200, b"<html>502 Bad Gateway</html>")
_ACCEPTING = {
    Fault.LOST_ANSWER: fakes.LOST_ANSWER,
    Fault.HANGS_WITH_IT: fakes.HANGS_WITH_IT,
    Fault.ACCEPTS_WITH_500: fakes.Fault(handles=True, answer=answered(500, {"code": 5000, "message": "Server internal error"})),
}
_FINAL = {Fault.WRONG: fakes.WRONG, Fault.POLICY: fakes.POLICY}
_EITHER = {
    Fault.LOST_REQUEST: fakes.LOST_REQUEST,
    Fault.HANGS_WITHOUT_IT: fakes.HANGS_WITHOUT_IT,
    Fault.UNREADABLE_ANSWER: fakes.Fault(handles=True, answer=_HTML),
    Fault.RATE: fakes.RATE,
    Fault.BALANCE: fakes.BALANCE,
    Fault.PARALLEL: fakes.PARALLEL,
    Fault.INTERNAL: fakes.INTERNAL,
    Fault.MAINTENANCE: fakes.MAINTENANCE,
    Fault.UNREACHABLE: fakes.UNREACHABLE,
}
_FAULTS = _ACCEPTING | _FINAL | _EITHER
_QUERIES = tuple((fault, 0.02) for fault in _EITHER)
_CREATES = (*((fault, 0.04) for fault in _ACCEPTING), *((fault, 0.03) for fault in _FINAL), *((fault, 0.03) for fault in _EITHER))

_WORDS = (
    {Status.SUBMITTED: "queued", Status.PROCESSING: "in_progress", Status.SUCCEED: "SUCCEED", Status.FAILED: "FAILED"},
    {Status.SUBMITTED: "NOT_START", Status.PROCESSING: "Processing", Status.SUCCEED: " Success ", Status.FAILED: "canceled"},
    {Status.PROCESSING: "pondering", Status.SUCCEED: "completed", Status.FAILED: "error"},
)
_LONG_AGO = 91 * 86_400_000
"""Milliseconds: longer than the relay remembers a task."""
_UNTIL_FILES = 30
"""Seconds until the files of a success appear: less than the time in which the relay confirms that there are none."""
_CREATES_AGAIN = tuple((fault, 0.2) for fault in _FINAL)
"""A second create of an accepted task is refused before the provider looks at its id."""


def _external(body: Mapping[str, Any]) -> str:
    """Our id of the task that a request creates: a prediction has it in its callback URL only."""
    return str(body.get("external_task_id") or body.get("webhook", "").removeprefix(f"{PUBLIC_URL}/callbacks/").partition("/")[0])


def _prediction(task: ProviderTask) -> dict[str, Any]:
    words = {Status.SUBMITTED: "starting", Status.SUCCEED: "succeeded"}
    files: list[dict[str, Any]] = next(iter(task.result.values()), [])
    shown = {
        "id": task.task_id,
        "version": "1",
        "status": words.get(task.status, task.status.value),
        "output": [file["url"] for file in files] or None,
        "error": task.message or None,
        "created_at": datetime.fromtimestamp(task.created_at / 1000, UTC).isoformat(),
    }
    if task.status in {Status.SUCCEED, Status.FAILED}:
        shown["completed_at"] = datetime.fromtimestamp(task.updated_at / 1000, UTC).isoformat()
    return shown


class SimulatedProvider(FakeProviderApi):
    """FakeProviderApi with a life for each task, and faults. `call_back(task, body)` is told of each change."""

    def __init__(
        self, clock: VirtualClock, scheduler: Scheduler, decisions: Decisions, results: SimulatedResults, *, knows_ids: bool
    ) -> None:
        takes_repeats = knows_ids and decisions.strikes(Fault.REPEATS_TAKEN, "provider", 0.4)
        lag = 0.0
        if knows_ids and decisions.strikes(Fault.SLOW_INDEX, "provider", 0.4):
            longest = 29 if takes_repeats else VISIBLE_AFTER_MS / 1000 - 1
            lag = decisions.between("lag", 1, decisions.pick("long lag", (29, longest)))
        super().__init__(
            clock, lag=round(lag * 1000), finds_external_ids=knows_ids, refuses_repeats=knows_ids and not takes_repeats
        )
        self.call_back: Callable[[ProviderTask, bytes], None] = lambda _task, _body: None
        self.careless = frozenset({UNTYPED, PREDICTIONS})
        self._predictions_call_back = decisions.share("predictions call back") < 0.5
        self._hidden_ms = round(decisions.between("predictions are hidden for", 0, 60) * 1000)
        """How long a query does not find a new prediction."""
        self.deadline = 0
        """Seconds from a task's creation to the relay's deadline, for verdicts that come later."""
        self.is_down = False
        self._old: set[str] = set()
        """Tasks from before the relay's own, whose external ids it has forgotten."""
        self._older: dict[str, bytes] = {}
        self._scheduler = scheduler
        self._decisions = decisions
        self._results = results

    @property
    def paid(self) -> Counter[str]:
        """Without the old ones, which another task paid."""
        return Counter(task.external_task_id for task in self.tasks.values() if task.task_id not in self._old)

    def send(self, request: ProviderRequest, *, timeout: float) -> ProviderResponse:
        """One request with at most one fault."""
        creates = request.body is not None
        external = _external(request.body or {})
        name = external[:6] if creates else self._name(request.path.removesuffix("/cancel").rpartition("/")[2])
        place = self._decisions.visit(f"{request.method} {name}")
        again = creates and self.paid[external] > 0
        fault = self._decisions.one_of(_CREATES_AGAIN if again else _CREATES if creates else _QUERIES, place)
        if fault is not None:
            self._scheduler.say(f"! {fault}: {request.method} {name}")
            self.faults.append(_FAULTS[fault])
        elif self.is_down:
            self._scheduler.say(f"! {Fault.OUTAGE}: {request.method} {name}")
            self.faults.append(self._decisions.pick(place, (fakes.UNREACHABLE, fakes.MAINTENANCE, fakes.HANGS_WITHOUT_IT)))
        return super().send(request, timeout=timeout)

    def _handled(self, request: ProviderRequest) -> ProviderResponse:
        """Predictions are made and found like other tasks, and shown in their own way."""
        if not request.path.startswith(PREFIX):
            return super()._handled(request)
        if request.body is not None:
            made = {"external_task_id": _external(request.body), "callback_url": request.body["webhook"]}
            answer = self._created(PREDICTIONS, made)
            return answered(201, _prediction(next(reversed(self.tasks.values())))) if answer.status == 200 else answer
        task = self.tasks.get(request.path.rpartition("/")[2])
        is_found = request.method == "GET" and task and self._clock() >= task.created_at + self._hidden_ms
        return answered(200, _prediction(task)) if task and is_found else answered(404, {"detail": "Not found.", "status": 404})

    def _created(self, operation: str, body: dict[str, object]) -> ProviderResponse:
        external = str(body["external_task_id"])
        remembers = self.refuses_repeats and operation not in self.careless and not self.find(external)
        if remembers and self._decisions.strikes(Fault.OLD_TASK, external[:6], 0.03):
            self._remember(operation, body)
        before = len(self.tasks)
        answer = super()._created(operation, body)
        if len(self.tasks) > before:
            task = next(reversed(self.tasks.values()))
            self._scheduler.say(f"the provider makes {task.task_id[-4:]} of {task.external_task_id[:6]}")
            if self.paid[task.external_task_id] > 1:
                raise Violation("never paid twice", f"the provider made a second task of {task.external_task_id[:6]}")
            self._lives(task)
        return answer

    def _remember(self, operation: str, body: dict[str, object]) -> None:
        task = ProviderTask(f"old-{len(self.tasks)}", operation, dict(body), self._clock() - _LONG_AGO, self._clock() - _LONG_AGO)
        self.tasks[task.task_id] = task
        self._old.add(task.task_id)
        self.succeeds(task.task_id)
        self._scheduler.say(f"! {Fault.OLD_TASK}: {task.external_task_id[:6]}")

    def _queried(self, operation: str, reference: str) -> ProviderResponse:
        answer = super()._queried(operation, reference)
        older = self._older.get(reference)
        if older is not None and answer.status == 200 and self._decisions.strikes(Fault.OLD_ANSWER, self._name(reference), 0.1):
            self._scheduler.say(f"! {Fault.OLD_ANSWER}")
            return ProviderResponse(200, b'{"code": 0, "data": ' + older + b"}")
        return answer

    def _name(self, reference: str) -> str:
        """The name of a task in places: the same whatever else the provider has."""
        task = self.find(reference)
        return (task.external_task_id if task else reference)[:6]

    def _lives(self, task: ProviderTask) -> None:
        """Processing, perhaps with news, and a verdict at last."""
        decide, name = self._decisions, task.external_task_id[:6]
        if decide.strikes(Fault.SPELLED_OTHERWISE, name, 0.15):
            task.words = decide.pick(f"words of {name}", _WORDS)
        started = decide.between(f"start of {name}", 1, decide.pick(f"waits {name}", (5, 60, 60, 400)))
        self._later(started, task, "works on", lambda: self.proceeds(task.task_id))
        end = started + decide.between(f"end of {name}", 5, decide.pick(f"slow {name}", (10, 60, 900)))
        if decide.share(f"news of {name}") < 0.4:
            news = decide.between(f"news at {name}", started, end)
            self._later(news, task, "has news of", lambda: self.proceeds(task.task_id, "half done"))
        if decide.strikes(Fault.NEVER_FINISHES, name, 0.06):
            return
        if decide.strikes(Fault.LATE_VERDICT, name, 0.08):
            end += self.deadline
        succeeds = decide.share(f"verdict of {name}") < 0.75
        self._later(end, task, "finishes", lambda: self._ends(task, succeeds=succeeds))

    def _later(self, seconds: float, task: ProviderTask, verb: str, change: Callable[[], object]) -> None:
        def changed() -> None:
            self._older[task.task_id] = self._older[task.external_task_id] = task.callback()
            change()
            if task.operation != PREDICTIONS:
                self.call_back(task, task.callback())
            elif self._predictions_call_back:
                self.call_back(task, json.dumps({**_prediction(task), "webhook": task.callback_url}).encode())

        self._scheduler.after(seconds, f"the provider {verb} {task.external_task_id[:6]}", changed)

    def _ends(self, task: ProviderTask, *, succeeds: bool) -> None:
        if not succeeds:
            self.fails(task.task_id)
            return
        name = task.external_task_id[:6]
        if self._decisions.strikes(Fault.EMPTY, name, 0.05):
            self.succeeds(task.task_id)
            task.result = {}
            return
        kind = {"images": "images", "general": "voices"}.get(task.operation.partition("/")[0], "videos")
        count = 1 + int(self._decisions.share(f"files of {name}") * (3 if kind == "images" else 1))
        urls = [self._results.made(task, number) for number in range(count)]
        self.succeeds(task.task_id, *urls, kind=kind)
        self._results.entries |= {entry["url"]: entry for entry in task.result[kind]}
        if self._decisions.strikes(Fault.EMPTY_FOR_NOW, name, 0.06):
            files, task.result = task.result, {}
            self._later(_UNTIL_FILES, task, "shows the files of", lambda: setattr(task, "result", files))

    def verdict_of(self, task_id: str) -> ProviderTask | None:
        """The provider's task of ours, when it is over."""
        task = self.find(task_id)
        return (
            task
            if task is not None and task.task_id not in self._old and task.status in {Status.SUCCEED, Status.FAILED}
            else None
        )
