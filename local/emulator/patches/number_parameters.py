"""Replaces references to Number parameters in queues and event source mappings by numbers.

CloudFormation converts such a reference to a number. The emulator keeps the string, and its queue poller fails on it.
"""

import copy
from typing import Any

type Template = dict[str, Any]

_POLLING = {"AWS::Lambda::EventSourceMapping", "AWS::SQS::Queue"}


def resolve_number_parameters(template: Template, values: dict[str, str]) -> Template:
    """A copy of the template with the references replaced. A parameter that is not in `values` has its default."""
    numbers = {
        name: int(values.get(name, parameter.get("Default", "0")))
        for name, parameter in template.get("Parameters", {}).items()
        if parameter["Type"] == "Number"
    }
    resolved = copy.deepcopy(template)
    for resource in resolved["Resources"].values():
        if resource["Type"] in _POLLING:
            resource["Properties"] = _resolved(resource["Properties"], numbers)
    return resolved


def _resolved(value: Any, numbers: dict[str, int]) -> Any:
    if isinstance(value, dict):
        if set(value) == {"Ref"} and value["Ref"] in numbers:
            return numbers[value["Ref"]]
        return {key: _resolved(item, numbers) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolved(item, numbers) for item in value]
    return value
