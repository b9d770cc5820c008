"""A template in which queues and their pollers hold numbers instead of references to Number parameters.

CloudFormation converts such a reference; the emulator passes the string on and its queue poller stops at it.
"""

import copy
from typing import Any

type Template = dict[str, Any]

_POLLING = {"AWS::Lambda::EventSourceMapping", "AWS::SQS::Queue"}


def resolve_number_parameters(template: Template, values: dict[str, str]) -> Template:
    """A new template; a parameter without a value among `values` counts with its default."""
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
