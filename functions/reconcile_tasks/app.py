"""Every minute: ask the provider about the tasks that are due."""

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from relay.bootstrap import prepare, services
from relay.entrypoint.telemetry import logger, metrics

prepare("tasks", "api")

_RESERVE_MS = 20_000


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    counts = services().reconcile(lambda: context.get_remaining_time_in_millis() - _RESERVE_MS)
    logger.info("reconciled", counts=counts)
    metrics.add_metric(name="TasksReconciled", unit=MetricUnit.Count, value=sum(counts.values()))
    return counts
