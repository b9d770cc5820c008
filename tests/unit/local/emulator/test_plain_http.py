"""Bucket policies that demand TLS are removed for the emulator."""

from typing import Any

from local.emulator.patches.plain_http import allow_plain_http

TLS_ONLY = {"Effect": "Deny", "Action": "s3:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
OTHER = {"Effect": "Deny", "Action": "s3:DeleteObject"}


def template(*statements: dict[str, Any]) -> dict[str, Any]:
    policy = {"Type": "AWS::S3::BucketPolicy", "Properties": {"PolicyDocument": {"Statement": list(statements)}}}
    queue = {"Type": "AWS::SQS::QueuePolicy", "Properties": {"PolicyDocument": {"Statement": [TLS_ONLY]}}}
    return {"Resources": {"Policy": policy, "Queue": queue}}


def test_a_policy_that_only_demands_tls_goes() -> None:
    assert set(allow_plain_http(template(TLS_ONLY))["Resources"]) == {"Queue"}


def test_every_other_statement_stays() -> None:
    assert allow_plain_http(template(OTHER, TLS_ONLY))["Resources"]["Policy"] == template(OTHER)["Resources"]["Policy"]


def test_the_given_template_is_not_touched() -> None:
    given = template(TLS_ONLY)
    allow_plain_http(given)
    assert given == template(TLS_ONLY)
