"""LoggedNotices: why tasks wait, as a line in the function's log and a metric for each meaning."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from relay.domain.errors import Meaning

if TYPE_CHECKING:
    from relay.domain.task import Reason

_ALARMING = frozenset({Meaning.OPERATOR, Meaning.NO_CHANNEL, Meaning.RELAY})


class LoggedNotices:
    """Notices. Both objects share the state of those in entrypoint/telemetry.py."""

    def __init__(self) -> None:
        self._logger = Logger()
        self._metrics = Metrics()
        self._lock = Lock()  # the reconciler's threads share the metrics

    def waits(self, task_id: str, reason: Reason) -> None:
        """A warning if somebody must act, else information."""
        log = self._logger.warning if reason.meaning in _ALARMING else self._logger.info
        log(
            "the task waits",
            task_id=task_id,
            meaning=reason.meaning.value,
            reason=reason.message,
            provider_code=reason.provider_code,
            http_status=reason.http_status,
        )
        name = "Waits" + reason.meaning.value.title().replace("_", "")
        with self._lock:
            self._metrics.add_metric(name=name, unit=MetricUnit.Count, value=1)

    def paid_twice(self, task_id: str, first: str, second: str) -> None:
        """An error, and a metric with an alarm."""
        self._logger.error("the provider has two tasks for one of ours", task_id=task_id, first=first, second=second)
        with self._lock:
            self._metrics.add_metric(name="TasksPaidTwice", unit=MetricUnit.Count, value=1)
