"""DynamoTaskStore: every transition is one conditional write with the same rules as `Task`."""

from __future__ import annotations

import contextlib
import re
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from relay.adapters.dynamodb.items import (
    failure_text,
    failure_texts,
    is_task,
    item_of,
    json_text,
    number,
    reason_text,
    results_text,
    task_of,
    text,
)
from relay.adapters.dynamodb.owner import new_owner, own_write
from relay.domain.errors import TaskConflictError, TaskNotFoundError
from relay.domain.task import (
    DUE_SHARDS,
    Acceptance,
    Archive,
    Change,
    Failure,
    FailureCode,
    Rank,
    Reason,
    Result,
    Status,
    Task,
    derived_task_id,
    due_shard_of,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from relay.ports import Page

_NAME = re.compile(r"#(\w+)")  # in expressions, a # marks the names that DynamoDB reserves
_ACCEPTED = {":accepted": text(Acceptance.ACCEPTED.value), ":processing": number(Rank.PROCESSING)}
_NOT_ACCEPTED = (  # version 0.2.0 does not write `acceptance`
    "(attribute_not_exists(acceptance) OR acceptance <> :accepted) AND attribute_not_exists(provider_task_id) "
    "AND #rank < :processing"
)
_SAYS_NEWS = "#rank = :rank AND snapshot_at < :snapshot_at AND #message <> :message"


class DynamoTaskStore:
    """TaskStore on the table `tasks`."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def create(self, task: Task) -> None:
        """One PutItem, on the condition that the task does not exist."""
        self._put(item_of(task), "attribute_not_exists(task_id)", {})

    def claim_key(self, tenant: str, key: str, fingerprint: str, expires_at: int) -> bool:
        """Stores an item under the id of the task that the key alone would determine. Repeating the same claim succeeds."""
        item = {
            "task_id": text(derived_task_id(tenant, "idempotency_key", key)),
            "fingerprint": text(fingerprint),
            "expires_at": number(expires_at),
        }
        try:
            free_or_same = "attribute_not_exists(task_id) OR (attribute_not_exists(tenant) AND fingerprint = :f)"
            self._put(item, free_or_same, {":f": text(fingerprint)})
        except TaskConflictError:
            return False
        return True

    def get(self, task_id: str) -> Task | None:
        """One consistent GetItem; nothing is read if `task_id` cannot be an id."""
        if not (task_id.isascii() and 0 < len(task_id) <= 1024):
            return None
        found = self._client.get_item(TableName=self._table, Key={"task_id": text(task_id)}, ConsistentRead=True)
        item = found.get("Item")
        return task_of(item) if item and is_task(item) else None

    def change(self, task_id: str, change: Change, *, at: int) -> None:
        """One UpdateItem; the condition is that of `Task.moved_to`."""
        values = {
            ":status": text(change.status.value),
            ":rank": number(change.rank),
            ":one": number(1),
            ":at": number(at),
            ":snapshot_at": number(change.snapshot_at),
            ":message": text(change.message),
        }
        sets = ["#status = :status", "#rank = :rank", "#version = #version + :one", "updated_at = :at",
                "snapshot_at = :snapshot_at", "#message = :message"]  # fmt: skip
        removes = []
        for name, value in _parts(task_id, change).items():
            if value is None:
                removes.append(name)
            else:
                sets.append(f"{name} = :{name}")
                values[f":{name}"] = value
        if change.provider_task_id is not None:
            sets.append("provider_task_id = if_not_exists(provider_task_id, :provider_task_id)")
            values[":provider_task_id"] = text(change.provider_task_id)
        over = change.rank >= Rank.GIVEN_UP
        if over or change.provider_task_id is not None:
            removes.append("#request")
        condition = "#rank < :rank" if over else f"(#rank < :rank OR ({_SAYS_NEWS}))"
        if change.status is Status.FAILED:
            condition += " AND (attribute_not_exists(failure_code) OR failure_code <> :cancelled)"
            values[":cancelled"] = text(FailureCode.CANCELLED)
        if change.only_unsent:  # version 0.2.0 begins attempts without a change of `acceptance`
            condition += " AND acceptance = :unsent AND unsent_after = attempts"
            values[":unsent"] = text(Acceptance.UNSENT.value)
        if change.acceptance is not None:
            sets.append("acceptance = :acceptance")
            values[":acceptance"] = text(change.acceptance.value)
            removes += ["unresolved_at", "refusal", "reason"]
        if change.acceptance is Acceptance.REFUSED:
            condition += f" AND {_NOT_ACCEPTED} AND (attribute_not_exists(unresolved_at) OR unresolved_at <= :resolved)"
            values |= {":resolved": number(change.resolved_before), **_ACCEPTED}
        self._update(
            task_id, f"SET {', '.join(sets)}" + (f" REMOVE {', '.join(removes)}" if removes else ""), condition, values,
        )  # fmt: skip

    def record_acceptance(self, task_id: str, provider_task_id: str | None, *, due_at: int | None) -> None:
        """Stores the id unless a callback has stored it already. A task that is over stays out of the `due` index."""
        due = {} if due_at is None else _due(task_id, due_at)  # moving it in that index takes two more writes
        known = {} if provider_task_id is None else {":p": text(provider_task_id)}
        with contextlib.suppress(TaskConflictError):
            self._update(
                task_id,
                "SET acceptance = :accepted"
                + (", provider_task_id = if_not_exists(provider_task_id, :p)" if known else "")
                + (", due_at = :d, due_shard = :s" if due else "")
                + " REMOVE #request, unresolved_at, refusal, reason",
                "#rank < :expired",
                {
                    ":accepted": text(Acceptance.ACCEPTED.value),
                    **known,
                    **due,
                    ":expired": number(Rank.GIVEN_UP),
                },
            )

    def begin_attempt(self, task_id: str, attempt: int, *, due_at: int, unresolved_at: int = 0) -> Task:
        """If two invocations begin the same attempt, only one succeeds."""
        values = {
            ":n": number(attempt),
            ":before": number(attempt - 1),
            ":unknown": text(Acceptance.UNKNOWN.value),
            **_ACCEPTED,
            **_due(task_id, due_at),
        }
        expression = "SET attempts = :n, acceptance = :unknown, due_at = :d, due_shard = :s"
        if unresolved_at:
            values[":unresolved_at"] = number(unresolved_at)
            expression += ", unresolved_at = :unresolved_at"
        else:
            expression += " REMOVE unresolved_at"
        return self._updated(task_id, expression, f"attempts = :before AND {_NOT_ACCEPTED}", values)

    def schedule_attempt(self, task: Task, *, due_at: int, acceptance: Acceptance, reason: Reason | None = None) -> bool:
        """If several invocations read the same task, the condition on `due_at` lets only one succeed."""
        values = {
            ":one": number(1),
            ":acceptance": text(acceptance.value),
            ":attempts": number(task.attempts),
            ":seen": number(task.due_at or 0),
            **_ACCEPTED,
            **_due(task.task_id, due_at),
        }
        try:
            self._update(
                task.task_id,
                "SET due_at = :d, due_shard = :s, polls = polls + :one, acceptance = :acceptance, unsent_after = :attempts"
                + _because(reason, values),
                f"due_at = :seen AND {_NOT_ACCEPTED}",
                values,
            )
        except TaskConflictError:
            return False
        return True

    def hold_refusal(self, task_id: str, refusal: Failure, *, due_at: int, reason: Reason) -> None:
        """The next poll decides whether the task is closed with it."""
        values = {":refusal": failure_text(refusal), **_ACCEPTED, **_due(task_id, due_at)}
        expression = "SET refusal = :refusal, due_at = :d, due_shard = :s" + _because(reason, values)
        with contextlib.suppress(TaskConflictError):
            self._update(task_id, expression, _NOT_ACCEPTED, values)

    def postpone(self, task_id: str, *, due_at: int, reason: Reason | None = None) -> None:
        """Moves the task in the `due` index and counts the poll."""
        values = {":one": number(1), ":expired": number(Rank.GIVEN_UP), **_due(task_id, due_at)}
        expression = "SET due_at = :d, due_shard = :s, polls = polls + :one" + _because(reason, values)
        with contextlib.suppress(TaskConflictError):
            self._update(task_id, expression, "#rank < :expired", values)

    def record_partial_results(self, task_id: str, results: tuple[Result, ...]) -> None:
        """The next attempt then fetches only the missing files."""
        values = {":results": results_text(results), ":succeed": text(Status.SUCCEED.value)}
        condition = "#status = :succeed AND attribute_not_exists(#archive)"
        with contextlib.suppress(TaskConflictError):
            self._update(task_id, "SET results = :results", condition, values)

    def record_archive(self, task_id: str, results: tuple[Result, ...], *, at: int, failure: Failure | None = None) -> Task:
        """`stored` never changes again; `failed` may still become `stored`."""
        archive = Archive.FAILED if failure else Archive.STORED
        values = {
            ":results": results_text(results),
            ":archive": text(archive.value),
            ":one": number(1),
            ":at": number(at),
            ":succeed": text(Status.SUCCEED.value),
        }
        condition = "#status = :succeed AND attribute_not_exists(#archive)"
        if failure:
            values[":failure"] = failure_text(failure)
        else:
            values[":failed"] = text(Archive.FAILED.value)
            condition = "#status = :succeed AND (attribute_not_exists(#archive) OR #archive = :failed)"
        tail = ", failure = :failure REMOVE " if failure else " REMOVE failure, "
        return self._updated(
            task_id,
            f"SET results = :results, #archive = :archive, #version = #version + :one, updated_at = :at{tail}"
            "delayed_at, due_at, due_shard",
            condition,
            values,
        )

    def record_delay(self, task_id: str, *, at: int) -> bool:
        """The second update is rare: only if archiving has ended at this moment, or if version 0.2.0 recorded its end."""
        is_open = "#status = :succeed AND attribute_not_exists(#archive) AND attribute_not_exists(delayed_at)"
        succeed = {":succeed": text(Status.SUCCEED.value)}
        try:
            self._update(
                task_id,
                "SET delayed_at = :at, #version = #version + :one, updated_at = :at REMOVE due_at, due_shard",
                is_open,
                {":at": number(at), ":one": number(1), **succeed},
            )
        except TaskConflictError:
            is_over = {":expired": number(Rank.GIVEN_UP)}
            with contextlib.suppress(TaskConflictError):
                self._update(
                    task_id, "REMOVE due_at, due_shard", f"#rank >= :expired AND NOT ({is_open})", {**is_over, **succeed}
                )
            return False
        return True

    def request_poll(self, task_id: str, provider_task_id: str | None, *, due_at: int) -> None:
        """The id is stored unless another one was; a callback proves that the task was accepted."""
        values = {":accepted": text(Acceptance.ACCEPTED.value), ":final": number(Rank.FINAL), **_due(task_id, due_at)}
        expression = "SET acceptance = :accepted, due_at = :d, due_shard = :s"
        if provider_task_id is not None:
            values[":p"] = text(provider_task_id)
            expression += ", provider_task_id = if_not_exists(provider_task_id, :p)"
        with contextlib.suppress(TaskConflictError):
            self._update(task_id, f"{expression} REMOVE #request, unresolved_at, refusal, reason", "#rank < :final", values)

    def of_tenant(
        self,
        tenant: str,
        *,
        provider: str | None = None,
        operation: str | None,
        status: Status | None,
        limit: int,
        cursor: str | None,
    ) -> Page:
        """See listing.py."""
        from relay.adapters.dynamodb.listing import tenant_page

        return tenant_page(
            self._client,
            self._table,
            tenant,
            provider=provider,
            operation=operation,
            status=status,
            limit=limit,
            cursor=cursor,
        )

    def due(self, *, now: int, limit: int, seen: Collection[str] = ()) -> list[str]:
        """One Query of the sparse index for each of its partitions, and another for each page of `seen` tasks."""
        pages = [self._due_in(shard, now, limit, seen) for shard in range(DUE_SHARDS)]
        return [task_id for each in zip_longest(*pages) for task_id in each if task_id is not None]

    def _due_in(self, shard: int, now: int, limit: int, seen: Collection[str]) -> list[str]:
        start: dict[str, Any] = {}
        for _ in range(1 + len(seen) // limit):  # at most that many pages hold only `seen` tasks; one more holds others
            found = self._client.query(
                TableName=self._table,
                IndexName="due",
                KeyConditionExpression="due_shard = :s AND due_at <= :now",
                ExpressionAttributeValues={":s": text(str(shard)), ":now": number(now)},
                Limit=limit,
                **start,
            )
            unseen = [task_id for item in found["Items"] if (task_id := item["task_id"]["S"]) not in seen]
            if unseen or "LastEvaluatedKey" not in found:
                return unseen
            start = {"ExclusiveStartKey": found["LastEvaluatedKey"]}
        return []

    def _put(self, item: dict[str, Any], condition: str, values: dict[str, Any]) -> None:
        owner = new_owner()
        arguments = {"ExpressionAttributeValues": values} if values else {}
        try:
            self._client.put_item(
                TableName=self._table,
                Item={**item, "owner": owner},
                ConditionExpression=condition,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **arguments,
            )
        except ClientError as error:
            if own_write(error, owner) is None:
                raise _translated(error) from error

    def _updated(self, task_id: str, expression: str, condition: str, values: dict[str, Any]) -> Task:
        return task_of(self._update(task_id, expression, condition, values, returned="ALL_NEW")["Attributes"])

    def _update(
        self, task_id: str, expression: str, condition: str, values: dict[str, Any], *, returned: str = "NONE"
    ) -> Mapping[str, Any]:
        """`returned`: NONE unless the caller needs the item, since parsing it is a tenth of a callback's work."""
        owner = new_owner()
        try:
            written: Mapping[str, Any] = self._client.update_item(
                TableName=self._table,
                Key={"task_id": text(task_id)},
                UpdateExpression=f"SET #owner = :owner {expression}".replace(":owner SET ", ":owner, ", 1),
                ConditionExpression=f"attribute_exists(task_id) AND (NOT #owner = :owner) AND {condition}",
                ExpressionAttributeValues={":owner": owner, **values},
                ExpressionAttributeNames={
                    "#owner": "owner",
                    **{f"#{name}": name for name in _NAME.findall(expression + condition)},
                },
                ReturnValues=returned,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            mine = own_write(error, owner)
            if mine is None:
                raise _translated(error, updating=True) from error
            return {"Attributes": mine}
        return written


def _parts(task_id: str, change: Change) -> dict[str, dict[str, str] | None]:
    """Attributes that a change sets, or removes if they are None."""
    due: dict[str, dict[str, str] | None] = {"due_at": None, "due_shard": None} if change.rank >= Rank.GIVEN_UP else {}
    if due and change.due_at is not None:
        due = {"due_at": number(change.due_at), "due_shard": text(str(due_shard_of(task_id)))}
    return {
        **due,
        "results": results_text(change.results) if change.results else None,
        "document": json_text(change.document) if change.document is not None else None,
        **failure_texts(change.failure),
    }


def _because(reason: Reason | None, values: dict[str, Any]) -> str:
    """The end of a SET expression that stores the reason or removes it."""
    if reason is None:
        return " REMOVE reason"
    values[":reason"] = reason_text(reason)
    return ", reason = :reason"


def _due(task_id: str, due_at: int) -> dict[str, dict[str, str]]:
    return {":d": number(due_at), ":s": text(str(due_shard_of(task_id)))}


def _translated(error: ClientError, *, updating: bool = False) -> Exception:
    if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
        return error
    if updating and "Item" not in error.response:
        return TaskNotFoundError("there is no such task")
    return TaskConflictError("the stored task does not allow the change")
