"""The authorizer of every client route: says whose key it is, or that it is nobody's."""

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from relay.bootstrap import services
from relay.entrypoint import logger, metrics


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    authorization = (event.get("headers") or {}).get("authorization", "").strip()
    scheme, _, key = authorization.partition(" ")
    tenant = services().api_keys.tenant_of(key.strip()) if scheme.lower() == "bearer" else None
    metrics.add_metric(name="KeysKnown" if tenant else "KeysUnknown", unit=MetricUnit.Count, value=1)
    # Unknown keys pass, without a tenant: only the function behind can refuse in the provider's envelope.
    refusal = "unknown" if authorization else "missing"
    return {"isAuthorized": True, "context": {"tenant": tenant} if tenant else {"refusal": refusal}}
