"""The filter that template.yaml puts between the table's stream and publish_events, applied as Lambda does."""

import json
from collections.abc import Mapping
from typing import Any

from tests.support.cloudformation import load_template

_MAPPING = load_template()["Resources"]["PublishEventsFromStream"]["Properties"]
_PATTERNS = [json.loads(each["Pattern"]) for each in _MAPPING["FilterCriteria"]["Filters"]]


def lets_through(record: Mapping[str, Any]) -> bool:
    """Whether publish_events is told of the stream's record: it is if one pattern fits."""
    return any(_fits(pattern, record) for pattern in _PATTERNS)


def _fits(pattern: Any, value: Any) -> bool:
    """A mapping fits with all its fields; of a list of conditions one is enough."""
    if isinstance(pattern, dict):
        return all(_fits(each, value.get(name) if isinstance(value, Mapping) else None) for name, each in pattern.items())
    return any(_holds(condition, value) for condition in pattern)


def _holds(condition: Any, value: Any) -> bool:
    if not isinstance(condition, dict):
        return bool(value == condition)
    ((operator, operand),) = condition.items()
    if operator == "exists":
        return (value is not None) is operand
    assert operator == "anything-but", "say here what the operator does"
    return value not in operand  # of a field that is missing too: a pattern has to ask for it
