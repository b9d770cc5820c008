"""Responses: tasks in the provider's format below its paths, and in ours below /tasks."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from relay.domain.errors import InvalidRequestError, UnknownOperationError
from relay.domain.events import described
from relay.domain.task import FailureCode, Status, Task
from relay.entrypoint.http import is_too_large
from relay.providers.base import Paging, whole_number
from relay.providers.reply import Reply
from relay.usecases.query import page_of
from relay.usecases.view import native, urls_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.ports import Relay
    from relay.providers.base import Provider, Route
    from relay.usecases.submit import Submitted
    from relay.usecases.upload import Upload

_LONGEST_PAGE = 100


def submitted_reply(submitted: Submitted, relay: Relay, base_url: str, request_id: str) -> Reply:
    """The response to a create. A refusal is the provider's own, and so is what it said at once, without a task."""
    task, failure, provider = submitted.task, submitted.task.failure, relay.providers[submitted.task.provider]
    if task.is_answered and task.document and not is_too_large(task.document):
        return Reply(200, task.document["answer"])
    if failure and failure.code is FailureCode.REJECTED:
        return provider.error_reply(*provider.refusal(failure), request_id)
    return provider.created_reply(native(task, relay, base_url), submitted.warnings, request_id)


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
    """`GET /tasks?status=&provider=&operation=&cursor=&limit=`: a page and the cursor of the next.

    The page has fewer tasks than `limit` if a response could not hold them.
    """
    limit = whole_number(parameters, "limit", Paging().size)
    if not 1 <= limit <= _LONGEST_PAGE:
        raise InvalidRequestError(f"limit: expected 1 to {_LONGEST_PAGE}; got {limit}")
    read = partial(
        relay.tasks.of_tenant,
        tenant,
        provider=_provider(parameters.get("provider"), relay),
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


def native_page(tenant: str, provider: Provider, route: Route, relay: Relay, base_url: str, request_id: str) -> Reply:
    """A page of a provider's tasks, in its format.

    Raises UnknownOperationError when the operation is one that we do not know, and the tenant has no task of it. Raises
    InvalidRequestError if a response could not hold the page, and the protocol knows no shorter ones.
    """
    operation, paging = route.operation, route.paging
    while True:
        page, cursor = page_of(tenant, provider.name, route.name or None, paging, relay.tasks)
        if operation and not page and paging.number == 1 and not operation.is_known:
            raise UnknownOperationError(f"no operation {operation.name}, and no task of it")
        shown = [native(task, relay, base_url) for task in page]
        if not is_too_large(shown):
            return provider.listed_reply(shown, cursor, base_url, request_id)
        fewer = len(page) // 2
        if not (paging.may_be_shorter and fewer):
            raise InvalidRequestError(f"{len(page)} of these tasks are too large for a response: ask for pages of {fewer}")
        paging = paging._replace(size=fewer)


def _provider(given: str | None, relay: Relay) -> str | None:
    if given is not None and given not in relay.providers:
        raise InvalidRequestError(f"provider: expected one of {', '.join(relay.providers)}; got {given[:40]!r}")
    return given


def _operation(given: str | None, relay: Relay) -> str | None:
    """An operation that any provider has: together with another provider's name, the page is empty."""
    if given is None:
        return None
    known: list[str] = []
    for provider in relay.providers.values():
        try:
            return provider.operation(given).name
        except UnknownOperationError:
            known += provider.operations
    raise InvalidRequestError(f"operation: expected one of {', '.join(known)}; got {given[:40]!r}")


def _status(given: str | None) -> Status | None:
    if given is None:
        return None
    try:
        return Status(given)
    except ValueError:
        raise InvalidRequestError(f"status: expected one of {', '.join(Status)}; got {given[:40]!r}") from None
