"""The stream of the table `tasks`: each change of a task becomes an event on the bus."""

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from relay.adapters.dynamodb.stream import records_of
from relay.bootstrap import prepare_at_init, services
from relay.entrypoint.telemetry import logger, metrics
from relay.usecases.publish import publish

prepare_at_init("events")


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    records = records_of(event)
    failed = publish(records, services().events)
    metrics.add_metric(name="StreamRecords", unit=MetricUnit.Count, value=len(records))
    if failed is None:
        return {"batchItemFailures": []}
    logger.warning("the bus did not accept some events: the stream delivers them again", sequence_number=failed)
    return {"batchItemFailures": [{"itemIdentifier": failed}]}
