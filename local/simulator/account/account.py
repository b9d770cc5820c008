"""One account at a simulated provider: its state, and the creation of tasks."""

from collections.abc import Mapping
from typing import Any

from local.simulator.account.callbacks import Callbacks
from local.simulator.account.ledger import Ledger
from local.simulator.account.provider import Provider
from local.simulator.account.results import signature
from local.simulator.account.scheduler import Scheduler, now_ms
from local.simulator.account.tasks import Medium, Operation, Task
from local.simulator.common.randomness import Randomness
from local.simulator.common.settings import Settings
from local.simulator.faults.rules import TASK_FAULTS, Facts, Faults, Rule


class Account:
    """One account at the provider. The seed decides every random choice, so reset() repeats the same run."""

    def __init__(self, *, seed: int, api_key: str, settings: Settings, provider: Provider) -> None:
        self.seed, self.api_key = seed, api_key
        self._provider = provider
        self.base_url = ""
        self._initial = settings
        self._begin(settings)

    def _begin(self, settings: Settings) -> None:
        self.settings = settings
        self.randomness = Randomness(self.seed)
        self.faults = Faults(self.randomness, self._provider.operations)
        self.ledger = Ledger(settings, self._provider.seed_operation)
        self.callbacks = Callbacks(self.faults, self.randomness, lambda task: self._provider.make_callback(task, self.make_url))
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
        task.id = str(self.randomness.generator("task ids").randrange(10**17, 10**19))
        task.failure_draw = self.randomness.generator("verdicts").random()
        task.faults = self.faults.draw(TASK_FAULTS, self._facts(task))
        self.ledger.add(task)
        return task

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
