"""All tasks and videos of the account, how often each task was paid for, and the concurrency slots in use."""

from collections import Counter

from local.simulator.account.tasks import Medium, Operation, Result, Task
from local.simulator.common.errors import ProviderError
from local.simulator.common.settings import Settings

_SEED_TASK = "100000000000000000"


class Ledger:
    """The account's tasks, in the order of their creation."""

    def __init__(self, settings: Settings, seed_operation: Operation) -> None:
        self.tasks: dict[str, Task] = {}
        self.paid: Counter[str] = Counter()
        self.slots: Counter[str] = Counter()
        self._external: dict[str, Task] = {}
        self._videos: dict[str, tuple[Task, Result]] = {}
        self.seeded = _seeded(settings, seed_operation)
        self._publish(self.seeded)

    def admit(self, task: Task, settings: Settings) -> None:
        """Check a new task and find the earlier video that it uses. Raises ProviderError if the account refuses the task."""
        external, pool = task.external_task_id, _pool(task)
        if external in self._external and settings.unique_external_ids:
            raise ProviderError(1201, f"External_task_id {external} already exists")
        task.parent = self._parent(task) if settings.strict else None
        limit = settings.concurrency.get(pool, settings.concurrency.get("*"))
        if limit is not None and self.slots[pool] + task.operation.count(task.body) > limit:
            raise ProviderError(1303)

    def add(self, task: Task) -> None:
        """Add a task that was admitted. It holds its slots until finish()."""
        self.slots[_pool(task)] += task.operation.count(task.body)
        self.tasks[task.id] = task
        if task.external_task_id:
            self.paid[task.external_task_id] += 1
            self._external[task.external_task_id] = task

    def finish(self, task: Task) -> None:
        """Release the task's slots. Other tasks can now use its videos."""
        self.slots[_pool(task)] -= task.operation.count(task.body)
        self._publish(task)

    def find(self, identifier: str, operation: str = "") -> Task | None:
        """The task with this task_id or external_task_id, or None. `operation` limits the search to one operation."""
        task = self.tasks.get(identifier) or self._external.get(identifier)
        return task if task and operation in ("", task.operation.path) else None

    def holder(self, task_id: str) -> Task | None:
        """The task with this task_id, or None. Includes the task of the seed video."""
        return self.seeded if task_id == self.seeded.id else self.tasks.get(task_id)

    def page(self, operation: str, number: int, size: int) -> list[Task]:
        """One page of an operation's tasks, newest first."""
        newest = [task for task in reversed(self.tasks.values()) if task.operation.path == operation]
        return newest[(number - 1) * size : number * size]

    def _publish(self, task: Task) -> None:
        if task.operation.kind == "video":
            self._videos.update({result.id: (task, result) for result in task.results})

    def _parent(self, task: Task) -> tuple[Task, Result] | None:
        """The earlier video that the body names, with its task. None: the body names none."""
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
    """A finished task. Its video always exists, so that requests which need an earlier video have one."""
    medium = Medium("0.mp4", settings.seed_video_id, settings.video_bytes)
    result = Result(0, settings.seed_video_id, "5", {"url": medium})
    return Task(_SEED_TASK, operation, {}, 0, status="succeed", results=(result,))
