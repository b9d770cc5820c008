"""Lambda's recursive loop detection, as a function over a template.

Lambda counts the hops of a chain Lambda, SQS, the same Lambda by a header that the SDK passes on. After about 16 hops it does
not invoke the function: https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html. `RecursiveLoop: Allow` on the
function switches this off.
"""

from collections.abc import Iterator, Mapping
from typing import Any

MOST_HOPS = 16


def loops(resources: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(function, queue) for each function that may send to a queue which invokes it."""
    for mapping in resources.values():
        if mapping["Type"] != "AWS::Lambda::EventSourceMapping":
            continue
        function, queue = _name(mapping["Properties"]["FunctionName"]), _name(mapping["Properties"]["EventSourceArn"])
        if resources.get(queue, {}).get("Type") == "AWS::SQS::Queue" and queue in _sends_to(resources[function]):
            yield function, queue


def most_hops(function: Mapping[str, Any]) -> int | None:
    """How long a chain through the function may be; None: any length."""
    return None if function["Properties"].get("RecursiveLoop") == "Allow" else MOST_HOPS


def _sends_to(function: Mapping[str, Any]) -> set[str]:
    statements = [each for policy in function["Properties"].get("Policies", []) for each in policy["Statement"]]
    sending = [each for each in statements if "sqs:SendMessage" in _list(each["Action"])]
    return {_name(resource) for each in sending for resource in _list(each["Resource"])}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _name(reference: Any) -> str:
    """The logical id behind a `!Ref` or a `!GetAtt`; of another form, nothing."""
    if isinstance(reference, dict) and "Ref" in reference:
        return str(reference["Ref"])
    attribute = reference.get("Fn::GetAtt", [""]) if isinstance(reference, dict) else [""]
    return str(attribute[0])
