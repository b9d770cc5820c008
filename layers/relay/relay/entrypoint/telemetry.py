"""Logger and metrics of every function, and the two ways to use them: `report` and `failed`."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter
from aws_lambda_powertools.metrics import MetricUnit

from relay.config import log_level

if TYPE_CHECKING:
    from collections.abc import Mapping

_KNOWN = frozenset({"function_name", "function_memory_size", "function_arn", "location"})
_LAMBDA_LEVELS = {"WARNING": "WARN", "CRITICAL": "FATAL"}


class _Brief(LambdaPowertoolsFormatter):
    """A line without what its log group says already: a third of its bytes, and logs are paid by the byte.

    Lambda reads the level only by its own names, and only beside a time in the format of RFC 3339:
    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
    """

    def serialize(self, log: Mapping[str, Any]) -> str:
        """One JSON line."""
        kept = {name: value for name, value in log.items() if name not in _KNOWN}
        kept["level"] = _LAMBDA_LEVELS.get(kept["level"], kept["level"])
        return super().serialize(kept)


logger = Logger(logger_formatter=_Brief(use_rfc3339=True, utc=True))
metrics = Metrics()

_logger = logging.getLogger(logger.service)
if _level := log_level():
    # Set here, since for Powertools the level of Lambda's own filter counts, and that must let metrics through.
    _logger.setLevel(_level)
    logging.getLogger().setLevel(_level)

for _library in ("httpx", "httpcore", "botocore", "urllib3"):
    # Lambda lowers the root logger's level, and at INFO and below these log URLs with signatures, and secrets.
    logging.getLogger(_library).setLevel(logging.WARNING)


def report(message: str, **fields: Any) -> None:
    """Say what the invocation did, once, in the line that holds its metrics: a second line takes as long as a signature, and logs
    are paid by the byte. Below the log level only the metrics remain."""
    if not _logger.isEnabledFor(logging.INFO):
        return
    said = {"level": "INFO", "message": message, "correlation_id": logger.get_correlation_id(), **fields}
    for name, value in said.items():
        metrics.add_metadata(key=name, value=value)


def failed(error: Exception) -> None:
    """Log an error that is the relay's own, and count it for its alarm."""
    logger.error("internal error", error_type=type(error).__name__, exc_info=error)
    metrics.add_metric(name="InternalErrors", unit=MetricUnit.Count, value=1)
