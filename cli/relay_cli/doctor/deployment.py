"""Deployment: a stack as CloudFormation describes it, and a factory of AWS clients for further checks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """One stack. `resources` maps logical ids to types and physical ids; `client` returns the client of an AWS service."""

    name: str
    status: str
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]
    resources: Mapping[str, tuple[str, str]]
    client: Callable[[str], Any]

    @classmethod
    def describe(cls, name: str, client: Callable[[str], Any]) -> Self:
        """Read the stack from CloudFormation. Raises botocore's ClientError if it does not exist."""
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
        """Return physical ids by logical id for one type of resource, such as `DynamoDB::Table` (without `AWS::`)."""
        return {name: physical for name, (each, physical) in self.resources.items() if each == f"AWS::{kind}"}

    @property
    def callback_base(self) -> str:
        """The base URL of callbacks, without a trailing slash: PublicUrl if it is set, or else ApiUrl."""
        return (self.parameters.get("PublicUrl") or self.outputs["ApiUrl"]).rstrip("/")
