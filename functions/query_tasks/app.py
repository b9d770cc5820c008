"""GET: one task by either id, a page of tasks, and every path without another route."""

from typing import Any

from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from relay.bootstrap import prepare_at_init, services
from relay.entrypoint.forwarding import forwarded
from relay.entrypoint.http import api, base_url_of, envelope, request_id_of, request_of, response_of, tenant_of
from relay.entrypoint.presenter import listed, native_page, own, webhook_of
from relay.entrypoint.telemetry import logger, metrics
from relay.providers.base import Action
from relay.usecases.query import find
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
    task = find(tenant_of(app.current_event.raw_event), task_id, tasks=relay.tasks)
    return envelope(request_id_of(app), {**own(task, relay), "webhook": webhook_of(task, relay)})


@app.get("/.+")
def query_provider() -> Any:
    relay = services()
    tenant, provider, route = request_of(app)
    base_url, request_id = base_url_of(app, relay.settings), request_id_of(app)
    if route.synchronous:
        return forwarded(app, provider, route.synchronous, relay)
    if route.action is Action.LIST:
        return response_of(native_page(tenant, provider, route, relay, base_url, request_id))
    task = find(tenant, route.reference, provider=provider.name, operation=route.name or None, tasks=relay.tasks)
    return response_of(provider.queried_reply(native(task, relay, base_url), request_id))


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_HTTP, clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    metrics.add_metric(name="Queries", unit=MetricUnit.Count, value=1)
    return app.resolve(event, context)
