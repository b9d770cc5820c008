"""Requests at a provider's path that more than one function serves: synchronous operations, and cancellations."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from relay.entrypoint.http import base_url_of, json_object, limit_of, request_id_of, response_of, tenant_of
from relay.entrypoint.telemetry import metrics, report
from relay.usecases.forward import Call, forward

if TYPE_CHECKING:
    from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

    from relay.ports import Relay
    from relay.providers.base import Provider, SynchronousOperation

_LARGEST_TEXT = 1_000_000


def forwarded(app: APIGatewayHttpResolver, provider: Provider, operation: SynchronousOperation, relay: Relay) -> Response[str]:
    """The provider's response as a function's response; raises a ClientError or a ForwardingError."""
    from aws_lambda_powertools.event_handler import Response
    from aws_lambda_powertools.metrics import MetricUnit

    event = app.current_event
    call = Call(
        tenant=tenant_of(event.raw_event),
        provider=provider.name,
        operation=operation,
        body=None if operation.method == "GET" else json_object(event.raw_event),
        query=event.raw_query_string,
        limit=limit_of(event.raw_event),
    )
    answer = forward(call, relay)
    report("forwarded", operation=operation.name, status=answer.status)
    metrics.add_metric(name="RequestsForwarded", unit=MetricUnit.Count, value=1)
    is_large = len(answer.body) > _LARGEST_TEXT  # as base64, 4 MiB fit Lambda's 6 MB; as a text, its quotes are escaped
    body = b64encode(answer.body).decode() if is_large else answer.body.decode("utf-8", "replace")
    response = Response(answer.status, "application/json", body)
    response.base64_encoded = is_large
    return response


def cancelled(app: APIGatewayHttpResolver, tenant: str, provider: Provider, reference: str, relay: Relay) -> Response[str]:
    """The task afterwards, in its provider's format; raises a ClientError."""
    from relay.usecases.cancel import cancel
    from relay.usecases.view import native

    task = cancel(tenant, reference, relay, provider=provider.name)
    report("cancel", task_id=task.task_id, status=task.status, cancelled=task.is_cancelled)
    return response_of(provider.queried_reply(native(task, relay, base_url_of(app, relay.settings)), request_id_of(app)))
