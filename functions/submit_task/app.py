"""POST: submit a task at a provider's path, forward a synchronous operation, or announce an upload with POST /uploads."""

import secrets
import uuid
from typing import Any

from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from relay.bootstrap import prepare_at_init, services
from relay.entrypoint.forwarding import cancelled, forwarded
from relay.entrypoint.http import (
    api,
    base_url_of,
    envelope,
    json_object,
    limit_of,
    request_id_of,
    request_of,
    response_of,
    tenant_of,
)
from relay.entrypoint.presenter import submitted_reply, upload_answer
from relay.entrypoint.telemetry import logger, metrics, report
from relay.providers.base import Action, Provider, Route
from relay.usecases.submit import Submission, submit
from relay.usecases.upload import create_upload

prepare_at_init("tasks", "tokens", "api")

app = api()


@app.post("/uploads")
def announce_upload() -> Any:
    event = app.current_event.raw_event
    upload = create_upload(tenant_of(event), json_object(event), services(), random=secrets.token_hex(10))
    report("upload announced", media_type=upload.reference.media_type)
    metrics.add_metric(name="UploadsCreated", unit=MetricUnit.Count, value=1)
    return envelope(request_id_of(app), upload_answer(upload))


@app.post("/.+")
def send_to_provider() -> Any:
    tenant, provider, route = request_of(app)
    if route.synchronous:
        return forwarded(app, provider, route.synchronous, services())
    if route.action is Action.CANCEL:
        return cancelled(app, tenant, provider, route.reference, services())
    return submit_task(tenant, provider, route)


def submit_task(tenant: str, provider: Provider, route: Route) -> Any:
    relay, event = services(), app.current_event
    body, base_url = json_object(event.raw_event), base_url_of(app, relay.settings)
    if deadline := event.headers.get("x-relay-deadline-seconds"):
        body["relay_deadline_seconds"] = deadline
    submission = Submission(
        tenant=tenant,
        provider=provider.name,
        operation=route.name,
        body=body,
        idempotency_key=event.headers.get("idempotency-key"),
        public_url=base_url,
        limit=limit_of(event.raw_event),
    )
    submitted = submit(submission, relay, new_id=uuid.uuid4().hex)
    report("submitted", task_id=submitted.task.task_id, status=submitted.task.status, warnings=submitted.warnings)
    metrics.add_metric(name="TasksRepeated" if submitted.repeated else "TasksSubmitted", unit=MetricUnit.Count, value=1)
    return response_of(submitted_reply(submitted, relay, base_url, request_id_of(app)))


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_HTTP, clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    metrics.add_metric(name="Requests", unit=MetricUnit.Count, value=1)
    return app.resolve(event, context)
