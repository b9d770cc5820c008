"""The stored form of a task: DynamoDB's attribute values, in the table and in its stream.

After a rollback there are items of a later version, so fields and values that are unknown here stop no reader.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from enum import Enum
from typing import Any

from relay.domain.errors import Meaning
from relay.domain.task import (
    Acceptance,
    Archive,
    Failure,
    FailureCode,
    Rank,
    Reason,
    Result,
    Status,
    Task,
    due_shard_of,
)

Item = Mapping[str, Any]

_NUMBERS = (
    "created_at",
    "updated_at",
    "deadline_at",
    "expires_at",
    "rank",
    "version",
    "attempts",
    "polls",
    "snapshot_at",
)
_TEXTS = ("task_id", "tenant", "provider", "operation", "fingerprint", "message")
_OPTIONAL_TEXTS = ("provider_task_id", "external_task_id", "idempotency_key", "callback_url", "request")

_CODES_OF_0_2_0 = frozenset(FailureCode) - {FailureCode.CANCELLED, FailureCode.NO_RESULTS}
_RESULT_FIELDS = frozenset(field.name for field in fields(Result))
_FAILURE_FIELDS = frozenset(field.name for field in fields(Failure))
_REASON_FIELDS = frozenset(field.name for field in fields(Reason))
_ACCEPTED_RANKS = frozenset({Rank.PROCESSING, Rank.FINAL})


def item_of(task: Task) -> dict[str, Any]:
    """A task as an item, without the fields that have no value."""
    item: dict[str, Any] = {name: number(getattr(task, name)) for name in _NUMBERS}
    item |= {name: text(getattr(task, name)) for name in _TEXTS}
    item |= {name: text(value) for name in _OPTIONAL_TEXTS if (value := getattr(task, name)) is not None}
    item["status"] = text(task.status.value)
    item["acceptance"] = text(task.acceptance.value)
    if task.acceptance is Acceptance.UNSENT:
        item["unsent_after"] = number(task.attempts)
    if task.document is not None:
        item["document"] = json_text(task.document)
    item["created_key"] = text(created_key(task.created_at, task.task_id))
    if task.due_at is not None:
        item |= {"due_at": number(task.due_at), "due_shard": text(str(due_shard_of(task.task_id)))}
    return item


def task_of(item: Item) -> Task:
    """The task in an item."""
    numbers: dict[str, Any] = {name: int(item[name]["N"]) for name in _NUMBERS if name != "rank"}
    texts: dict[str, Any] = {name: item[name]["S"] for name in _TEXTS}
    optional: dict[str, Any] = {name: item[name]["S"] for name in _OPTIONAL_TEXTS if name in item}
    return Task(
        **numbers,
        **texts,
        **optional,
        rank=Rank(min(int(item["rank"]["N"]), Rank.FINAL)),
        status=Status.stored(item["status"]["S"]),
        acceptance=_acceptance(item),
        unresolved_at=int(item["unresolved_at"]["N"]) if "unresolved_at" in item else 0,
        refusal=_failure(_json(item, "refusal")),
        due_at=int(item["due_at"]["N"]) if "due_at" in item else None,
        results=tuple(Result(**only(entry, _RESULT_FIELDS)) for entry in _json(item, "results") or ()),
        document=_json(item, "document"),
        reason=_reason(_json(item, "reason")),
        failure=_failure(_json(item, "failure"), item.get("failure_code")),
        archive=_archive(item),
    )


def is_task(item: Item) -> bool:
    """Whether an item is a task. Claims of idempotency keys and counters have no version."""
    return "version" in item


def known[E: Enum, D](kind: type[E], value: str, otherwise: D) -> E | D:
    """The member of an enum with this value, or `otherwise`."""
    try:
        return kind(value)
    except ValueError:
        return otherwise


def only(entry: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    """Without the fields of a later version."""
    return {name: value for name, value in entry.items() if name in names}


def created_key(created_at: int, task_id: str) -> str:
    """The sort key of a tenant's tasks: by time, then by id."""
    return f"{created_at:013d}#{task_id}"


def text(value: str) -> dict[str, str]:
    """A string attribute."""
    return {"S": value}


def number(value: int) -> dict[str, str]:
    """A number attribute."""
    return {"N": str(value)}


def json_text(value: Any) -> dict[str, str]:
    """A document as JSON in a string, which is smaller than DynamoDB's own maps and lists."""
    return text(json.dumps(value, separators=(",", ":"), ensure_ascii=False))


def results_text(results: tuple[Result, ...]) -> dict[str, str]:
    """The results, without unknown fields."""
    return json_text([{name: value for name, value in asdict(result).items() if value is not None} for result in results])


def failure_text(failure: Failure) -> dict[str, str]:
    """A failure, without empty fields."""
    return json_text({name: value for name, value in asdict(failure).items() if value})


def failure_texts(failure: Failure | None) -> dict[str, dict[str, str] | None]:
    """The attributes of a task's failure. Version 0.2.0 reads codes that it does not know as `expired`."""
    if failure is None or failure.code in _CODES_OF_0_2_0:
        return {"failure": failure_text(failure) if failure else None, "failure_code": None}
    return {"failure": failure_text(replace(failure, code=FailureCode.EXPIRED)), "failure_code": text(failure.code)}


def reason_text(reason: Reason) -> dict[str, str]:
    """A reason, without empty fields."""
    return json_text({name: value for name, value in asdict(reason).items() if value})


def _archive(item: Item) -> Archive | None:
    """Version 0.2.0 knows no delay, and whoever archives a delayed task there adds `archive`."""
    if "archive" in item:
        return known(Archive, item["archive"]["S"], None)
    return Archive.PENDING if "delayed_at" in item else None


def _acceptance(item: Item) -> Acceptance:
    """The stored field, unless other fields prove more. Version 0.2.0 does not know it, also in items that it changes."""
    stored = known(Acceptance, item["acceptance"]["S"], Acceptance.UNKNOWN) if "acceptance" in item else Acceptance.UNKNOWN
    if stored is Acceptance.ACCEPTED or "provider_task_id" in item or int(item["rank"]["N"]) in _ACCEPTED_RANKS:
        return Acceptance.ACCEPTED
    if (_json(item, "failure") or {}).get("code") == FailureCode.REJECTED:
        return Acceptance.REFUSED
    has_begun = stored is Acceptance.UNSENT and item.get("unsent_after") != item["attempts"]
    return Acceptance.UNKNOWN if has_begun else stored


def _failure(value: Any, later: Mapping[str, str] | None = None) -> Failure | None:
    if not value:
        return None
    code = FailureCode(value["code"])
    if later and code is FailureCode.EXPIRED:
        code = FailureCode(later["S"])
    return Failure(**{"message": "", **only(value, _FAILURE_FIELDS), "code": code})


def _reason(value: Any) -> Reason | None:
    """A later version may know more meanings and fields."""
    if not value:
        return None
    meaning = known(Meaning, value["meaning"], Meaning.UNKNOWN)
    return Reason(**{"message": "", "at": 0, **only(value, _REASON_FIELDS), "meaning": meaning})


def _json(item: Item, name: str) -> Any:
    return json.loads(item[name]["S"]) if name in item else None
