"""How CloudWatch evaluates an alarm on one metric.

Sources: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html ("M out of N": M data points that
breach within the last N periods, which need not be consecutive) and
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html (what a missing data point counts
as). AWS says that an alarm may look at more periods than N while data is missing; with `notBreaching` that changes nothing.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


def states(alarm: Mapping[str, Any], points: Sequence[float | None]) -> list[str]:
    """The alarm's state after each period: OK, ALARM or INSUFFICIENT_DATA. A period without data is None."""
    found: list[str] = []
    periods = int(alarm["EvaluationPeriods"])
    for end in range(1, len(points) + 1):
        before = found[-1] if found else "INSUFFICIENT_DATA"
        found.append(_state(alarm, points[max(0, end - periods) : end], before))
    return found


def fires(alarm: Mapping[str, Any], points: Sequence[float | None]) -> bool:
    """Whether the alarm is in ALARM after any of the periods."""
    return "ALARM" in states(alarm, points)


def _state(alarm: Mapping[str, Any], window: Sequence[float | None], before: str) -> str:
    treatment = alarm.get("TreatMissingData", "missing")
    if all(value is None for value in window):
        if treatment == "missing":
            return "INSUFFICIENT_DATA"
        if treatment == "ignore":
            return before
    breaches = OPERATORS[alarm["ComparisonOperator"]]
    breaching = sum(treatment == "breaching" if value is None else breaches(value, float(alarm["Threshold"])) for value in window)
    return "ALARM" if breaching >= int(alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"])) else "OK"
