"""Removes the bucket policies that demand TLS. The emulator uses plain HTTP, on loopback."""

import copy
from typing import Any

type Template = dict[str, Any]


def allow_plain_http(template: Template) -> Template:
    """A copy of the template without these statements. All other statements and policies stay."""
    allowed = copy.deepcopy(template)
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::S3::BucketPolicy":
            document = allowed["Resources"][name]["Properties"]["PolicyDocument"]
            document["Statement"] = [each for each in document["Statement"] if not _demands_tls(each)]
            if not document["Statement"]:
                del allowed["Resources"][name]
    return allowed


def _demands_tls(statement: dict[str, Any]) -> bool:
    return bool(statement["Effect"] == "Deny" and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}})
