"""Lambda's recursive loop detection, and the functions of a template that it concerns.

Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html: "If your function is invoked approximately 16
times in the same chain of requests, then Lambda automatically stops the next function invocation in that chain." The chain is
kept in the trace header, which the SDK sends with a message to SQS. EventBridge and DynamoDB streams do not continue it.
"""

from collections.abc import Mapping
from typing import Any

MOST_INVOCATIONS = 16

type Chain = Mapping[str, int]
"""How often each function was invoked in a chain of requests."""


def invoked(chain: Chain, function: str) -> Chain:
    """The chain with one more invocation of a function: what the messages that it sends now carry."""
    return {**chain, function: chain.get(function, 0) + 1}


def is_stopped(chain: Chain, function: str, *, allowed: frozenset[str]) -> bool:
    """Whether Lambda drops the next invocation; `allowed`: the functions with `RecursiveLoop: Allow`."""
    return chain.get(function, 0) >= MOST_INVOCATIONS and function not in allowed


def allowed_by(template: Mapping[str, Any]) -> frozenset[str]:
    """The functions of a SAM template with `RecursiveLoop: Allow`."""
    return frozenset(name for name, function in _functions(template).items() if function.get("RecursiveLoop") == "Allow")


def recursive(template: Mapping[str, Any]) -> frozenset[str]:
    """The functions of a SAM template that can invoke themselves through queues, directly or through other functions."""
    follows = {name: _invoked_by(name, template) for name in _functions(template)}
    return frozenset(name for name in follows if name in _reachable(name, follows))


def _reachable(start: str, follows: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    ahead = set(follows[start])
    while ahead:
        name = ahead.pop()
        found.add(name)
        ahead |= follows[name] - found
    return found


def _invoked_by(name: str, template: Mapping[str, Any]) -> set[str]:
    """The functions that consume a queue to which the function may send."""
    queues = {
        str(resource)
        for policy in _functions(template)[name]["Policies"]
        for statement in policy["Statement"]
        if statement["Effect"] == "Allow" and "sqs:SendMessage" in _list(statement["Action"])
        for resource in _list(statement["Resource"])
    }
    return {
        _logical_id(mapping["Properties"]["FunctionName"])
        for mapping in template["Resources"].values()
        if mapping["Type"] == "AWS::Lambda::EventSourceMapping" and str(mapping["Properties"]["EventSourceArn"]) in queues
    }


def _logical_id(reference: Mapping[str, str]) -> str:
    """Of `!Ref Function` or `!Ref Function.Alias`."""
    return reference["Ref"].partition(".")[0]


def _functions(template: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: each["Properties"] for name, each in template["Resources"].items() if each["Type"] == "AWS::Serverless::Function"
    }


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
