"""GET: one task by either id, a page of tasks, and what has no other route."""

from typing import Any

from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from relay.bootstrap import services
from relay.entrypoint import api, envelope, logger, metrics, request_id_of, tenant_of
from relay.presenter import listed, native, own, webhook_of, whole_number
from relay.usecases.query import find, numbered_page

app = api()


@app.get("/health")
def health() -> Any:
    return envelope(request_id_of(app), {"status": "ok"})


@app.get("/tasks")
def list_tasks() -> Any:
    return envelope(
        request_id_of(app),
        listed(tenant_of(app.current_event.raw_event), app.current_event.query_string_parameters, services()),
    )


@app.get("/tasks/<task_id>")
def get_task(task_id: str) -> Any:
    to = services()
    task = find(tenant_of(app.current_event.raw_event), task_id, operation=None, tasks=to.tasks)
    return envelope(request_id_of(app), {**own(task, to), "webhook": webhook_of(task, to)})


@app.get("/kling/v1/<category>/<action>")
@app.get("/v1/<category>/<action>")
def list_operation(category: str, action: str) -> Any:
    to, parameters = services(), app.current_event.query_string_parameters
    tenant = tenant_of(app.current_event.raw_event)
    number, size = whole_number(parameters, "pageNum", 1), whole_number(parameters, "pageSize", 30)
    operation = to.operation(f"{category}/{action}")
    page = numbered_page(tenant, operation, number=number, size=size, tasks=to.tasks)
    return envelope(request_id_of(app), [native(task, to) for task in page])


@app.get("/kling/v1/<category>/<action>/<reference>")
@app.get("/v1/<category>/<action>/<reference>")
def get_operation(category: str, action: str, reference: str) -> Any:
    to = services()
    tenant = tenant_of(app.current_event.raw_event)
    operation = to.operation(f"{category}/{action}")
    return envelope(request_id_of(app), native(find(tenant, reference, operation=operation, tasks=to.tasks), to))


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_HTTP, clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    metrics.add_metric(name="Queries", unit=MetricUnit.Count, value=1)
    return app.resolve(event, context)
