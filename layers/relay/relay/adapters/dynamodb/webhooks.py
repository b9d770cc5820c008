"""DynamoWebhooks: the table `webhooks`: an item for each task with a callback_url, each origin, gone URL and tenant."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from relay.adapters.dynamodb.items import Item, json_text, known, number, only, text
from relay.adapters.dynamodb.owner import new_owner, own_write
from relay.domain.task import Status
from relay.domain.webhook import Attempt, Delivery, DeliveryLog, DeliveryOutcome, Endpoint

if TYPE_CHECKING:
    from collections.abc import Sequence

_ENDPOINT_DAYS = 30
_SETTLED = frozenset({DeliveryOutcome.DELIVERED, DeliveryOutcome.GONE})
_NOT_OVERTAKEN = "(attribute_not_exists(settled) OR settled < :v) AND (#version < :v OR (#version = :v AND next_attempt <= :a))"
_NOT_BUSY = "(attribute_not_exists(busy_until) OR busy_until <= :now)"
_NAMES = {"#version": "version"}
_ATTEMPT_FIELDS = frozenset(field.name for field in fields(Attempt))


class DynamoWebhooks:
    """Webhooks. Claiming and concluding an attempt cost one write unit each. A trusted endpoint costs only a read."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def endpoint(self, endpoint_id: str) -> Endpoint:
        """An eventually consistent read, which costs half a unit. Health that is a second old does no harm."""
        item = self._client.get_item(TableName=self._table, Key=key_of("endpoint", endpoint_id)).get("Item")
        health = json.loads(item["health"]["S"]) if item and "health" in item else {}
        known = {name: value for name, value in health.items() if name in Endpoint.__slots__}
        return Endpoint(**{**known, "has_gone_urls": bool(item and "has_gone_urls" in item)})

    def claim_lane(self, endpoint_id: str, lane: int, *, now: int, until: int) -> bool:
        """One conditional update of the endpoint's item, which it creates if there is none."""
        owner = new_owner()
        try:
            self._client.update_item(
                TableName=self._table,
                Key=key_of("endpoint", endpoint_id),
                UpdateExpression=f"SET lane_{lane} = :until, owner_{lane} = :owner, expires_at = :e",
                ConditionExpression=f"attribute_not_exists(lane_{lane}) OR lane_{lane} <= :now",
                ExpressionAttributeValues={":until": number(until), ":owner": owner, ":now": number(now), ":e": _expiry(now)},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if is_refusal(error):
                return own_write(error, owner, name=f"owner_{lane}") is not None
            raise
        return True

    def keep_endpoint(self, endpoint_id: str, endpoint: Endpoint, *, lane: int | None, now: int) -> None:
        """One unconditional update: the last writer wins. It does not forget that a URL is gone, which only one attempt sees."""
        health = {name: value for name, value in asdict(endpoint).items() if value and name != "has_gone_urls"}
        gone = {":true": {"BOOL": True}} if endpoint.has_gone_urls else {}
        self._client.update_item(
            TableName=self._table,
            Key=key_of("endpoint", endpoint_id),
            UpdateExpression="SET health = :h, expires_at = :e"
            + (", has_gone_urls = :true" if gone else "")
            + (f" REMOVE lane_{lane}, owner_{lane}" if lane is not None else ""),
            ExpressionAttributeValues={":h": json_text(health), ":e": _expiry(now), **gone},
        )

    def begin(self, delivery: Delivery, *, now: int, until: int, expires_at: int) -> DeliveryLog | None:
        """One conditional update; if it is refused, the returned item tells the reason."""
        owner = new_owner()
        try:
            written = self._client.update_item(
                TableName=self._table,
                Key=key_of("task", delivery.task_id),
                UpdateExpression="SET #version = :v, next_attempt = :a, busy_until = :until, expires_at = :e, #owner = :owner",
                ConditionExpression=f"attribute_not_exists(#version) OR ({_NOT_OVERTAKEN} AND {_NOT_BUSY})",
                ExpressionAttributeNames={**_NAMES, "#owner": "owner"},
                ExpressionAttributeValues={
                    ":owner": owner,
                    ":v": number(delivery.version),
                    ":a": number(delivery.attempt),
                    ":now": number(now),
                    ":until": number(until),
                    ":e": number(expires_at),
                },
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if not is_refusal(error):
                raise
            if mine := own_write(error, owner):
                return _log_of(mine)
            refusal: Any = error.response
            return _busy(refusal["Item"], delivery)
        return _log_of(written["Attributes"])

    def conclude(
        self, delivery: Delivery, attempts: Sequence[Attempt], outcome: DeliveryOutcome, *, again: Delivery | None = None
    ) -> None:
        """One conditional update, only of the attempt that was begun. Every later attempt has a higher number."""
        sets = ["attempts = :attempts", "outcome = :outcome", "next_attempt = :next"]
        values = {
            ":attempts": json_text([_entry(attempt) for attempt in attempts]),
            ":outcome": text(outcome.value),
            ":next": number(delivery.attempt + 1),
            ":v": number(delivery.version),
            ":a": number(delivery.attempt),
        }
        removes = ["busy_until"]
        if again:
            sets.append("due_at = :due")
            values[":due"] = number(again.due_at)
        else:
            removes.append("due_at")
        if outcome in _SETTLED:
            sets.append("settled = :v")
        try:
            self._client.update_item(
                TableName=self._table,
                Key=key_of("task", delivery.task_id),
                UpdateExpression=f"SET {', '.join(sets)} REMOVE {', '.join(removes)}",
                ConditionExpression="#version = :v AND next_attempt = :a",
                ExpressionAttributeNames=_NAMES,
                ExpressionAttributeValues=values,
            )
        except ClientError as error:
            if not is_refusal(error):
                raise

    def log(self, task_id: str) -> DeliveryLog | None:
        """One consistent GetItem."""
        found = self._client.get_item(TableName=self._table, Key=key_of("task", task_id), ConsistentRead=True)
        return _log_of(found["Item"]) if "Item" in found else None

    def secret_generation(self, tenant: str) -> tuple[int, dict[int, int]]:
        """The number of a tenant's secret in use (from 0), and when the secrets before it ended (ms), by their numbers.

        Version 0.2.0 stores only when the last one ended, as `rotated_at`.
        """
        found = self._client.get_item(TableName=self._table, Key=key_of("tenant", tenant), ConsistentRead=True)
        item = found.get("Item", {})
        generation = int(item["generation"]["N"]) if "generation" in item else 0
        ended = {int(each): int(end["N"]) for each, end in item.get("ended", {"M": {}})["M"].items()}
        if generation:
            ended[generation - 1] = int(item["rotated_at"]["N"])
        return generation, ended


def key_of(kind: str, name: str) -> dict[str, dict[str, str]]:
    return {"key": text(f"{kind}#{name}")}


def _expiry(now: int) -> dict[str, str]:
    return number(now // 1000 + _ENDPOINT_DAYS * 86_400)


def is_refusal(error: ClientError) -> bool:
    return bool(error.response["Error"]["Code"] == "ConditionalCheckFailedException")


def _busy(item: Item, delivery: Delivery) -> DeliveryLog | None:
    """The log of a task for which another attempt is being made; None if this delivery is overtaken or settled."""
    version, settled = int(item["version"]["N"]), int(item.get("settled", {"N": "0"})["N"])
    is_over = settled >= delivery.version or version > delivery.version
    if is_over or (version == delivery.version and int(item["next_attempt"]["N"]) > delivery.attempt):
        return None
    return _log_of(item, is_busy=True)


def _log_of(item: Item, *, is_busy: bool = False) -> DeliveryLog:
    entries = json.loads(item["attempts"]["S"]) if "attempts" in item else []
    return DeliveryLog(
        version=int(item["version"]["N"]),
        outcome=known(DeliveryOutcome, item["outcome"]["S"], None) if "outcome" in item else None,
        attempts=tuple(
            Attempt(**{**only(entry, _ATTEMPT_FIELDS), "status": Status.stored(entry["status"])}) for entry in entries
        ),
        due_at=int(item["due_at"]["N"]) if "due_at" in item else None,
        is_busy=is_busy,
    )


def _entry(attempt: Attempt) -> dict[str, Any]:
    return {name: value for name, value in asdict(attempt).items() if value is not None}
