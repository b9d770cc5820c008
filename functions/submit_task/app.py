"""POST /kling/v1/{operation}: a client creates a task. POST /uploads: it brings the files for one."""

from typing import Any

from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from relay.bootstrap import services
from relay.entrypoint import api, envelope, json_object, logger, metrics, request_id_of, tenant_of
from relay.presenter import submitted_answer, upload_answer
from relay.usecases.submit import Submission

app = api()


@app.post("/kling/v1/<category>/<action>")
@app.post("/v1/<category>/<action>")
def submit_task(category: str, action: str) -> Any:
    event = app.current_event
    to = services()
    submission = Submission(
        tenant=tenant_of(event.raw_event),
        operation=f"{category}/{action}",
        body=json_object(event.raw_event),
        idempotency_key=event.headers.get("idempotency-key"),
        public_url=to.settings.public_url or f"https://{event.request_context.domain_name}",
    )
    submitted = to.submit(submission)
    logger.info("submitted", task_id=submitted.task.task_id, status=submitted.task.status, warnings=submitted.warnings)
    metrics.add_metric(name="TasksRepeated" if submitted.repeated else "TasksSubmitted", unit=MetricUnit.Count, value=1)
    return submitted_answer(submitted, to, request_id_of(app))


@app.post("/uploads")
def create_upload() -> Any:
    event = app.current_event.raw_event
    upload = services().create_upload(tenant_of(event), json_object(event))
    logger.info("upload announced", media_type=upload.reference.media_type)
    metrics.add_metric(name="UploadsCreated", unit=MetricUnit.Count, value=1)
    return envelope(request_id_of(app), upload_answer(upload))


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_HTTP, clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    metrics.add_metric(name="Requests", unit=MetricUnit.Count, value=1)
    return app.resolve(event, context)
