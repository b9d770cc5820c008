"""Submit a task: store it first, then send it, so that every outcome leaves a task that a later step can continue."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from relay.domain.addresses import check_callback_url
from relay.domain.errors import (
    ExternalTaskIdTakenError,
    IdempotencyKeyReusedError,
    InvalidRequestError,
    TaskConflictError,
)
from relay.domain.task import KEY_GENERATIONS, Acceptance, Task, derived_task_id, fingerprint_of
from relay.providers.base import Checked, Operation, PromptLimits, Provider
from relay.usecases.attach import check_arrived, references
from relay.usecases.foreign_ids import check_ids, check_scope
from relay.usecases.limit import seconds_to_wait, too_many
from relay.usecases.send import StoredRequest, send

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.domain.keys import SubmissionLimit
    from relay.ports import Relay, TaskStore

DEADLINE_FIELD = "relay_deadline_seconds"
"""The field of a request that sets the deadline of its task. It is not sent to the provider."""
_SHORTEST_DEADLINE = 60
_DIGITS = 10
_KEY_LIMIT = 255
_DAY = 86_400
_REUSED = "this Idempotency-Key was used before with another body: use a new key for a new request"


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A client's request. `public_url`: the base of the callback URL, without a trailing slash."""

    tenant: str
    provider: str
    operation: str
    body: Mapping[str, Any]
    idempotency_key: str | None
    public_url: str
    limit: SubmissionLimit | None = None


@dataclass(frozen=True, slots=True)
class Submitted:
    """The task in its present state; `repeated` when an earlier request with the same key created it."""

    task: Task
    warnings: tuple[str, ...]
    repeated: bool = False


def submit(submission: Submission, relay: Relay, *, new_id: str) -> Submitted:
    """Check, store and send one task; `new_id` becomes its id when the client gives no key of its own.

    Raises a ClientError when the request is wrong. A refusal by the provider is stored as the task's failure (code `rejected`).
    """
    provider, settings, tasks = relay.providers[submission.provider], relay.settings, relay.tasks
    operation = provider.operation(submission.operation)
    check_scope(operation, submission.limit)
    _check_key(submission.idempotency_key)
    body, deadline = split_deadline(submission.body, settings.task_deadline)
    checked = provider.checked(operation, body, PromptLimits(settings.prompt_limit, settings.negative_prompt_limit))
    if callback_url := _text(checked.body, provider.callback_field):
        check_callback_url(callback_url, allow_loopback=settings.allow_loopback, field=provider.callback_field)
    check_ids(submission.tenant, checked.body, provider, relay)
    draft = _draft(submission, operation, checked, deadline, relay)
    request = StoredRequest(_upstream(checked, provider), submission.public_url)
    ids = list(dict.fromkeys(_task_id(draft, new_id, generation) for generation in range(KEY_GENERATIONS)))
    found = references(request.body)
    wait = seconds_to_wait(submission.limit, relay.submission_counts, at=draft.created_at)
    if found or wait:
        earlier = _earlier(draft, ids, tasks)
        if earlier is not None:  # a repeated request needs neither its uploads, which may be deleted by now, nor the rate limit
            return Submitted(earlier, checked.warnings, repeated=True)
        if wait:
            raise too_many(submission.limit, wait)
        check_arrived(found, draft.tenant, relay.uploads, now=draft.created_at)
    _claim_key(draft, tasks)
    task, is_new = _store(draft, ids, request, relay)
    if is_new:
        task = send(task, request, relay)
    return Submitted(task, checked.warnings, repeated=not is_new)


def split_deadline(body: Mapping[str, Any], longest: int) -> tuple[dict[str, Any], int | None]:
    """The body without its deadline, and the deadline in seconds, which may be a text; None without one.

    Raises InvalidRequestError with the range.
    """
    rest = {name: value for name, value in body.items() if name != DEADLINE_FIELD}
    given = body.get(DEADLINE_FIELD)
    if given is None or given == "":
        return rest, None
    is_text = isinstance(given, str) and given.isascii() and given.isdecimal() and len(given) < _DIGITS
    is_whole = type(given) is int or (isinstance(given, float) and given.is_integer())  # in JSON, 60.0 is 60
    shortest = min(_SHORTEST_DEADLINE, longest)
    if not (is_text or is_whole) or not shortest <= int(given) <= longest:
        expected = f"expected a whole number of seconds from {shortest} to {longest}"
        raise InvalidRequestError(
            f"{DEADLINE_FIELD}, or the header X-Relay-Deadline-Seconds: {expected}; got {ascii(given)[:40]}"
        )
    return rest, int(given)


def _check_key(key: str | None) -> None:
    if key is not None and not (0 < len(key) <= _KEY_LIMIT and key.isascii() and key.isprintable()):
        raise InvalidRequestError(f"Idempotency-Key: expected 1 to {_KEY_LIMIT} printable ASCII characters")


def _upstream(checked: Checked, provider: Provider) -> dict[str, Any]:
    """The body without the two fields that the relay fills with its own values."""
    own = {provider.callback_field, provider.external_id_field} - {""}
    return {name: value for name, value in checked.body.items() if name not in own}


def _draft(submission: Submission, operation: Operation, checked: Checked, deadline: int | None, relay: Relay) -> Task:
    """The task without its id and its stored request."""
    settings, now, provider = relay.settings, relay.clock(), relay.providers[submission.provider]
    deadline_at = now + (deadline or settings.task_deadline) * 1000
    identity = checked.body if deadline is None else {**checked.body, DEADLINE_FIELD: deadline}
    return Task(
        task_id="",
        tenant=submission.tenant,
        provider=provider.name,
        operation=operation.name,
        created_at=now,
        updated_at=now,
        deadline_at=deadline_at,
        due_at=min(now + (operation.poll_seconds or settings.first_poll_after) * 1000, deadline_at),
        expires_at=now // 1000 + max(settings.retention_days * _DAY, settings.task_deadline + 2 * _DAY),
        fingerprint=fingerprint_of(operation.name, identity),
        external_task_id=_text(checked.body, provider.external_id_field),
        idempotency_key=submission.idempotency_key,
        callback_url=_text(checked.body, provider.callback_field),
        document=provider.draft_document(checked.body),
    )


def _text(body: Mapping[str, Any], field: str) -> str | None:
    """The text in a field; None if there is none, or if the provider has no such field."""
    value = body.get(field) if field else None
    return value if isinstance(value, str) else None


def _claim_key(draft: Task, tasks: TaskStore) -> None:
    """If both keys are given, external_task_id determines the task, and the Idempotency-Key is bound to the request."""
    key = draft.idempotency_key
    if key is None or draft.external_task_id is None:
        return
    if not tasks.claim_key(draft.tenant, key, draft.fingerprint, draft.expires_at):
        raise IdempotencyKeyReusedError(_REUSED)


def _earlier(draft: Task, ids: list[str], tasks: TaskStore) -> Task | None:
    """The task that an earlier request with the same key created."""
    if not (draft.external_task_id or draft.idempotency_key):
        return None
    for task_id in ids:
        earlier = tasks.get(task_id)
        if earlier is None:
            return None
        if not _is_free_again(earlier, draft):
            return _checked_repeat(earlier, draft)
    return None


def _store(draft: Task, ids: list[str], request: StoredRequest, relay: Relay) -> tuple[Task, bool]:
    """Store the new task and return it with True; or return the earlier task of the same key, with False."""
    tasks = relay.tasks
    for task_id in ids:
        text = request.to_json()
        encoded = text.encode()
        if len(encoded) > relay.settings.inline_request_bytes:
            text = "s3:" + relay.documents.put_request(f"{task_id}-{draft.fingerprint}", encoded)
        task = replace(draft, task_id=task_id, request=text)
        try:
            tasks.create(task)
        except TaskConflictError:
            earlier = tasks.get(task_id)
            if earlier is not None and not _is_free_again(earlier, draft):
                return _checked_repeat(earlier, draft), False
        else:
            return task, True
    if draft.external_task_id is None:
        raise IdempotencyKeyReusedError(_REUSED)  # it was used before together with an external_task_id
    raise ExternalTaskIdTakenError("the requests with this external_task_id were refused too often: use a new one")


def _task_id(draft: Task, new_id: str, generation: int) -> str:
    if draft.external_task_id is not None:
        return derived_task_id(draft.tenant, "external_task_id", draft.external_task_id, generation)
    if draft.idempotency_key is not None:
        return derived_task_id(draft.tenant, "idempotency_key", draft.idempotency_key)
    return new_id


def _is_free_again(earlier: Task, draft: Task) -> bool:
    """A refused create leaves its external_task_id free; a repeated Idempotency-Key returns the refusal again."""
    same_key = draft.idempotency_key is not None and draft.idempotency_key == earlier.idempotency_key
    return earlier.acceptance is Acceptance.REFUSED and draft.external_task_id is not None and not same_key


def _checked_repeat(earlier: Task, draft: Task) -> Task:
    if draft.idempotency_key is None or draft.idempotency_key != earlier.idempotency_key:
        raise ExternalTaskIdTakenError(f"External_task_id {draft.external_task_id} already exists")
    if earlier.fingerprint != draft.fingerprint:
        raise IdempotencyKeyReusedError(_REUSED)
    return earlier
