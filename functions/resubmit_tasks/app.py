"""The queue `resubmissions`: tasks that the provider could not take, or of which nobody knows whether it did."""

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from relay.bootstrap import prepare, services
from relay.entrypoint.queue import each_message
from relay.entrypoint.telemetry import logger, metrics

prepare("tasks", "api", "resubmissions")


def resubmit_task(message: dict[str, Any], _receives: int) -> None:
    outcome = services().resubmit(message["task_id"], message["attempt"])
    logger.info("resubmitted", task_id=message["task_id"], outcome=outcome)
    metrics.add_metric(name=f"Resubmission{outcome.name.title()}", unit=MetricUnit.Count, value=1)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return each_message(event, resubmit_task)
