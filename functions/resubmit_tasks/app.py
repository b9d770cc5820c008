"""The queue `resubmissions`: tasks whose create the provider refused for now, or whose response was lost."""

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from relay.bootstrap import prepare_at_init, services
from relay.entrypoint.queue import each_message
from relay.entrypoint.telemetry import logger, metrics
from relay.usecases.resubmit import resubmit

prepare_at_init("tasks", "api", "resubmissions")


def resubmit_task(message: dict[str, Any], _receives: int) -> None:
    # Version 0.2.0 sends messages without due_at.
    newer = {"due_at": message["due_at"]} if "due_at" in message else {}
    outcome = resubmit(message["task_id"], message["attempt"], services(), **newer)
    logger.info("resubmitted", task_id=message["task_id"], outcome=outcome)
    metrics.add_metric(name=f"Resubmission{outcome.name.title()}", unit=MetricUnit.Count, value=1)


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return each_message(event, resubmit_task)
