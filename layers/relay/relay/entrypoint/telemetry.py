"""Logger and metrics of every function, and the two ways to use them: `report` and `failed`."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from aws_lambda_powertools.metrics import MetricUnit

if TYPE_CHECKING:
    from collections.abc import Mapping

_KNOWN = frozenset({"function_name", "function_memory_size", "function_arn", "location"})


class _Brief(LambdaPowertoolsFormatter):
    """A line without what its log group says already: a third of its bytes, and logs are paid by the byte."""

    def serialize(self, log: Mapping[str, Any]) -> str:
        """One JSON line."""
        return super().serialize({name: value for name, value in log.items() if name not in _KNOWN})


logger = Logger(logger_formatter=_Brief())
metrics = Metrics()

for _library in ("httpx", "httpcore", "botocore", "urllib3"):
    # Lambda lowers the root logger's level, and at INFO and below these log URLs with signatures, and secrets.
    logging.getLogger(_library).setLevel(logging.WARNING)


def report(message: str, **fields: Any) -> None:
    """Say what the invocation did, once, in the line that holds its metrics: a second line takes as long as a signature, and logs
    are paid by the byte."""
    said = {"level": "INFO", "message": message, "correlation_id": logger.get_correlation_id(), **fields}
    for name, value in said.items():
        metrics.add_metadata(key=name, value=value)


def failed(error: Exception) -> None:
    """Log an error that is the relay's own, and count it for its alarm."""
    logger.error("internal error", error_type=type(error).__name__, exc_info=error)
    metrics.add_metric(name="InternalErrors", unit=MetricUnit.Count, value=1)
