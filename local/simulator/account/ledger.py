"""Every task and video that the provider knows, who paid for what, and the concurrency slots in use."""

from collections import Counter

from local.simulator.account.tasks import Medium, Operation, Result, Task
from local.simulator.common.errors import ProviderError
from local.simulator.common.settings import Settings

_SEED_TASK = "100000000000000000"


class Ledger:
    """The account's tasks, in the order they were made."""

    def __init__(self, settings: Settings, seed_operation: Operation) -> None:
        self.tasks: dict[str, Task] = {}
        self.paid: Counter[str] = Counter()
        self.slots: Counter[str] = Counter()
        self._external: dict[str, Task] = {}
        self._videos: dict[str, tuple[Task, Result]] = {}
        self.seeded = _seeded(settings, seed_operation)
        self._publish(self.seeded)

    def admit(self, task: Task, settings: Settings) -> None:
        """Find the parent of a task that is about to be added, or raise what the provider answers."""
        external, pool = task.external_task_id, _pool(task)
        if external in self._external and settings.unique_external_ids:
            raise ProviderError(1201, f"External_task_id {external} already exists")
        task.parent = self._parent(task) if settings.strict else None
        limit = settings.concurrency.get(pool, settings.concurrency.get("*"))
        if limit is not None and self.slots[pool] + task.operation.count(task.body) > limit:
            raise ProviderError(1303)

    def add(self, task: Task) -> None:
        """Take in a task that was admitted; it holds its slots until finish()."""
        self.slots[_pool(task)] += task.operation.count(task.body)
        self.tasks[task.id] = task
        if task.external_task_id:
            self.paid[task.external_task_id] += 1
            self._external[task.external_task_id] = task

    def finish(self, task: Task) -> None:
        """Give the slots back; from now on the videos of the task can be built upon."""
        self.slots[_pool(task)] -= task.operation.count(task.body)
        self._publish(task)

    def find(self, identifier: str, operation: str = "") -> Task | None:
        """By task id or external_task_id; within one operation if it is named."""
        task = self.tasks.get(identifier) or self._external.get(identifier)
        return task if task and operation in ("", task.operation.path) else None

    def holder(self, task_id: str) -> Task | None:
        """The task whose results are asked for, which may be the one of the seed video."""
        return self.seeded if task_id == self.seeded.id else self.tasks.get(task_id)

    def page(self, operation: str, number: int, size: int) -> list[Task]:
        """One page of an operation's tasks, newest first."""
        newest = [task for task in reversed(self.tasks.values()) if task.operation.path == operation]
        return newest[(number - 1) * size : number * size]

    def _publish(self, task: Task) -> None:
        if task.operation.kind == "video":
            self._videos.update({result.id: (task, result) for result in task.results})

    def _parent(self, task: Task) -> tuple[Task, Result] | None:
        """The earlier video that the body builds upon."""
        video_id = task.operation.source_id(task.body)
        if video_id is None:
            return None
        if not isinstance(video_id, str) or video_id not in self._videos:
            raise ProviderError(1201, f"From video not found by id: {video_id}")
        parent, result = self._videos[video_id]
        task.operation.check_source(parent, result)
        return parent, result


def _pool(task: Task) -> str:
    return task.operation.pool or task.operation.kind


def _seeded(settings: Settings, operation: Operation) -> Task:
    """A finished clip that was always there, so that a smallest request has a video to start from."""
    medium = Medium("0.mp4", settings.seed_video_id, settings.video_bytes)
    result = Result(0, settings.seed_video_id, "5", {"url": medium})
    return Task(_SEED_TASK, operation, {}, 0, status="succeed", results=(result,))
