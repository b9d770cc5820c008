"""The clients: several tenants that submit, repeat, reuse their keys, ask, and ask for what is not theirs."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from relay.domain.errors import ExternalTaskIdTakenError, IdempotencyKeyReusedError, TaskNotFoundError
from relay.domain.task import FailureCode, Rank, Task
from relay.usecases.submit import Submission, Submitted
from tests.simulation.faults import Decisions, Fault
from tests.simulation.functions import Functions
from tests.simulation.invariants import Invariants, must
from tests.simulation.queues import Ended
from tests.simulation.scheduler import Scheduler

PUBLIC_URL = "https://relay.example"
TENANTS = ("acme", "zenith")
UNTYPED = "general/custom-voices"
"""Unknown to the relay, and at the provider its tasks are not found by our ids."""
PREDICTIONS = "predictions"
"""Of another provider: it has no field for our ids, and its callbacks may never come."""
_OPERATIONS = ("videos/text2video", "images/generations", UNTYPED, PREDICTIONS)
_ATTEMPTS = 4


@dataclass(frozen=True, slots=True)
class Request:
    """What a client wants; `name` is its number in the plan."""

    name: str
    tenant: str
    operation: str
    prompt: str
    key: str | None
    external_id: str | None
    callback_url: str | None

    @property
    def submission(self) -> Submission:
        """As the API gets it."""
        is_prediction = self.operation == PREDICTIONS
        body: dict[str, Any] = {"prompt": self.prompt}
        if is_prediction:
            body = {"version": "1", "input": body}
        if self.external_id:
            body["external_task_id"] = self.external_id
        if self.callback_url:
            body["webhook" if is_prediction else "callback_url"] = self.callback_url
        return Submission(
            tenant=self.tenant,
            provider="replicate" if is_prediction else "kling",
            operation=self.operation,
            body=body,
            idempotency_key=self.key,
            public_url=PUBLIC_URL,
        )


def planned(decisions: Decisions) -> list[Request]:
    """Two to six requests, some with the keys of others."""
    requests: list[Request] = []
    for number in range(2 + int(decisions.share("requests") * 5)):
        name = f"request {number}"

        def share(what: str, name: str = name) -> float:
            return decisions.share(f"{what} of {name}")

        prompt = f"{name} " + "waves " * (80 if share("size") < 0.3 else 1)
        tenant = decisions.pick(f"tenant of {name}", TENANTS)
        key = f"key {number}" if share("key") < 0.6 else None
        external = f"external {number}" if share("external id") < 0.4 else None
        earlier = decisions.pick(f"model of {name}", requests) if requests else None
        if earlier and earlier.external_id and decisions.strikes(Fault.EXTERNAL_ID_REUSED, name, 0.5):
            external = earlier.external_id
        elif earlier and earlier.key and decisions.strikes(Fault.KEY_REUSED, name, 0.2):
            key, tenant = earlier.key, earlier.tenant
        operation = decisions.pick(f"operation of {name}", _OPERATIONS)
        external = None if operation == PREDICTIONS else external
        hook = (
            f"https://{tenant}.example/{decisions.pick(f'endpoint of {name}', ('a', 'b'))}" if share("callback") < 0.7 else None
        )
        requests.append(Request(name, tenant, operation, prompt, key, external, hook))
    return [request for request in requests if decisions.happens(request.name)]


class Clients:
    """Sends the requests and checks every answer."""

    def __init__(
        self, functions: Functions, invariants: Invariants, scheduler: Scheduler, decisions: Decisions, tasks: dict[str, Task]
    ) -> None:
        self._functions = functions
        self._invariants = invariants
        self._scheduler = scheduler
        self._decisions = decisions
        self._tasks = tasks

    def plan(self, requests: list[Request], seconds: int) -> None:
        """Let each request come within so many seconds."""
        for request in requests:
            self._send(request, 1, self._decisions.between(f"time of {request.name}", 0, seconds))

    def _send(self, request: Request, attempt: int, delay: float) -> None:
        name = f"{request.tenant} sends {request.name}" + (f", attempt {attempt}" if attempt > 1 else "")
        self._scheduler.after(delay, name, lambda: self._submit(request, attempt, name))

    def _submit(self, request: Request, attempt: int, name: str) -> None:
        seen = self._invariants.seen(request.tenant)
        new_id = sha256(f"{self._decisions.share('ids')} {name}".encode()).hexdigest()[:32]
        answer = self._functions.submit(request.submission, new_id, name)
        is_own = isinstance(answer, Submitted) and answer.repeated and answer.task.task_id == new_id
        is_own |= isinstance(answer, ExternalTaskIdTakenError) and new_id in self._tasks
        must(not is_own, "a create knows its own task", f"{new_id[:6]} is taken for an earlier one: {answer}"[:200])
        if isinstance(answer, Submitted):
            self._submitted(request, attempt, answer, seen)
        elif isinstance(answer, Ended):
            self._scheduler.say(f"no answer for the client: {answer.value}")
            if request.key and attempt < _ATTEMPTS:
                self._send(request, attempt + 1, self._decisions.between(f"next {name}", 1, 60))
        else:
            self._refused(request, answer)

    def _submitted(self, request: Request, attempt: int, answer: Submitted, seen: dict[str, Rank]) -> None:
        task, refused = answer.task, answer.task.failure
        self._scheduler.say(f"{'again ' if answer.repeated else ''}{task.task_id[:6]}, {task.status}")
        self._invariants.answered(request.tenant, task, seen=seen, key=request.key, request=request.prompt)
        must(task.external_task_id == request.external_id, "answers are true", f"{task.task_id[:6]} has another external id")
        if refused and refused.code is FailureCode.REJECTED:
            rank = self._tasks[task.task_id].rank
            must(rank >= Rank.GIVEN_UP, "answers are true", f"{task.task_id[:6]} was refused, and is {rank.name}")
        if request.key and attempt == 1 and self._decisions.strikes(Fault.REQUEST_REPEATED, request.name, 0.2):
            self._send(request, 2, self._decisions.between(f"repeats {request.name}", 1, 300))
        if attempt == 1 and self._decisions.strikes(Fault.CANCELLED, request.name, 0.25):
            self._cancel(task, self._decisions.between(f"cancels {request.name}", 0, 900))
        for number in range(3):
            self._ask(request, task, number)

    def _refused(self, request: Request, refusal: Any) -> None:
        self._scheduler.say(f"refused: {refusal}"[:100])
        if isinstance(refusal, ExternalTaskIdTakenError):
            owners = {task.tenant for task in self._tasks.values() if task.external_task_id == request.external_id}
            must(request.tenant in owners, "answers are true", f"{request.external_id} is taken by nobody of {request.tenant}")
        else:
            must(isinstance(refusal, IdempotencyKeyReusedError), "answers are true", f"{request.name}: {refusal!r}")

    def attempted(self, task_id: str) -> None:
        """The relay is about to send a task again: a client may cancel it at this moment."""
        task = self._tasks.get(task_id)
        if task and self._decisions.strikes(Fault.CANCELLED, f"attempt of {task_id}", 0.15):
            self._cancel(task, self._decisions.between(f"cancels attempt of {task_id}", 0, 3))

    def _cancel(self, task: Task, delay: float, attempt: int = 1) -> None:
        place = self._decisions.visit(f"cancels {task.task_id[:6]}, attempt {attempt}")

        def cancel() -> None:
            seen = self._invariants.seen(task.tenant)
            answer = self._functions.cancel(task.tenant, task.task_id, place)
            if isinstance(answer, Task):
                must(answer.is_over, "a cancelled task has ended", f"{task.task_id[:6]} is {answer.status}")
                self._invariants.answered(task.tenant, answer, seen=seen)
            elif attempt < _ATTEMPTS:
                must(isinstance(answer, Ended), "answers are true", f"{task.task_id[:6]}: {answer!r}")
                self._cancel(task, self._decisions.between(f"next {place}", 1, 60), attempt + 1)

        self._scheduler.after(delay, f"{task.tenant} {place}", cancel)

    def _ask(self, request: Request, task: Task, number: int) -> None:
        place = f"asks {number} for {request.name}"
        if not self._decisions.happens(place):
            return
        reference = task.external_task_id if task.external_task_id and number == 1 else task.task_id
        tenant = request.tenant
        if number == 2 and self._decisions.strikes(Fault.INTRUSION, request.name, 0.3):
            tenant = next(other for other in TENANTS if other != tenant)

        def ask() -> None:
            seen = self._invariants.seen(tenant)
            found = self._functions.find(tenant, reference, place)
            if isinstance(found, Task):
                self._invariants.answered(tenant, found, seen=seen)
            elif tenant == request.tenant:
                must(not isinstance(found, TaskNotFoundError), "answers are true", f"{reference[:12]} is not found")

        self._scheduler.after(self._decisions.between(f"time of {place}", 1, 1500), f"{tenant} {place}", ask)
