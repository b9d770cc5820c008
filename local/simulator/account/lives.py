"""Moves tasks from submitted to their end in their own time, or by hand."""

import asyncio
import time
from collections.abc import Iterator

from local.simulator.account.callbacks import Callbacks
from local.simulator.account.inputs import complaint, fetched
from local.simulator.account.ledger import Ledger
from local.simulator.account.results import make_results
from local.simulator.account.tasks import Task
from local.simulator.common.dice import Dice
from local.simulator.common.settings import Settings
from local.simulator.faults.rules import Faults

_RISK = "[risk]"
_RISK_MESSAGE = "Failure to pass the risk control system"


def now_ms() -> int:
    """Unix time in ms."""
    return int(time.time() * 1000)


class Lives:
    """One background coroutine for each task under way."""

    def __init__(self, ledger: Ledger, faults: Faults, callbacks: Callbacks, dice: Dice) -> None:
        self._ledger, self._faults, self._callbacks, self._dice = ledger, faults, callbacks, dice
        self._running: dict[str, asyncio.Task[None]] = {}
        self._expected: set[str] = set()

    @property
    def is_idle(self) -> bool:
        """True if no task will move by itself."""
        return not (self._running or self._expected)

    def expect(self, task: Task) -> None:
        """Count the task as one that will move although it has not been started yet."""
        self._expected.add(task.id)

    def start(self, task: Task, settings: Settings) -> None:
        """Announce the task as submitted and let it take its course."""
        self._expected.discard(task.id)
        self._callbacks.announce(task, settings)
        if settings.speed and task.id not in self._running:
            life = asyncio.get_running_loop().create_task(self._live(task, settings, self._delays(settings)))
            self._running[task.id] = life
            life.add_done_callback(lambda _: self._running.pop(task.id, None))

    def move(self, task: Task, status: str, message: str, settings: Settings) -> bool:
        """Move the task on and announce it; False if it is already there or further."""
        if not task.moved(status, message, now_ms()):
            return False
        if task.is_terminal:
            self._finish(task, settings)
        self._callbacks.announce(task, settings)
        return True

    def verdict(self, task: Task, settings: Settings) -> tuple[str, str]:
        """How the task will end, and why if badly."""
        if any(_RISK in each for each in _texts(task.body)):
            return "failed", _RISK_MESSAGE
        if wrong := complaint(task.inputs):
            return "failed", wrong
        if fault := task.fault("fail"):
            return "failed", self._faults.count(fault).params.get("message", settings.failure_message)
        chosen = settings.verdicts.get(task.operation.path, settings.verdicts.get("*"))
        if chosen == "failed" or (chosen is None and task.luck < settings.failure_rate):
            return "failed", settings.failure_message
        return "succeed", ""

    async def until(self, task: Task, status: str) -> None:
        """Wait until the callback of this status is delivered: submitted, or anything else for the end."""
        if status != "submitted" and task.id in self._running:
            await asyncio.wait([self._running[task.id]])
        await self._callbacks.settle()

    async def close(self) -> None:
        """Stop every task where it is."""
        running = list(self._running.values())
        for life in running:
            life.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _live(self, task: Task, settings: Settings, delays: tuple[float, float]) -> None:
        task.inputs = await fetched(task.body)
        stall = task.fault("stall")
        stalled_at = stall.params.get("at", "processing") if stall else ""
        for status, delay in zip(("processing", "end"), delays, strict=True):
            if stall and task.status == stalled_at:
                self._faults.count(stall)
                return
            await asyncio.sleep(delay)
            self.move(task, *(self.verdict(task, settings) if status == "end" else (status, "")), settings)

    def _finish(self, task: Task, settings: Settings) -> None:
        if task.status == "succeed":
            task.results = make_results(task, settings, self._dice)
            if fault := task.fault("result_dead"):
                task.kill_urls(fault.params.get("status", 404), fault.params.get("times", 1))
        self._ledger.finish(task)

    def _delays(self, settings: Settings) -> tuple[float, float]:
        """Seconds in submitted and in processing: the settings, give or take a fifth."""
        random = self._dice.of("timing")
        first, second = random.uniform(0.8, 1.2), random.uniform(0.8, 1.2)
        return (
            settings.submitted_seconds * first / settings.speed,
            settings.processing_seconds * second / settings.speed,
        )


def _texts(value: object) -> Iterator[str]:
    """Every string in the request, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)
