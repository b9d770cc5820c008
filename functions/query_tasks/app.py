"""GET: one task by either id, a page of tasks, and every path without another route."""

from typing import Any

from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from relay.bootstrap import prepare_at_init, services
from relay.entrypoint.http import api, envelope, operation_path, request_id_of, tenant_of
from relay.entrypoint.presenter import listed, native_page, own, webhook_of
from relay.entrypoint.telemetry import logger, metrics
from relay.usecases.query import find, located
from relay.usecases.view import native

prepare_at_init("tasks", "results")

app = api()


@app.head("/health")
@app.get("/health")
def health() -> Any:
    return envelope(request_id_of(app), {"status": "ok"})


@app.get("/tasks")
def list_tasks() -> Any:
    return envelope(
        request_id_of(app),
        listed(tenant_of(app.current_event.raw_event), app.current_event.query_string_parameters, services()),
    )


@app.get("/tasks/.+")
def get_task() -> Any:
    relay, task_id = services(), app.current_event.path.removeprefix("/tasks/")
    task = find(tenant_of(app.current_event.raw_event), task_id, operation=None, tasks=relay.tasks)
    return envelope(request_id_of(app), {**own(task, relay), "webhook": webhook_of(task, relay)})


@app.get("/kling/v1/.+")
@app.get("/v1/.+")
def query_operation() -> Any:
    relay, parameters = services(), app.current_event.query_string_parameters
    tenant = tenant_of(app.current_event.raw_event)
    listing = bool({"pageNum", "pageSize"} & set(parameters))
    operation, reference = located(operation_path(app), relay.provider, listing=listing)
    if reference is None:
        return envelope(request_id_of(app), native_page(tenant, operation, parameters, relay))
    return envelope(request_id_of(app), native(find(tenant, reference, operation=operation, tasks=relay.tasks), relay))


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_HTTP, clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    metrics.add_metric(name="Queries", unit=MetricUnit.Count, value=1)
    return app.resolve(event, context)
