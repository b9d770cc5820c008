"""DELETE: cancel a task, by the relay's own path or by its provider's."""

from typing import Any

from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from relay.bootstrap import prepare_at_init, services
from relay.entrypoint.forwarding import cancelled
from relay.entrypoint.http import api, envelope, request_id_of, request_of, tenant_of
from relay.entrypoint.presenter import own
from relay.entrypoint.telemetry import logger, metrics, report
from relay.usecases.cancel import cancel

prepare_at_init("tasks", "results")

app = api()


@app.delete("/tasks/.+")
def cancel_task() -> Any:
    relay, task_id = services(), app.current_event.path.removeprefix("/tasks/")
    task = cancel(tenant_of(app.current_event.raw_event), task_id, relay)
    report("cancel", task_id=task.task_id, status=task.status, cancelled=task.is_cancelled)
    return envelope(request_id_of(app), own(task, relay))


@app.delete("/.+")
def cancel_at_provider() -> Any:
    tenant, provider, route = request_of(app)
    return cancelled(app, tenant, provider, route.reference, services())


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_HTTP, clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    metrics.add_metric(name="Cancellations", unit=MetricUnit.Count, value=1)
    return app.resolve(event, context)
