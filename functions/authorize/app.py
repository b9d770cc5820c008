"""The authorizer of every client route: finds the tenant of a request, or the reason why there is none."""

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from relay.bootstrap import prepare_at_init, services
from relay.domain.errors import AuthenticationError, RelayError
from relay.entrypoint.http import INTERNAL, header_of, without_base_path
from relay.entrypoint.telemetry import failed, logger, metrics
from relay.providers.registry import routed, schemes_for
from relay.usecases.authenticate import authenticate

prepare_at_init("api_keys")


# No request is refused here: API Gateway would answer 403 in its own format, and only the next function knows the provider's.
@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    path = without_base_path(event)["rawPath"]
    asked = _asked_for(event, path)
    return {"isAuthorized": True, "context": {**asked, **_caller(header_of(event, "authorization"), schemes_for(path))}}


def _asked_for(event: dict[str, Any], path: str) -> dict[str, str]:
    """Provider and operation, for the access log."""
    method = event["requestContext"]["http"]["method"]
    try:
        provider, route = routed(method, path, event.get("queryStringParameters") or {})
    except RelayError:  # the next function says what is wrong
        return {}
    except Exception as error:  # noqa: BLE001 - whatever it is, a log line is not worth a request
        failed(error)
        return {}
    return {"provider": provider.name, "operation": route.name}


def _caller(authorization: str, schemes: tuple[str, ...]) -> dict[str, str]:
    try:
        key = authenticate(authorization, services(), schemes=schemes)
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
        return caller if key.account else caller | {"account": "false"}
    metrics.flush_metrics()
    return nobody
