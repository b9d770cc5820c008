"""Query tasks: one by either id, or a page of a tenant's tasks."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from relay.domain.errors import TaskNotFoundError
from relay.domain.task import KEY_GENERATIONS, FailureCode, Task, derived_task_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from relay.ports import Page, TaskStore
    from relay.providers.base import Paging


def find(tenant: str, reference: str, *, tasks: TaskStore, provider: str | None = None, operation: str | None = None) -> Task:
    """The tenant's task with this `task_id` or `external_task_id`, of any or of one provider and operation.

    Raises TaskNotFoundError.
    """
    task = tasks.get(reference)
    if task is None or task.tenant != tenant:
        task = _by_external_id(tenant, reference, tasks)
    if task is None or task.operation != (operation or task.operation) or task.provider != (provider or task.provider):
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


def page_of(tenant: str, provider: str, operation: str | None, paging: Paging, tasks: TaskStore) -> tuple[list[Task], str | None]:
    """A page of a provider's tasks, of one operation or of all, newest first, and the cursor of the next one."""
    read = partial(tasks.of_tenant, tenant, provider=provider, operation=operation, status=None)
    page, cursor = _full_page(read, paging.size, paging.cursor)
    for _ in range(paging.number - 1):
        if cursor is None:
            return [], None
        page, cursor = _full_page(read, paging.size, cursor)
    return page, cursor


def _full_page(read: Callable[..., Page], size: int, cursor: str | None) -> tuple[list[Task], str | None]:
    """The store's pages may be short when a filter matches few tasks; the provider's are full up to the last one."""
    found: list[Task] = []
    while True:
        page = read(limit=size - len(found), cursor=cursor)
        found, cursor = found + page.tasks, page.cursor
        if cursor is None or len(found) >= size:
            return found, cursor
