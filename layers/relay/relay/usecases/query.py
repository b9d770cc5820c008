"""Query tasks: one by either id, or a page of a tenant's tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.domain.errors import InvalidRequestError, TaskNotFoundError
from relay.domain.task import KEY_GENERATIONS, FailureCode, Task, derived_task_id

if TYPE_CHECKING:
    from relay.ports import TaskStore
    from relay.providers.base import Provider

LONGEST_PAGE = 500
LAST_PAGE = 1000


def located(path: str, provider: Provider, *, listing: bool) -> tuple[str, str | None]:
    """Split a path below the version prefix into an operation and a task's id; the id is None for the list of tasks.

    The longest known operation name that begins the path wins; a task's id may hold slashes. Below an unknown name the last of
    more than two segments is an id, unless the client asks for a page (`listing`). Raises UnknownOperationError.
    """
    known = [name for name in provider.operations if path == name or path.startswith(f"{name}/")]
    if known:
        name = max(known, key=len)
        return name, path[len(name) + 1 :] or None
    if listing or path.count("/") < 2:
        return provider.operation(path).name, None
    operation, _, reference = path.rpartition("/")
    return provider.operation(operation).name, reference


def find(tenant: str, reference: str, *, operation: str | None, tasks: TaskStore) -> Task:
    """The tenant's task with this `task_id` or `external_task_id`; raises TaskNotFoundError."""
    task = tasks.get(reference)
    if task is None or task.tenant != tenant:
        task = _by_external_id(tenant, reference, tasks)
    if task is None or (operation is not None and task.operation != operation):
        raise TaskNotFoundError(f"no task {reference[:80]}: check the id, and that it was created with the same key")
    return task


def _by_external_id(tenant: str, reference: str, tasks: TaskStore) -> Task | None:
    """The last task created with the id: a refused task leaves the id free for the next one."""
    found = None
    for generation in range(KEY_GENERATIONS):
        task = tasks.get(derived_task_id(tenant, "external_task_id", reference, generation))
        if task is None:
            break
        found = task
        if task.failure is None or task.failure.code is not FailureCode.REJECTED:
            break
    return found


def numbered_page(tenant: str, operation: str, *, number: int, size: int, tasks: TaskStore) -> list[Task]:
    """Page `number` (from 1) of `size` tasks of one operation, newest first, like the provider's list query."""
    if not 1 <= number <= LAST_PAGE:
        raise InvalidRequestError(f"pageNum: expected 1 to {LAST_PAGE}; got {number}")
    if not 1 <= size <= LONGEST_PAGE:
        raise InvalidRequestError(f"pageSize: expected 1 to {LONGEST_PAGE}; got {size}")
    page, cursor = _full_page(tenant, operation, size, None, tasks)
    for _ in range(number - 1):
        if cursor is None:
            return []
        page, cursor = _full_page(tenant, operation, size, cursor, tasks)
    return page


def _full_page(tenant: str, operation: str, size: int, cursor: str | None, tasks: TaskStore) -> tuple[list[Task], str | None]:
    """The store's pages may be short when a filter matches few tasks; the provider's are full up to the last one."""
    found: list[Task] = []
    while True:
        page = tasks.of_tenant(tenant, operation=operation, status=None, limit=size - len(found), cursor=cursor)
        found, cursor = found + page.tasks, page.cursor
        if cursor is None or len(found) >= size:
            return found, cursor
