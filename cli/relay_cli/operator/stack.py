"""Stack: the outputs of a deployed stack, and its functions by their logical ids."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class Stack:
    """One CloudFormation stack. `client` returns the client of an AWS service."""

    def __init__(self, name: str, client: Any) -> None:
        self.name = name
        self._client = client

    def outputs(self) -> dict[str, str]:
        """Return the outputs of the stack's template by name."""
        (stack,) = self._client("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def invoke(self, logical_id: str, payload: Mapping[str, Any]) -> Any:
        """Invoke a function and return its response. Raises RuntimeError if the function failed."""
        described = self._client("cloudformation").describe_stack_resource(StackName=self.name, LogicalResourceId=logical_id)
        name = described["StackResourceDetail"]["PhysicalResourceId"]
        answer = self._client("lambda").invoke(FunctionName=name, Payload=json.dumps(payload).encode())
        if answer.get("FunctionError"):
            raise RuntimeError(f"{logical_id} failed")
        return json.loads(answer["Payload"].read())
