"""The authorizer of every client route: finds the tenant of a request, or the reason why there is none."""

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from relay.bootstrap import prepare_at_init, services
from relay.domain.errors import AuthenticationError
from relay.entrypoint.http import INTERNAL, header_of
from relay.entrypoint.telemetry import failed, logger, metrics
from relay.usecases.authenticate import authenticate

prepare_at_init("api_keys")


# No request is refused here: API Gateway would answer 403 in its own format, and only the next function knows the envelope.
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return {"isAuthorized": True, "context": _caller(header_of(event, "authorization"))}


def _caller(authorization: str) -> dict[str, str]:
    try:
        key = authenticate(authorization, services())
    except AuthenticationError as refusal:
        metrics.add_metric(name="KeysRefused", unit=MetricUnit.Count, value=1)
        nobody = {"code": str(refusal.code), "message": refusal.message}
    except Exception as error:  # noqa: BLE001 - whatever it is, the next function answers 500 in the envelope
        failed(error)
        nobody = {"code": str(INTERNAL), "message": "the authorizer failed"}
    else:
        limit = services().settings.submits_per_minute if key.submits_per_minute is None else key.submits_per_minute
        # No log line: this runs for every request of every client.
        caller = {"tenant": key.tenant, "key": key.id} | ({"submits_per_minute": str(limit)} if limit else {})
        return caller if getattr(key, "account", True) else caller | {"account": "false"}  # the last release's keys have no scope
    metrics.flush_metrics()
    return nobody
