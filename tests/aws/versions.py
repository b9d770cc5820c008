"""When CloudFormation publishes a new version of a function that has an alias, and what an invocation reaches.

Sources: https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-function.html
(`AutoPublishAliasAllProperties`): SAM derives the version's logical id from the function's properties as they are written, so
neither the value of a parameter nor a new layer changes it. A new logical id is a new version, and so is a new `Description`:
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-version.html ("Replacement").
A version never changes: https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html.
"""

from collections.abc import Iterator, Mapping
from typing import Any

UNVERSIONED = {
    "AutoPublishAlias", "AutoPublishAliasAllProperties", "CodeUri", "DeploymentPreference", "Description", "EventInvokeConfig",
    "Events", "Policies", "RecursiveLoop", "VersionDescription",
}  # fmt: skip
"""Properties of a SAM function that are no part of a version, or whose change SAM itself sees."""


def references(value: Any, template: Mapping[str, Any]) -> Iterator[str]:
    """The parameters and resources that a value depends on, those of its conditions included."""
    match value:
        case {"Ref": name}:
            yield name
        case {"Fn::GetAtt": [name, _]}:
            yield name
        case {"Fn::Sub": str(text)}:
            yield from substituted(text)
        case {"Fn::If": [condition, *branches]}:
            yield from references(template["Conditions"][condition], template)
            yield from references(branches, template)
        case dict():
            yield from references(list(value.values()), template)
        case list():
            for each in value:
                yield from references(each, template)


def substituted(text: str) -> list[str]:
    """The names in the text of a Fn::Sub."""
    return [part.partition("}")[0] for part in text.split("${")[1:]]


def taken_from_elsewhere(function: Mapping[str, Any], template: Mapping[str, Any]) -> set[str]:
    """What is frozen in a version of the function although it is defined outside of it."""
    frozen = {name: value for name, value in function.items() if name not in UNVERSIONED}
    return {name for name in references(frozen, template) if not name.startswith("AWS::")}


def unaliased(resources: Mapping[str, Any], alias: str = "live") -> list[str]:
    """The resources of a translated template that invoke a function, or allow to, and do not name its alias."""
    functions = {name for name, each in resources.items() if each["Type"] == "AWS::Lambda::Function"}
    aliases = {name for name, each in resources.items() if each["Type"] == "AWS::Lambda::Alias"}
    assert {f"{name}Alias{alias}" for name in functions} == aliases
    invoking = {
        "AWS::Lambda::EventSourceMapping": "FunctionName",
        "AWS::Lambda::Permission": "FunctionName",
        "AWS::Events::Rule": "Targets",
        "AWS::ApiGatewayV2::Api": "Body",
    }
    return sorted(
        name
        for name, each in resources.items()
        if each["Type"] in invoking and functions & set(references(each["Properties"][invoking[each["Type"]]], {}))
    )
