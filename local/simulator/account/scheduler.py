"""Moves tasks from submitted to a final status, as time passes or on request."""

import asyncio
import time
from collections.abc import Iterator

from local.simulator.account.callbacks import Callbacks
from local.simulator.account.inputs import fetch_inputs, first_error
from local.simulator.account.ledger import Ledger
from local.simulator.account.results import make_results
from local.simulator.account.tasks import Task
from local.simulator.common.randomness import Randomness
from local.simulator.common.settings import Settings
from local.simulator.faults.rules import Faults

_RISK = "[risk]"
_RISK_MESSAGE = "Failure to pass the risk control system"


def now_ms() -> int:
    """The current Unix time in ms."""
    return int(time.time() * 1000)


class Scheduler:
    """Runs one background coroutine for each task in progress."""

    def __init__(self, ledger: Ledger, faults: Faults, callbacks: Callbacks, randomness: Randomness) -> None:
        self._ledger, self._faults, self._callbacks, self._randomness = ledger, faults, callbacks, randomness
        self._running: dict[str, asyncio.Task[None]] = {}
        self._expected: set[str] = set()

    @property
    def is_idle(self) -> bool:
        """True if no task will move by itself."""
        return not (self._running or self._expected)

    def expect(self, task: Task) -> None:
        """Count a task that is not started yet as one that will move."""
        self._expected.add(task.id)

    def start(self, task: Task, settings: Settings) -> None:
        """Send the callback `submitted` and start the task's coroutine."""
        self._expected.discard(task.id)
        self._callbacks.announce(task, settings)
        if settings.speed and task.id not in self._running:
            running = asyncio.get_running_loop().create_task(self._run(task, settings, self._delays(settings)))
            self._running[task.id] = running
            running.add_done_callback(lambda _: self._running.pop(task.id, None))

    def move(self, task: Task, status: str, message: str, settings: Settings) -> bool:
        """Change the task's status and send its callback. Returns False if the task has this status or a later one already."""
        if not task.move_to(status, message, now_ms()):
            return False
        if task.is_terminal:
            self._finish(task, settings)
        self._callbacks.announce(task, settings)
        return True

    def choose_final_status(self, task: Task, settings: Settings) -> tuple[str, str]:
        """The task's final status, and the message if it fails."""
        if any(_RISK in each for each in _texts(task.body)):
            return "failed", _RISK_MESSAGE
        if wrong := first_error(task.inputs):
            return "failed", wrong
        if fault := task.fault("fail"):
            return "failed", self._faults.count(fault).params.get("message", settings.failure_message)
        chosen = settings.verdicts.get(task.operation.path, settings.verdicts.get("*"))
        if chosen == "failed" or (chosen is None and task.failure_draw < settings.failure_rate):
            return "failed", settings.failure_message
        return "succeed", ""

    async def wait_until(self, task: Task, status: str) -> None:
        """Wait until the callbacks up to this status are delivered. Any status other than `submitted` means the final status."""
        if status != "submitted" and task.id in self._running:
            await asyncio.wait([self._running[task.id]])
        await self._callbacks.settle()

    async def close(self) -> None:
        """Stop all tasks in their current status."""
        running = list(self._running.values())
        for each in running:
            each.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _run(self, task: Task, settings: Settings, delays: tuple[float, float]) -> None:
        task.inputs = await fetch_inputs(task.body)
        stall = task.fault("stall")
        stalled_at = stall.params.get("at", "processing") if stall else ""
        for status, delay in zip(("processing", "end"), delays, strict=True):
            if stall and task.status == stalled_at:
                self._faults.count(stall)
                return
            await asyncio.sleep(delay)
            self.move(task, *(self.choose_final_status(task, settings) if status == "end" else (status, "")), settings)

    def _finish(self, task: Task, settings: Settings) -> None:
        if task.status == "succeed":
            task.results = make_results(task, settings, self._randomness)
            if fault := task.fault("result_dead"):
                task.kill_urls(fault.params.get("status", 404), fault.params.get("times", 1))
        self._ledger.finish(task)

    def _delays(self, settings: Settings) -> tuple[float, float]:
        """The seconds in submitted and in processing: the settings, each varied by up to a fifth."""
        random = self._randomness.generator("timing")
        first, second = random.uniform(0.8, 1.2), random.uniform(0.8, 1.2)
        return (
            settings.submitted_seconds * first / settings.speed,
            settings.processing_seconds * second / settings.speed,
        )


def _texts(value: object) -> Iterator[str]:
    """Yield every string in the request, at any depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)
