"""Every minute: poll the provider for the tasks that are due, and follow those without callbacks until the next minute."""

import time
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from relay.bootstrap import prepare, prepare_at_init, services
from relay.entrypoint.telemetry import logger, metrics
from relay.usecases.reconcile import reconcile

prepare_at_init("tasks", "api")

_RESERVE_MS = 20_000


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    prepare("tasks", "documents", "api", "resubmissions")  # before the threads start: each would create its own
    counts = reconcile(services(), lambda: context.get_remaining_time_in_millis() - _RESERVE_MS, pause=time.sleep)
    logger.info("reconciled", counts=counts)
    metrics.add_metric(name="TasksReconciled", unit=MetricUnit.Count, value=sum(counts.values()))
    return counts
