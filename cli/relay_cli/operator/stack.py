"""A deployed stack, for what its operator runs: its outputs by name, its functions by their logical ids."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class Stack:
    """One CloudFormation stack; `client` makes the client of a service."""

    def __init__(self, name: str, client: Any) -> None:
        self.name = name
        self._client = client

    def outputs(self) -> dict[str, str]:
        """The template's outputs."""
        (stack,) = self._client("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def invoke(self, logical_id: str, payload: Mapping[str, Any]) -> Any:
        """A function's answer; raises RuntimeError when the function failed."""
        found = self._client("cloudformation").describe_stack_resource(StackName=self.name, LogicalResourceId=logical_id)
        name = found["StackResourceDetail"]["PhysicalResourceId"]
        answer = self._client("lambda").invoke(FunctionName=name, Payload=json.dumps(payload).encode())
        if answer.get("FunctionError"):
            raise RuntimeError(f"{logical_id} failed: see its log")
        return json.loads(answer["Payload"].read())
