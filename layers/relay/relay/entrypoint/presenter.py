"""Response bodies: tasks in the provider's format below its paths, and in ours below /tasks."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from relay.domain.errors import InvalidRequestError, UnknownOperationError
from relay.domain.events import described
from relay.domain.task import FailureCode, Status, Task
from relay.entrypoint.http import envelope, is_too_large
from relay.usecases.query import numbered_page
from relay.usecases.view import native, urls_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.ports import Relay
    from relay.usecases.submit import Submitted
    from relay.usecases.upload import Upload

_PAGE = 30
_LONGEST_PAGE = 100


def submitted_answer(submitted: Submitted, relay: Relay, request_id: str) -> tuple[dict[str, Any], int]:
    """The create envelope and its HTTP status; what is doubtful stands in `message`.

    A refusal is the provider's own, and so is what it said at once, without a task.
    """
    task, failure = submitted.task, submitted.task.failure
    if task.is_answered and task.document and not is_too_large(task.document):
        return task.document["answer"], 200
    if failure and failure.code is FailureCode.REJECTED:
        status, code, message = relay.providers[task.provider].refusal(failure)
        return envelope(request_id, code=code, message=message), status
    message = "; ".join(["SUCCEED", *(f"warning: {warning}" for warning in submitted.warnings)])
    return envelope(request_id, native(task, relay), message=message), 200


def upload_answer(upload: Upload) -> dict[str, Any]:
    """What a client needs to put its file into the bucket, and what to name it by. Times in ms."""
    put = {"method": "PUT", "url": upload.put.url, "headers": upload.put.headers, "expires_at": upload.expires_at}
    return {"reference": str(upload.reference), "valid_until": upload.reference.ends_at, "put": put}


def own(task: Task, relay: Relay) -> dict[str, Any]:
    """A task as the relay shows it: its events' detail, and fields that only its owner sees."""
    urls = urls_of(task, relay)
    return {
        "task_id": task.task_id,
        "provider": task.provider,
        "operation": task.operation,
        "provider_task_id": task.provider_task_id,
        "external_task_id": task.external_task_id,
        "status": task.status.value,
        "status_message": task.status_message,
        "reason": _reason(task),
        "version": task.version,
        "attempts": task.attempts,
        "failure": {"code": task.failure.code.value, "message": task.failure.message} if task.failure else None,
        "archive": task.archive.value if task.archive else None,
        "results": [{**described(result), "url": urls[result.path]} for result in task.results],
        "created_at": task.created_at,
        "updated_at": task.updated_at,
        "deadline_at": task.deadline_at,
    }


def webhook_of(task: Task, relay: Relay) -> dict[str, Any] | None:
    """What became of the calls to the task's callback_url; None when it has none."""
    if task.callback_url is None:
        return None
    log = relay.webhooks.log(task.task_id)
    if log is None:
        return {"state": None, "version": None, "next_attempt_at": None, "attempts": []}
    return {
        "state": log.outcome.value if log.outcome else None,
        "version": log.version,
        "next_attempt_at": log.due_at,
        "attempts": [
            {
                "at": attempt.at,
                "event_id": f"{task.task_id}:{attempt.version}",
                "status": attempt.status.value,
                "http_status": attempt.http_status,
                "error": attempt.error,
                "duration_ms": attempt.took_ms,
            }
            for attempt in log.attempts
        ],
    }


def _reason(task: Task) -> dict[str, Any] | None:
    """Why a task waits, or waited until it was given up; None: nothing is wrong."""
    if task.reason is None:
        return None
    return {
        "meaning": task.reason.meaning.value,
        "message": task.reason.message,
        "provider_code": task.reason.provider_code or None,
        "http_status": task.reason.http_status or None,
        "at": task.reason.at,
    }


def listed(tenant: str, parameters: Mapping[str, str], relay: Relay) -> dict[str, Any]:
    """`GET /tasks?status=&operation=&cursor=&limit=`: a page and the cursor of the next.

    The page has fewer tasks than `limit` if a response could not hold them.
    """
    limit = whole_number(parameters, "limit", _PAGE)
    if not 1 <= limit <= _LONGEST_PAGE:
        raise InvalidRequestError(f"limit: expected 1 to {_LONGEST_PAGE}; got {limit}")
    read = partial(
        relay.tasks.of_tenant,
        tenant,
        operation=_operation(parameters.get("operation"), relay),
        status=_status(parameters.get("status")),
        cursor=parameters.get("cursor"),
    )
    while True:
        page = read(limit=limit)
        shown = {"tasks": [own(task, relay) for task in page.tasks], "cursor": page.cursor}
        if limit == 1 or not is_too_large(shown):
            return shown
        limit //= 2


def native_page(tenant: str, operation: str, parameters: Mapping[str, str], relay: Relay) -> list[dict[str, Any]]:
    """`GET …?pageNum=&pageSize=`: a page of an operation's tasks, newest first.

    Raises UnknownOperationError when the operation is one that we do not know, and the tenant has no task of it. Raises
    InvalidRequestError if a response could not hold the page: the protocol knows no shorter ones.
    """
    number, size = whole_number(parameters, "pageNum", 1), whole_number(parameters, "pageSize", _PAGE)
    page = numbered_page(tenant, operation, number=number, size=size, tasks=relay.tasks)
    if not page and number == 1 and not relay.provider.operation(operation).is_typed:
        raise UnknownOperationError(f"no operation {operation}, and no task of it")
    shown = [native(task, relay) for task in page]
    if is_too_large(shown):
        fewer = len(page) // 2
        raise InvalidRequestError(f"pageSize: {len(page)} of these tasks are too large for a response; send pageSize={fewer}")
    return shown


def whole_number(parameters: Mapping[str, str], name: str, default: int) -> int:
    """A query parameter; raises InvalidRequestError when it is no whole number."""
    given = parameters.get(name, str(default))
    if not (given.isascii() and given.isdecimal() and len(given) < 10):
        raise InvalidRequestError(f"{name}: expected a whole number; got {given[:40]!r}")
    return int(given)


def _operation(given: str | None, relay: Relay) -> str | None:
    if given is None:
        return None
    try:
        return relay.provider.operation(given).name
    except UnknownOperationError:
        known = ", ".join(relay.provider.operations)
        raise InvalidRequestError(f"operation: expected one of {known}; got {given[:40]!r}") from None


def _status(given: str | None) -> Status | None:
    if given is None:
        return None
    try:
        return Status(given)
    except ValueError:
        raise InvalidRequestError(f"status: expected one of {', '.join(Status)}; got {given[:40]!r}") from None
