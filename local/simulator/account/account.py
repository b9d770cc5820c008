"""One account at a simulated provider: its state, and the creation of tasks."""

from collections.abc import Mapping, Sequence
from typing import Any

from local.simulator.account.callbacks import Callbacks
from local.simulator.account.ledger import Ledger
from local.simulator.account.provider import Provider
from local.simulator.account.results import signature
from local.simulator.account.scheduler import Scheduler, now_ms
from local.simulator.account.tasks import Medium, Operation, Task
from local.simulator.common.randomness import Randomness
from local.simulator.common.settings import Settings
from local.simulator.faults.rules import REQUEST_FAULTS, TASK_FAULTS, Facts, Fault, Faults, Rule


class Account:
    """One account at all providers. The seed decides every random choice, so reset() repeats the same run.

    `seed_operation` made the video that always exists.
    """

    def __init__(
        self, *, seed: int, api_key: str, settings: Settings, providers: Sequence[Provider], seed_operation: Operation
    ) -> None:
        self.seed, self.api_key = seed, api_key
        self._providers = providers
        self._seed_operation = seed_operation
        self.base_url = ""
        self._initial = settings
        self._begin(settings)

    def _begin(self, settings: Settings) -> None:
        self.settings = settings
        self.randomness = Randomness(self.seed)
        self.faults = Faults(self.randomness, [name for each in self._providers for name in each.operations])
        self.ledger = Ledger(settings, self._seed_operation)
        self.callbacks = Callbacks(self.faults, self.randomness, self.provider_of, self.make_url)
        self.answered_at_once = 0
        self.scheduler = Scheduler(self.ledger, self.faults, self.callbacks, self.randomness)

    @property
    def is_idle(self) -> bool:
        """True if nothing will change without another request."""
        return self.scheduler.is_idle and self.callbacks.is_idle

    async def reset(self, *, keep_settings: bool = False) -> None:
        """Delete every task, rule and delivery, and start again from the seed."""
        await self.close()
        self._begin(self.settings if keep_settings else self._initial)

    async def close(self) -> None:
        """Stop the tasks and deliveries in progress."""
        await self.scheduler.close()
        await self.callbacks.close()

    def create_task(self, operation: Operation, body: Mapping[str, Any]) -> Task:
        """Create a task, or raise ProviderError. The task does not move before scheduler.start()."""
        if self.settings.strict:
            operation.check(body)
        now = now_ms()
        task = Task("", operation, body, created_at=now, updated_at=now)
        self.ledger.admit(task, self.settings)
        task.id = self.provider_of(task).make_id(self.randomness.generator("task ids"))
        task.failure_draw = self.randomness.generator("verdicts").random()
        task.faults = self.faults.draw(TASK_FAULTS, self._facts(task))
        self.ledger.add(task)
        return task

    def draw_fault(self, at: str, facts: Facts) -> Fault | None:
        """The fault of a request with these facts, if a rule has one for it. It is counted."""
        drawn = self.faults.draw(REQUEST_FAULTS, facts, at=at, limit=1)
        return self.faults.count(drawn[0]) if drawn else None

    def provider_of(self, task: Task) -> Provider:
        """The provider that made the task."""
        return next(each for each in self._providers if task.operation.path in each.operations)

    def provider_at(self, path: str) -> Provider:
        """The provider that serves a path, or the first one."""
        return next((each for each in self._providers if path.startswith(each.prefixes)), self._providers[0])

    def add_rule(self, raw: Mapping[str, Any]) -> Rule:
        """Add a fault rule. If it names an existing task, it applies to that task at once."""
        rule = self.faults.add(raw)
        named = rule.matchers.get("task_id") or rule.matchers.get("external_task_id")
        task = self.ledger.find(named) if named else None
        if task and rule.fault.name in TASK_FAULTS:
            task.faults.append(rule.fault)
            if rule.fault.name == "result_dead" and task.is_terminal:
                task.kill_urls(rule.fault.params.get("status", 404), rule.fault.params.get("times", 1))
        return rule

    def make_url(self, task: Task, medium: Medium) -> str:
        """The current URL of a result file."""
        base = self.settings.result_base_url or self.base_url
        generation = task.generation
        signed = signature(self.seed, task.id, medium.name, generation)
        return f"{base.rstrip('/')}/results/{task.id}/{medium.name}?v={generation}&s={signed}"

    @staticmethod
    def _facts(task: Task) -> Facts:
        return {"external_task_id": {task.external_task_id}, "operation": {task.operation.path}}
