"""POST /callbacks/{task_id}/{token}: the provider reports on a task."""

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from relay.bootstrap import prepare_at_init, services
from relay.domain.errors import CallbackNotAuthenticError
from relay.entrypoint.http import INTERNAL, answer, body_of, envelope
from relay.entrypoint.telemetry import failed, logger, metrics, report
from relay.providers.reply import Reply
from relay.usecases.receive import receive

prepare_at_init("tasks", "tokens")


# A plain function: a resolver would add a third to the warm time of the function that is called most.
@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    path = event.get("pathParameters") or {}
    request_id = event["requestContext"]["requestId"]
    task_id, token = path.get("task_id", ""), path.get("token", "")
    logger.set_correlation_id(request_id)
    try:
        headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        outcome = receive(task_id, token, body_of(event), headers, services())
    except CallbackNotAuthenticError:
        metrics.add_metric(name="CallbackForged", unit=MetricUnit.Count, value=1)
        return answer(404, envelope(request_id, code=1203, message="not found"))
    except Exception as error:  # noqa: BLE001 - whatever it is, the provider may send it again, and the reconciler polls
        failed(error)
        return answer(500, envelope(request_id, code=INTERNAL, message="the relay failed: send the callback again"))
    if isinstance(outcome, Reply):
        report("challenge", task_id=task_id)
        metrics.add_metric(name="CallbackChallenge", unit=MetricUnit.Count, value=1)
        return answer(outcome.status, outcome.body)
    report("callback", task_id=task_id, outcome=outcome)
    metrics.add_metric(name=f"Callback{outcome.name.title()}", unit=MetricUnit.Count, value=1)
    return answer(200, envelope(request_id, {"status": outcome.value}))
