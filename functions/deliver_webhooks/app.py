"""The queues `webhooks` and `webhook_retries`: the clients' own callback_urls are told how their tasks stand."""

from collections import Counter
from functools import partial
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from relay.bootstrap import prepare, services
from relay.domain.webhook import Delivery
from relay.entrypoint.queue import each_message
from relay.entrypoint.telemetry import logger, metrics

_BATCH = 10
prepare("tasks", "webhook_sender", "webhook_queue")


def deliver_webhook(outcomes: list[str], message: dict[str, Any], _receives: int) -> None:
    delivery = Delivery.of(message)
    outcome = services().deliver(delivery)
    logger.info("webhook", event_id=delivery.event_id, attempt=delivery.attempt, outcome=outcome)
    outcomes.append(outcome.name.title())


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    services().prepare_delivering()
    outcomes: list[str] = []
    # In threads, so that a client that does not answer holds up none of the others in its batch.
    answer = each_message(event, partial(deliver_webhook, outcomes), at_once=_BATCH)
    for name, count in Counter(outcomes).items():
        metrics.add_metric(name=f"Webhook{name}", unit=MetricUnit.Count, value=count)
    return answer
