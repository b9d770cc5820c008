"""POST /kling/v1/{operation}: submit a task, or forward a synchronous operation. GET /account/costs. POST /uploads."""

import secrets
import uuid
from base64 import b64encode
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from relay.bootstrap import prepare_at_init, services
from relay.entrypoint.http import api, envelope, json_object, limit_of, operation_path, request_id_of, tenant_of
from relay.entrypoint.presenter import submitted_answer, upload_answer
from relay.entrypoint.telemetry import logger, metrics, report
from relay.usecases.forward import Call, forward
from relay.usecases.submit import Submission, submit
from relay.usecases.upload import create_upload

prepare_at_init("tasks", "tokens", "api")

app = api()
_LARGEST_TEXT = 1_000_000


@app.post("/kling/v1/.+")
@app.post("/v1/.+")
def submit_task() -> Any:
    event, operation = app.current_event, operation_path(app)
    relay, tenant = services(), tenant_of(event.raw_event)
    body, limit = json_object(event.raw_event), limit_of(event.raw_event)
    if deadline := event.headers.get("x-relay-deadline-seconds"):
        body["relay_deadline_seconds"] = deadline
    if operation in relay.provider.synchronous:
        return forwarded(Call(tenant=tenant, operation=relay.provider.synchronous[operation], body=body, limit=limit))
    submission = Submission(
        tenant=tenant,
        operation=operation,
        body=body,
        idempotency_key=event.headers.get("idempotency-key"),
        public_url=relay.settings.public_url or f"https://{event.request_context.domain_name}",
        limit=limit,
    )
    submitted = submit(submission, relay, new_id=uuid.uuid4().hex)
    report("submitted", task_id=submitted.task.task_id, status=submitted.task.status, warnings=submitted.warnings)
    metrics.add_metric(name="TasksRepeated" if submitted.repeated else "TasksSubmitted", unit=MetricUnit.Count, value=1)
    return submitted_answer(submitted, relay, request_id_of(app))


@app.get("/account/costs")
@app.get("/kling/account/costs")
@app.get("/v1/account/costs")
@app.get("/kling/v1/account/costs")
def account_costs() -> Any:
    event, operation = app.current_event, services().provider.synchronous["account/costs"]
    return forwarded(Call(tenant=tenant_of(event.raw_event), operation=operation, query=event.raw_query_string))


def forwarded(call: Call) -> Response[str]:
    answer = forward(call, services())
    report("forwarded", operation=call.operation.name, status=answer.status)
    metrics.add_metric(name="RequestsForwarded", unit=MetricUnit.Count, value=1)
    is_large = len(answer.body) > _LARGEST_TEXT  # as base64, 4 MiB fit Lambda's 6 MB; as a text, its quotes are escaped
    body = b64encode(answer.body).decode() if is_large else answer.body.decode("utf-8", "replace")
    response = Response(answer.status, "application/json", body)
    response.base64_encoded = is_large
    return response


@app.post("/uploads")
def announce_upload() -> Any:
    event = app.current_event.raw_event
    upload = create_upload(tenant_of(event), json_object(event), services(), random=secrets.token_hex(10))
    report("upload announced", media_type=upload.reference.media_type)
    metrics.add_metric(name="UploadsCreated", unit=MetricUnit.Count, value=1)
    return envelope(request_id_of(app), upload_answer(upload))


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_HTTP, clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    metrics.add_metric(name="Requests", unit=MetricUnit.Count, value=1)
    return app.resolve(event, context)
