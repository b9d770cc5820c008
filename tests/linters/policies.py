"""The IAM and resource policies of a stack, with ARNs in place of references, as a linter of policies reads them."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_ACCOUNT = "us-east-1:123456789012"
_ARNS = {
    ("AWS::DynamoDB::Table", "Arn"): f"arn:aws:dynamodb:{_ACCOUNT}:table/NAME",
    ("AWS::DynamoDB::Table", "StreamArn"): f"arn:aws:dynamodb:{_ACCOUNT}:table/NAME/stream/LABEL",
    ("AWS::Events::EventBus", "Arn"): f"arn:aws:events:{_ACCOUNT}:event-bus/NAME",
    ("AWS::Events::Rule", "Arn"): f"arn:aws:events:{_ACCOUNT}:rule/bus/NAME",
    ("AWS::S3::Bucket", "Arn"): "arn:aws:s3:::name",
    ("AWS::SecretsManager::Secret", "Id"): f"arn:aws:secretsmanager:{_ACCOUNT}:secret:NAME-AbCdEf",
    ("AWS::SQS::Queue", "Arn"): f"arn:aws:sqs:{_ACCOUNT}:NAME",
}
"""What a resource's attribute looks like on AWS."""
_PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::AccountId": "123456789012",
    "AWS::StackName": "comet-relay",
}


def policies(resources: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The policies of a translated template, by `resource.number`. Trust policies are not among them."""
    found = {
        name: [_resolved(policy, resources) for policy in _documents(each.get("Properties", {}))]
        for name, each in resources.items()
    }
    return {f"{name}.{number}": policy for name, each in found.items() for number, policy in enumerate(each)}


def _documents(value: Any) -> Iterator[dict[str, Any]]:
    match value:
        case {"PolicyDocument": document}:
            yield document
        case dict():
            yield from _documents(list(value.values()))
        case list():
            for each in value:
                yield from _documents(each)


def _resolved(value: Any, resources: Mapping[str, Any]) -> Any:
    match value:
        case {"Ref": name}:
            return _PSEUDO.get(name, name)
        case {"Fn::GetAtt": [name, attribute]}:
            return _ARNS[resources[name]["Type"], attribute].replace("NAME", name)
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{([^}]+)}", lambda named: _substituted(named[1], resources), text)
        case dict():
            return {key: _resolved(each, resources) for key, each in value.items()}
        case list():
            return [_resolved(each, resources) for each in value]
    return value


def _substituted(name: str, resources: Mapping[str, Any]) -> str:
    reference = {"Fn::GetAtt": name.split(".", 1)} if "." in name else {"Ref": name}
    return str(_resolved(reference, resources))
