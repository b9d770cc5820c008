"""The queues `webhooks` and `webhook_retries`: POST task states to the clients' own callback_url."""

from collections import Counter
from functools import partial
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from relay.bootstrap import prepare, prepare_at_init, services
from relay.domain.webhook import Delivery
from relay.entrypoint.queue import each_message
from relay.entrypoint.telemetry import logger, metrics
from relay.usecases.deliver import deliver

_BATCH = 10
_MOST_FAILURES = 8
"""The delivery of a message from which a failure is the last one. Left to SQS, throttled deliveries would count alone."""
_NEEDED = ("tasks", "webhook_sender", "webhook_queue")
prepare_at_init(*_NEEDED)


def deliver_webhook(outcomes: list[str], message: dict[str, Any], receives: int) -> None:
    delivery = Delivery.of(message)
    try:
        outcome = deliver(delivery, services())
    except Exception as error:
        if receives < _MOST_FAILURES:
            raise
        services().webhook_queue.bury(delivery)
        logger.error("gave up a webhook", event_id=delivery.event_id, receives=receives, exc_info=error)
        outcomes.append("Buried")
        return
    logger.info("webhook", event_id=delivery.event_id, attempt=delivery.attempt, outcome=outcome)
    outcomes.append(outcome.name.title())


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    prepare(*_NEEDED)  # before the threads start: each would create its own
    outcomes: list[str] = []
    # In threads, so that an endpoint that does not answer delays no other message of its batch.
    answer = each_message(event, partial(deliver_webhook, outcomes), at_once=_BATCH)
    for name, count in Counter(outcomes).items():
        metrics.add_metric(name=f"Webhook{name}", unit=MetricUnit.Count, value=count)
    return answer
