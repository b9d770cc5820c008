"""A tenant's tasks, newest first: keys from the index, then the items themselves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from relay.adapters.dynamodb.items import is_task, task_of, text
from relay.domain.errors import InvalidRequestError
from relay.ports import Page

if TYPE_CHECKING:
    from relay.domain.task import Status, Task

_BATCH = 100  # the maximum of BatchGetItem
_ROUNDS = 20
"""The most index pages that are read for one page of tasks, if a filter matches few."""


def tenant_page(
    client: Any,
    table: str,
    tenant: str,
    *,
    provider: str | None,
    operation: str | None,
    status: Status | None,
    limit: int,
    cursor: str | None,
) -> Page:
    """Up to `limit` tasks. A filtered page may be shorter although more tasks follow; then it has a cursor.

    The cursor is the sort key of the last task read, so it is valid for one tenant only.
    """
    if cursor is not None and not re.fullmatch(r"\d{13}#[\w.-]{1,64}", cursor):
        raise InvalidRequestError("cursor: expected the cursor of an earlier answer")
    tasks: list[Task] = []
    for _ in range(_ROUNDS):
        keys, more = _keys(client, table, tenant, operation, limit - len(tasks), cursor)
        tasks += [
            task for task in _items(client, table, keys) if status in {None, task.status} and provider in {None, task.provider}
        ]
        cursor = more
        if cursor is None or len(tasks) >= limit:
            break
    return Page(tasks, cursor)


def _keys(
    client: Any, table: str, tenant: str, operation: str | None, wanted: int, cursor: str | None
) -> tuple[list[str], str | None]:
    """The next keys, and the next cursor. The index applies its limit before the filter, so more are read than wanted."""
    arguments: dict[str, Any] = {}
    values = {":t": text(tenant)}
    if operation is not None:
        arguments["FilterExpression"] = "operation = :o"
        values[":o"] = text(operation)
    if cursor is not None:
        task_id = cursor.split("#", 1)[1]
        arguments["ExclusiveStartKey"] = {"tenant": text(tenant), "created_key": text(cursor), "task_id": text(task_id)}
    found = client.query(
        TableName=table,
        IndexName="by_tenant",
        KeyConditionExpression="tenant = :t",
        ExpressionAttributeValues=values,
        ScanIndexForward=False,
        Limit=_BATCH if operation is not None else min(_BATCH, wanted),
        **arguments,
    )
    items = found["Items"]
    last = items[wanted - 1] if len(items) > wanted else found.get("LastEvaluatedKey")
    return [item["task_id"]["S"] for item in items[:wanted]], last["created_key"]["S"] if last else None


def _items(client: Any, table: str, task_ids: list[str]) -> list[Task]:
    """The tasks in the order of the given ids; deleted ones are left out."""
    request: Any = {table: {"Keys": [{"task_id": text(task_id)} for task_id in task_ids]}} if task_ids else {}
    found: dict[str, Task] = {}
    for _ in range(_ROUNDS):
        if not request:
            break
        answer = client.batch_get_item(RequestItems=request)
        for item in answer["Responses"].get(table, []):
            if is_task(item):
                found[item["task_id"]["S"]] = task_of(item)
        request = answer.get("UnprocessedKeys")
    if request:
        raise TimeoutError("the table is throttled: ask again")
    return [found[task_id] for task_id in task_ids if task_id in found]
