"""Deployment: one stack as CloudFormation describes it, and the clients to look further."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """`resources`: type and physical id by logical id. `parameters` and `outputs` by name."""

    name: str
    status: str
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]
    resources: Mapping[str, tuple[str, str]]
    client: Callable[[str], Any]

    @classmethod
    def described(cls, name: str, client: Callable[[str], Any]) -> Self:
        """Ask CloudFormation."""
        cloudformation = client("cloudformation")
        (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
        pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
        resources = [each for page in pages for each in page["StackResourceSummaries"]]
        return cls(
            name=name,
            status=stack["StackStatus"],
            parameters={each["ParameterKey"]: each["ParameterValue"] for each in stack.get("Parameters", ())},
            outputs={each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", ())},
            resources={
                each["LogicalResourceId"]: (each["ResourceType"], each.get("PhysicalResourceId", "")) for each in resources
            },
            client=client,
        )

    def of_type(self, kind: str) -> dict[str, str]:
        """Physical ids by logical ids of the resources of one type, `AWS::` left out."""
        return {name: physical for name, (each, physical) in self.resources.items() if each == f"AWS::{kind}"}

    @property
    def callback_base(self) -> str:
        """Below which the provider calls back."""
        return (self.parameters.get("PublicUrl") or self.outputs["ApiUrl"]).rstrip("/")
