"""Foreign ids: a request may name a file, a voice or an element of the provider only if no other tenant was given it."""

from __future__ import annotations

from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

from relay.domain.errors import InvalidRequestError, PermissionDeniedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.domain.keys import SubmissionLimit
    from relay.domain.task import Task
    from relay.ports import Relay
    from relay.providers.base import Operation, Provider, ProviderResponse, SynchronousOperation

MOST = 32
"""Ids in a request: each is looked up."""
_KEPT_SECONDS = 30 * 86_400
_SUCCESS_BELOW = 300


def check_ids(tenant: str, body: Mapping[str, Any], provider: Provider, relay: Relay) -> None:
    """Raise InvalidRequestError for an id of another tenant, or for an unknown one if the stack refuses those."""
    named = list(islice(provider.named_ids(body), MOST + 1))
    if len(named) > MOST:
        raise InvalidRequestError(f"the request names too many ids of the provider: expected at most {MOST}")
    refuses_unknown = relay.settings.foreign_provider_ids == "refuse"
    for field, provider_id in named:
        given_to = relay.provider_ids.tenant_of(provider.name, provider_id)
        if given_to != tenant and (given_to is not None or refuses_unknown):
            raise InvalidRequestError(f"{field}: no task of yours was given the id {provider_id[:80]!r}")


def check_scope(operation: Operation | SynchronousOperation, limit: SubmissionLimit | None) -> None:
    """Raise PermissionDeniedError if the operation concerns the whole account, and the key may not use those."""
    if operation.is_account_wide and limit is not None and not limit.account:
        raise PermissionDeniedError(f"{operation.name} concerns the account of all tenants: your key may not use it")


def record_forwarded_ids(tenant: str, response: ProviderResponse, provider: Provider, relay: Relay) -> None:
    """Record the ids that a synchronous operation brought. The response was paid for: it is returned even if this fails."""
    ids = provider.given_in_response(response)[:MOST] if response.status < _SUCCESS_BELOW else []
    if ids:
        with suppress(Exception):
            expires_at = relay.clock() // 1000 + _KEPT_SECONDS
            relay.provider_ids.record(tenant, provider.name, ids, expires_at=expires_at)


def record_ids(task: Task, relay: Relay) -> None:
    """Record the ids that a success brought to its tenant."""
    ids = relay.providers[task.provider].given_ids(task)
    if ids:
        relay.provider_ids.record(task.tenant, task.provider, ids, expires_at=task.expires_at)
