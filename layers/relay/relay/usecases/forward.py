"""Forward a request that the provider answers at once: nothing is stored, and nothing is sent twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from relay.domain.errors import ForwardingError, OutcomeUnknownError, ProviderBusyError, ProviderRefusedError
from relay.providers.base import PromptLimits, Provider, ProviderResponse, SynchronousOperation
from relay.usecases.attach import check_arrived, references, resolved
from relay.usecases.limit import seconds_to_wait, too_many

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.config import Settings
    from relay.domain.keys import SubmissionLimit
    from relay.ports import Clock, ProviderApi, SubmissionCounts, UploadStore

_CHARGED = "it may have been done and charged, so do not repeat it blindly"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A client's request to a synchronous operation; a GET has no body, `query` is its query string."""

    tenant: str
    operation: SynchronousOperation
    body: Mapping[str, Any] | None = None
    query: str = ""
    limit: SubmissionLimit | None = None


def forward(
    call: Call,
    *,
    provider: Provider,
    settings: Settings,
    api: ProviderApi,
    uploads: UploadStore,
    counts: SubmissionCounts,
    clock: Clock,
) -> ProviderResponse:
    """The provider's own answer, refusals and "busy" included.

    Raises InvalidRequestError or TooManySubmissionsError before anything is sent; ForwardingError with 503/5001 when nothing
    could be sent, with 504/5002 when nobody knows what came of it, and when it is the relay that was refused, not the client.
    """
    body = call.body
    if body is not None:
        limits = PromptLimits(settings.prompt_limit, settings.negative_prompt_limit)
        body = provider.checked(call.operation, body, limits).body
        if wait := seconds_to_wait(call.limit, counts=counts, at=clock()):
            raise too_many(call.limit, wait)
        check_arrived(references(body), tenant=call.tenant, uploads=uploads, now=clock())
        body = resolved(body, tenant=call.tenant, uploads=uploads, seconds=settings.task_deadline)
    request = provider.forward_request(call.operation, body, call.query)
    try:
        return provider.read_forwarded(api.send(request, timeout=settings.submit_timeout))
    except ProviderRefusedError as error:
        raise ForwardingError(error.message, status=error.status, code=error.code) from error
    except ProviderBusyError as error:
        raise ForwardingError(f"{error.message}: nothing was sent, try again", status=503, code=5001) from error
    except OutcomeUnknownError as error:
        advice = "ask again" if request.method == "GET" else _CHARGED
        raise ForwardingError(f"{error.message}: {advice}", status=504, code=5002) from error
