"""The queue `archives`: copy the files of succeeded tasks from the provider into the bucket."""

import json
from functools import partial
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from relay.bootstrap import prepare_at_init, services
from relay.entrypoint.queue import each_message
from relay.entrypoint.telemetry import logger, metrics
from relay.usecases.archive import ArchivingError, archive

prepare_at_init("tasks", "results", "source")

_FIRST_DELAY = 5


def archive_results(context: LambdaContext, message: dict[str, Any], receives: int) -> None:
    relay, task_id = services(), message["detail"]["task_id"]
    last_attempt = receives >= relay.settings.archive_attempts
    try:
        task = archive(
            task_id,
            relay,
            last_attempt=last_attempt,
            seconds_left=lambda: context.get_remaining_time_in_millis() / 1000,
        )
    except ArchivingError as error:
        if not last_attempt:
            raise
        # The task is marked. Left to SQS, a message could become a dead letter after deliveries that were throttled.
        relay.bury_archiving(json.dumps(message))
        logger.error("gave up archiving", task_id=task_id, receives=receives, reason=str(error), exc_info=error)
        metrics.add_metric(name="MessagesFailed", unit=MetricUnit.Count, value=1)
        return
    logger.info("archived", task_id=task_id, files=len(task.results) if task else 0)
    metrics.add_metric(name="FilesArchived", unit=MetricUnit.Count, value=len(task.results) if task else 0)


def try_later(receipt: str, receives: int) -> None:
    services().delay_archiving(receipt, _FIRST_DELAY * 2 ** min(receives, 8))


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return each_message(event, partial(archive_results, context), put_off=try_later)
