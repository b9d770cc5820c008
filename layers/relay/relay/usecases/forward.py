"""Forward a synchronous operation: send the request once and return the provider's response. Nothing is stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from relay.domain.errors import ForwardingError, OperatorFaultError, OutcomeUnknownError, ProviderBusyError, ProviderRefusedError
from relay.providers.base import PromptLimits, ProviderResponse, SynchronousOperation
from relay.usecases.attach import check_arrived, references, resolved
from relay.usecases.foreign_ids import check_ids, check_scope, record_forwarded_ids
from relay.usecases.limit import seconds_to_wait, too_many
from relay.usecases.submit import split_deadline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from relay.domain.keys import SubmissionLimit
    from relay.ports import Relay

_CHARGED = "the provider may have executed and billed the request: check before you repeat it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A client's request to a synchronous operation; a GET has no body, `query` is its query string."""

    tenant: str
    provider: str
    operation: SynchronousOperation
    body: Mapping[str, Any] | None = None
    query: str = ""
    limit: SubmissionLimit | None = None


def forward(call: Call, relay: Relay) -> ProviderResponse:
    """The provider's own response, refusals and "busy" included.

    Raises InvalidRequestError or TooManySubmissionsError before anything is sent. Raises ForwardingError with 503/5001 when
    nothing could be sent, with 504/5002 when the response was lost, and with 503/5001 when the provider refuses the relay itself.
    """
    settings, body, provider = relay.settings, call.body, relay.providers[call.provider]
    check_scope(call.operation, call.limit)
    if body is not None:
        limits = PromptLimits(settings.prompt_limit, settings.negative_prompt_limit)
        body, _ = split_deadline(body, settings.task_deadline)  # a synchronous operation ends by itself
        body = provider.checked(call.operation, body, limits).body
        check_ids(call.tenant, body, provider, relay)
        if wait := seconds_to_wait(call.limit, relay.submission_counts, at=relay.clock()):
            raise too_many(call.limit, wait)
        check_arrived(references(body), call.tenant, relay.uploads, now=relay.clock())
        body = resolved(body, call.tenant, relay.uploads, seconds=settings.task_deadline)
    request = provider.forward_request(call.operation, body, call.query)
    try:
        response = provider.read_forwarded(relay.api.send(request, timeout=settings.submit_timeout))
    except ProviderRefusedError as error:
        raise ForwardingError(error.message, status=error.status, code=error.code) from error
    except OperatorFaultError as error:
        raise ForwardingError(f"{error.message}; nothing was charged", status=503, code=5001) from error
    except ProviderBusyError as error:
        raise ForwardingError(f"{error.message}: nothing was sent, try again", status=503, code=5001) from error
    except OutcomeUnknownError as error:
        advice = "send the request again" if request.method == "GET" else _CHARGED
        raise ForwardingError(f"{error.message}: {advice}", status=504, code=5002) from error
    if body is not None:
        record_forwarded_ids(call.tenant, response, provider, relay)
    return response
