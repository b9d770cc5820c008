"""cfn-lint, parliament and checkov find nothing in the templates, apart from the exceptions here. Each has its reason.

They run in environments of their own, which `make validate` makes. An exception that is not used any more fails.
"""

import json
import os
import subprocess
from functools import cache
from typing import Any

from tests.linters.policies import policies
from tests.support.cloudformation import ROOT, VENVS, load_template, translated

TEMPLATES = [str(ROOT / "template.yaml"), str(ROOT / "examples" / "consumer" / "template.yaml")]
POLICIES = {
    # Without a table's ARN the action would list the streams of every table. SAM's own DynamoDBStreamReadPolicy does the same:
    # https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-policy-template-list.html
    ("PublishEventsRole.0", "RESOURCE_MISMATCH", "dynamodb:ListStreams"),
    ("ReconcileTasksRole.0", "NO_VERSION", ""),  # SAM writes this policy, for the destination of failed invocations
}
CHECKOV = {
    "CKV_AWS_18": "Access logs of the bucket would name every result file, and nobody reads them.",
    "CKV_AWS_21": "A key is written again only with the same content, and older versions would outlive their task.",
    "CKV_AWS_27": "The queues are encrypted by SqsManagedSseEnabled, which this check does not know.",
    "CKV_AWS_115": "Event source mappings bound the functions; reserved concurrency would be taken from the account.",
    "CKV_AWS_116": "Queues, streams and the schedule have dead-letter queues of their own. API Gateway invokes synchronously.",
    "CKV_AWS_117": "A VPC has nothing that the functions need, and its NAT gateways would be most of the costs.",
    "CKV_AWS_119": "The tables are encrypted with the key that DynamoDB owns. A key of one's own costs per request.",
    "CKV_AWS_149": "The secrets are encrypted with the key aws/secretsmanager.",
    "CKV_AWS_158": "The log groups are encrypted with a key of CloudWatch Logs. They contain no secrets.",
    "CKV_AWS_173": "Environment variables are encrypted with the key aws/lambda. They name secrets and contain none.",
}


def ran(environment: str, *command: str, text: str | None = None) -> Any:
    """The JSON that a linter prints. Its exit code says only whether it found something."""
    done = subprocess.run(  # noqa: S603 - a linter of ours
        [str(VENVS / environment / "bin" / command[0]), *command[1:]],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": str(ROOT / ".local"), "PYTHONWARNINGS": "ignore"},
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


@cache
def regional() -> dict[str, list[dict[str, Any]]]:
    """What cfn-lint finds in each template, in all regions that it knows: commercial, GovCloud, China and isolated ones."""
    found = ran("sam", "cfn-lint", *TEMPLATES, "--regions", "ALL_REGIONS", "--format", "json")
    return {path: [each for each in found if each["Filename"] == path] for path in TEMPLATES}


def test_cloudformation_knows_everything_in_every_region_except_schemas() -> None:
    unknown = [each for found in regional().values() for each in found if "'AWS::EventSchemas::" not in each["Message"]]
    assert unknown == []


def test_a_rule_refuses_schemas_exactly_where_there_are_none() -> None:
    schemas = [each["Message"] for found in regional().values() for each in found if "'AWS::EventSchemas::" in each["Message"]]
    [assertion] = load_template()["Rules"]["RegionHasSchemas"]["Assertions"]
    refused = assertion["Assert"]["Fn::Not"][0]["Fn::Contains"]
    assert refused == [sorted({each.rsplit("'", 2)[1] for each in schemas}), {"Ref": "AWS::Region"}]


def test_policies_name_actions_that_exist_and_resources_that_fit_them() -> None:
    text = json.dumps(policies(translated()))
    found = ran("checks", "python", "-m", "local.checks.lint_policies", text=text)
    assert {
        (name, issue, each["action"] if isinstance(each, dict) else each)
        for name, findings in found.items()
        for issue, detail in findings
        for each in (detail if isinstance(detail, list) else [detail])
    } == POLICIES


def test_a_policy_for_the_wrong_kind_of_resource_is_found() -> None:
    allowed = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "arn:aws:s3:::results/*"}
    text = json.dumps({"wrong": {"Version": "2012-10-17", "Statement": [allowed]}})
    found = ran("checks", "python", "-m", "local.checks.lint_policies", text=text)
    assert [issue for issue, _ in found["wrong"]] == ["RESOURCE_MISMATCH"]


def test_checkov_finds_nothing_else() -> None:
    command = ["checkov", "--framework", "cloudformation", "--skip-download", "--quiet", "--compact", "--output", "json"]
    found = ran("checks", *command, "--file", *TEMPLATES)["results"]["failed_checks"]
    unexpected = [(each["check_id"], each["check_name"], each["resource"]) for each in found if each["check_id"] not in CHECKOV]
    assert unexpected == []
    assert {each["check_id"] for each in found} == set(CHECKOV)
