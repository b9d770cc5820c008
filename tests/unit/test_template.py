"""What template.yaml promises: one place for the environment, least privilege, a dead letter for everything."""

import json
import re
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest

from relay.config import Settings
from tests.simulation.faults import SITES
from tests.support.cloudformation import ROOT, load_template

TEMPLATE = load_template()
RESOURCES: dict[str, dict[str, Any]] = TEMPLATE["Resources"]

# A consumer of a queue may need six of the function's timeouts to be sure of no second delivery; these argue otherwise.
SHORTER_VISIBILITY = {"Archives": 1.5}
POWERTOOLS = {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE", "POWERTOOLS_LOG_LEVEL"}
# Resources of a statement that end in a wildcard: one prefix of the bucket, the streams of one table, the six
# characters that Secrets Manager adds to a secret's name.
WILDCARDS = re.compile(r"\$\{Results\.Arn\}/[a-z]+/\*|\$\{Tasks\.Arn\}/stream/\*|.*:secret:\$\{\w+\}-\?{6}")


def of_type(kind: str) -> dict[str, dict[str, Any]]:
    """Logical id → properties of every resource of that type."""
    return {name: each.get("Properties", {}) for name, each in RESOURCES.items() if each["Type"] == kind}


FUNCTIONS = of_type("AWS::Serverless::Function")
QUEUES = of_type("AWS::SQS::Queue")
MAPPINGS = of_type("AWS::Lambda::EventSourceMapping")
ALARMS = of_type("AWS::CloudWatch::Alarm")
RULES = of_type("AWS::Events::Rule")
ENVIRONMENT: dict[str, Any] = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def arn_of(reference: dict[str, Any]) -> str:
    """The logical id behind a `!GetAtt X.Arn`."""
    name, attribute = reference["Fn::GetAtt"]
    assert attribute == "Arn"
    return str(name)


def dead_letter_queues() -> set[str]:
    """Every queue that something names as the place for what failed."""
    redriven = {arn_of(queue["RedrivePolicy"]["deadLetterTargetArn"]) for queue in QUEUES.values() if "RedrivePolicy" in queue}
    targets = {arn_of(target["DeadLetterConfig"]["Arn"]) for rule in RULES.values() for target in rule["Targets"]}
    schedules = {arn_of(schedule["DeadLetterConfig"]["Arn"]) for schedule in scheduled()}
    streams = {
        arn_of(mapping["DestinationConfig"]["OnFailure"]["Destination"])
        for mapping in MAPPINGS.values()
        if "DestinationConfig" in mapping
    }
    return redriven | targets | schedules | streams


def parameter_of(variable: str) -> str:
    """The parameter behind a variable of the environment, which may be absent when the parameter is empty."""
    value = ENVIRONMENT[variable]
    return str(value["Fn::If"][1]["Ref"] if "Fn::If" in value else value["Ref"])


def scheduled() -> list[dict[str, Any]]:
    events = [event for function in FUNCTIONS.values() for event in function.get("Events", {}).values()]
    return [event["Properties"] for event in events if event["Type"].startswith("Schedule")]


def statements() -> list[tuple[str, dict[str, Any]]]:
    """(function, statement) of every policy."""
    return [
        (name, statement)
        for name, function in FUNCTIONS.items()
        for policy in function["Policies"]
        for statement in policy["Statement"]
    ]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_the_environment_is_exactly_the_settings() -> None:
    assert set(ENVIRONMENT) - POWERTOOLS == {field.name.upper() for field in fields(Settings)}
    assert set(ENVIRONMENT) >= POWERTOOLS


def test_nothing_leads_away_from_aws_unless_it_is_asked_for() -> None:
    """An empty AWS_ENDPOINT_URL would be one more thing to reason about in production."""
    assert ENVIRONMENT["AWS_ENDPOINT_URL"] == {"Fn::If": ["EmulatesAws", {"Ref": "AwsEndpointUrl"}, {"Ref": "AWS::NoValue"}]}
    assert TEMPLATE["Conditions"]["EmulatesAws"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "AwsEndpointUrl"}, ""]}]}
    assert TEMPLATE["Parameters"]["AwsEndpointUrl"]["Default"] == ""


def test_no_function_has_an_environment_of_its_own() -> None:
    assert not [name for name, function in FUNCTIONS.items() if "Environment" in function]


def test_parameters_default_to_what_the_settings_default_to() -> None:
    defaults = {field.name.upper(): field.default for field in fields(Settings) if field.default is not MISSING}
    assert len(defaults) > 10
    for variable, default in defaults.items():
        value = TEMPLATE["Parameters"][parameter_of(variable)]["Default"]
        assert str(value) == (str(default).lower() if isinstance(default, bool) else str(default)), variable


def test_every_parameter_is_described_grouped_and_used() -> None:
    groups = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert sorted(name for group in groups for name in group["Parameters"]) == sorted(TEMPLATE["Parameters"])
    text = (ROOT / "template.yaml").read_text()
    for name, parameter in TEMPLATE["Parameters"].items():
        assert parameter["Description"], name
        assert f"!Ref {name}" in text or f"${{{name}}}" in text, name


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_its_folder_and_its_events_have_one_name(name: str) -> None:
    folder = ROOT / FUNCTIONS[name]["CodeUri"]
    assert folder == ROOT / "functions" / snake(name)
    assert [path.name for path in folder.glob("*.py")] == ["app.py"]
    assert list((ROOT / "events").glob(f"{snake(name)}.*.json"))


def test_every_folder_of_functions_is_in_the_template() -> None:
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}
    assert folders == {snake(name) for name in FUNCTIONS}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_handler_exists(name: str) -> None:
    function = TEMPLATE["Globals"]["Function"] | FUNCTIONS[name]
    module, handler = function["Handler"].split(".")
    source = (ROOT / function["CodeUri"] / f"{module}.py").read_text()
    assert f"def {handler}(" in source


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_logs_into_a_group_with_a_retention(name: str) -> None:
    group = RESOURCES[FUNCTIONS[name]["LoggingConfig"]["LogGroup"]["Ref"]]
    assert group["Properties"]["LogGroupName"] == {"Fn::Sub": f"/${{AWS::StackName}}/{snake(name)}"}


def test_every_log_group_has_a_retention() -> None:
    groups = of_type("AWS::Logs::LogGroup")
    assert len(groups) == len(FUNCTIONS) + 1
    assert all(group["RetentionInDays"] == {"Ref": "LogRetentionDays"} for group in groups.values())


def test_access_logs_say_nothing_of_the_path() -> None:
    settings = RESOURCES["Gateway"]["Properties"]["AccessLogSettings"]
    said = set(json.loads(settings["Format"]).values())
    assert "$context.routeKey" in said
    assert not {variable for variable in said if "path" in variable.lower() or "request.header" in variable}


def test_every_queue_has_a_dead_letter_queue_or_is_one() -> None:
    for name, queue in QUEUES.items():
        if name not in dead_letter_queues():
            assert arn_of(queue["RedrivePolicy"]["deadLetterTargetArn"]) in QUEUES, name
        assert queue["SqsManagedSseEnabled"] is True


def test_dead_letters_are_kept_for_as_long_as_possible() -> None:
    assert {name: QUEUES[name]["MessageRetentionPeriod"] for name in dead_letter_queues()} == dict.fromkeys(
        dead_letter_queues(), 14 * 86_400
    )


@pytest.mark.parametrize("name", sorted(dead_letter_queues()))
def test_every_dead_letter_queue_has_an_alarm(name: str) -> None:
    dimensions = [{"Name": "QueueName", "Value": {"Fn::GetAtt": [name, "QueueName"]}}]
    alarms = [alarm for alarm in ALARMS.values() if alarm["Dimensions"] == dimensions]
    assert [(alarm["MetricName"], alarm["Threshold"]) for alarm in alarms] == [("ApproximateNumberOfMessagesVisible", 0)]


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("metric", ["Errors", "Throttles"])
def test_every_function_has_alarms(name: str, metric: str) -> None:
    wanted = (metric, [{"Name": "FunctionName", "Value": {"Ref": name}}])
    assert wanted in [(alarm["MetricName"], alarm["Dimensions"]) for alarm in ALARMS.values()]


def test_an_answer_500_raises_an_alarm() -> None:
    """Functions behind the API answer every error in the envelope, so that Lambda's own count knows nothing of it."""
    alarm = ALARMS["InternalErrors"]
    assert alarm["MetricName"] == "InternalErrors"
    assert alarm["Namespace"] == ENVIRONMENT["POWERTOOLS_METRICS_NAMESPACE"]
    assert alarm["Dimensions"] == [{"Name": "service", "Value": ENVIRONMENT["POWERTOOLS_SERVICE_NAME"]}]


def test_every_alarm_notifies_the_topic() -> None:
    actions = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}
    assert all(alarm["AlarmActions"] == actions for alarm in ALARMS.values())


def test_old_records_in_the_stream_raise_an_alarm() -> None:
    assert RESOURCES["PublishEventsIteratorAge"]["Properties"]["MetricName"] == "IteratorAge"


@pytest.mark.parametrize("name", MAPPINGS)
def test_every_event_source_reports_single_failures_and_has_a_place_for_them(name: str) -> None:
    mapping = MAPPINGS[name]
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    source, attribute = mapping["EventSourceArn"]["Fn::GetAtt"]
    if attribute == "StreamArn":
        assert arn_of(mapping["DestinationConfig"]["OnFailure"]["Destination"]) in QUEUES
        assert mapping["BisectBatchOnFunctionError"] is True
        assert mapping["MaximumRecordAgeInSeconds"] < 86_400
    else:
        assert "RedrivePolicy" in QUEUES[source]
        assert "ScalingConfig" in mapping


PARAMETERS: dict[str, Any] = TEMPLATE["Parameters"]


@pytest.mark.parametrize("name", [name for name, each in PARAMETERS.items() if each["Type"] == "String"])
def test_every_text_parameter_is_checked_before_anything_is_deployed(name: str) -> None:
    parameter = PARAMETERS[name]
    assert ("AllowedPattern" in parameter) != ("AllowedValues" in parameter)
    if pattern := parameter.get("AllowedPattern"):
        assert re.fullmatch(pattern, parameter["Default"])


@pytest.mark.parametrize("name", [name for name, each in PARAMETERS.items() if each["Type"] == "Number"])
def test_every_number_has_a_smallest_value(name: str) -> None:
    assert {"MinValue", "AllowedValues"} & set(PARAMETERS[name])


@pytest.mark.parametrize(
    ("name", "value", "is_taken"),
    [
        ("PublicUrl", "https://relay.example.com", True),
        ("PublicUrl", "https://relay.example.com/media/", True),
        ("PublicUrl", "relay.example.com", False),
        ("PublicUrl", "https://relay.example.com?x=1", False),
        ("PublicUrl", "https://relay.example.com/a b", False),
        ("ProviderUrl", "", False),
        ("ProviderUrl", "ftp://provider.example.com", False),
        ("ProviderUrl", "http://127.0.0.1:4010", True),
        ("AlarmTopicArn", "arn:aws:sns:eu-west-1:123456789012:alarms", True),
        ("AlarmTopicArn", "arn:aws-cn:sns:cn-north-1:123456789012:alarms", True),
        ("AlarmTopicArn", "alarms", False),
        ("AwsEndpointUrl", "http://127.0.0.1:4566", True),
        ("AwsEndpointUrl", "127.0.0.1:4566", False),
        ("WebhookRetrySeconds", "5,,300", False),
        ("WebhookRetrySeconds", "5", True),
    ],
)
def test_a_wrong_parameter_is_refused(name: str, value: str, is_taken: bool) -> None:
    assert bool(re.fullmatch(PARAMETERS[name]["AllowedPattern"], value)) is is_taken


def test_loopback_is_refused_on_aws() -> None:
    rule = TEMPLATE["Rules"]["LoopbackIsForEmulators"]
    assert rule["RuleCondition"] == {"Fn::Equals": [{"Ref": "AllowLoopback"}, "true"]}
    assert [each["Assert"] for each in rule["Assertions"]] == [{"Fn::Not": [{"Fn::Equals": [{"Ref": "AwsEndpointUrl"}, ""]}]}]


def test_every_rule_and_schedule_retries_and_has_a_dead_letter_queue() -> None:
    targets = [target for rule in RULES.values() for target in rule["Targets"]] + scheduled()
    assert len(targets) > 1
    for target in targets:
        assert arn_of(target["DeadLetterConfig"]["Arn"]) in QUEUES
        assert target["RetryPolicy"]["MaximumRetryAttempts"] > 0


@pytest.mark.parametrize("path", [ROOT / "template.yaml", ROOT / "examples" / "consumer" / "template.yaml"])
def test_event_patterns_that_look_into_the_detail_are_texts(path: Path) -> None:
    """CloudFormation may write the `true` of an object as `"true"`, which matches no event.

    Source: https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/251
    """
    rules = [each["Properties"] for each in load_template(path)["Resources"].values() if each["Type"] == "AWS::Events::Rule"]
    patterns = [rule["EventPattern"] for rule in rules]
    assert patterns
    for pattern in patterns:
        if isinstance(pattern, str):
            assert json.loads(pattern)["source"] == ["comet.relay"]
        else:
            assert set(pattern) <= {"source", "detail-type"}


def test_rules_may_send_to_their_queues_and_dead_letter_queues() -> None:
    allowed: set[str] = set()
    for policy in of_type("AWS::SQS::QueuePolicy").values():
        [statement] = policy["PolicyDocument"]["Statement"]
        resources = {arn_of(resource) for resource in as_list(statement["Resource"])}
        assert {queue["Ref"] for queue in policy["Queues"]} == resources
        assert "ArnEquals" in statement["Condition"]
        allowed |= resources
    rules = [target for rule in RULES.values() for target in rule["Targets"]]
    wanted = {arn_of(target["Arn"]) for target in rules}
    wanted |= {arn_of(target["DeadLetterConfig"]["Arn"]) for target in [*rules, *scheduled()]}
    assert allowed == wanted


@pytest.mark.parametrize("name", MAPPINGS)
def test_a_message_stays_hidden_while_it_is_worked_on(name: str) -> None:
    source, attribute = MAPPINGS[name]["EventSourceArn"]["Fn::GetAtt"]
    if attribute == "Arn":
        timeout = FUNCTIONS[MAPPINGS[name]["FunctionName"]["Ref"].removesuffix(".Alias")]["Timeout"]
        assert QUEUES[source]["VisibilityTimeout"] >= SHORTER_VISIBILITY.get(source, 6) * timeout


def test_functions_behind_the_api_answer_before_it_gives_up() -> None:
    for name, function in FUNCTIONS.items():
        if any(event["Type"] == "HttpApi" for event in function.get("Events", {}).values()):
            assert function["Timeout"] < 30, name


@pytest.mark.parametrize(
    ("queue", "attempts"),
    [("Archives", TEMPLATE["Parameters"]["ArchiveAttempts"]["MaxValue"]), ("Webhooks", 8), ("WebhookRetries", 8)],
)
def test_throttled_deliveries_make_no_dead_letter_before_the_last_attempt(queue: str, attempts: int) -> None:
    """SQS counts them too. The function gives up by itself, and records it."""
    assert QUEUES[queue]["RedrivePolicy"]["maxReceiveCount"] >= 2 * attempts


def test_policies_name_actions_and_resources() -> None:
    assert {name for name, _ in statements()} == set(FUNCTIONS)
    for name, statement in statements():
        assert set(statement) == {"Effect", "Action", "Resource"}, name
        for action in as_list(statement["Action"]):
            assert re.fullmatch(r"[a-z0-9]+:[A-Za-z]+", action), (name, action)
        for resource in as_list(statement["Resource"]):
            assert isinstance(resource, dict), (name, resource)
            if statement["Effect"] == "Deny":
                continue
            text = resource.get("Fn::Sub", "")
            assert ("*" not in text and "?" not in text) or WILDCARDS.fullmatch(text), (name, text)


def test_no_poll_comes_beside_the_create() -> None:
    parameters = TEMPLATE["Parameters"]
    assert parameters["FirstPollAfterSeconds"]["MinValue"] > parameters["SubmitTimeoutSeconds"]["MaxValue"]


CALLS = {
    "api.send": {("secretsmanager:GetSecretValue", "${CometApiKeySecretName}-??????")},
    "documents.get_request": {("s3:GetObject", "${Results.Arn}/requests/*")},
    "documents.put_callback": {("s3:PutObject", "${Results.Arn}/results/*")},
    "documents.put_request": {("s3:PutObject", "${Results.Arn}/requests/*")},
    "documents.quarantine": {("s3:PutObject", "${Results.Arn}/quarantine/*")},
    "events.publish": {("events:PutEvents", "Bus")},
    "ids.record": {("dynamodb:UpdateItem", "Tasks")},
    "ids.tenant_of": {("dynamodb:GetItem", "Tasks")},
    "resubmissions.put": {("sqs:SendMessage", "Resubmissions")},
    "results.store": {(f"s3:{action}", "${Results.Arn}/results/*") for action in ("PutObject", "AbortMultipartUpload")},
    "results.url": {("s3:GetObject", "${Results.Arn}/results/*")},
    "sender.post": {("secretsmanager:GetSecretValue", "WebhookKey"), ("dynamodb:GetItem", "WebhookState")},
    "source.open": set[tuple[str, str]](),
    "tasks.claim_key": {("dynamodb:PutItem", "Tasks")},
    "tasks.create": {("dynamodb:PutItem", "Tasks")},
    "tasks.due": {("dynamodb:Query", "${Tasks.Arn}/index/due")},
    "tasks.get": {("dynamodb:GetItem", "Tasks")},
    "tasks.of_tenant": {("dynamodb:Query", "${Tasks.Arn}/index/by_tenant"), ("dynamodb:BatchGetItem", "Tasks")},
    "tokens.path": {("secretsmanager:GetSecretValue", "CallbackKey")},
    "tokens.provider_of": {("secretsmanager:GetSecretValue", "CallbackKey")},
    "uploads.put": {("s3:PutObject", "${Results.Arn}/uploads/*")},
    "uploads.read": {("s3:GetObject", "${Results.Arn}/uploads/*")},
    "webhook_queue.bury": {("sqs:SendMessage", "WebhooksDeadLetters")},
    "webhook_queue.put": {("sqs:SendMessage", "WebhookRetries")},
    "webhooks.endpoint": {("dynamodb:GetItem", "WebhookState")},
    "webhooks.log": {("dynamodb:GetItem", "WebhookState")},
}
"""What each call of a port needs. Every other call on `tasks` and `webhooks` is an UpdateItem."""
BESIDES = {
    "SubmitTask": {"uploads.put", "uploads.read", "results.url", "documents.put_callback"},
    "ResubmitTasks": {"uploads.read"},
    "CancelTask": {"results.url", "documents.put_callback"},
    "QueryTasks": {"tasks.of_tenant", "webhooks.log", "results.url", "api.send"},
}
"""Calls that the simulation does not make."""
SOURCES = {
    "ResubmitTasks": ["Resubmissions"],
    "ArchiveResults": ["Archives"],
    "DeliverWebhooks": ["Webhooks", "WebhookRetries"],
}
FROM_A_QUEUE = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")


def needs_of(call: str) -> set[tuple[str, str]]:
    table = {"tasks": "Tasks", "webhooks": "WebhookState"}.get(call.partition(".")[0], "")
    return CALLS.get(call, {("dynamodb:UpdateItem", table)})


def granted_to(name: str) -> set[tuple[str, str]]:
    """(action, resource) of all that a function may do."""
    return {
        (action, resource["Fn::Sub"].rpartition(":")[2] if "Fn::Sub" in resource else resource["Fn::GetAtt"][0])
        for function, statement in statements()
        if function == name and statement["Effect"] == "Allow"
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    }


@pytest.mark.parametrize("role", SITES)
def test_a_function_may_do_what_it_does_and_nothing_else(role: str) -> None:
    (name,) = (each for each in FUNCTIONS if each.lower().startswith(role))
    needs = {need for call in (*SITES[role], *BESIDES.get(name, ())) for need in needs_of(call)}
    needs |= {(action, queue) for action in FROM_A_QUEUE for queue in SOURCES.get(name, ())}
    if name == "ArchiveResults":
        needs |= {
            ("sqs:ChangeMessageVisibility", "Archives"),
            ("sqs:SendMessage", "ArchivesDeadLetters"),
            ("s3:PutObject", "${Results.Arn}/results/*"),
        }
    if name == "PublishEvents":
        stream = ("DescribeStream", "GetRecords", "GetShardIterator")
        needs |= {(f"dynamodb:{action}", "Tasks") for action in stream} | {("sqs:SendMessage", "UnpublishedChanges")}
        needs |= {("s3:PutObject", "${Results.Arn}/unpublished/*")}
        needs |= {("dynamodb:ListStreams", "${Tasks.Arn}/stream/*")}
    assert granted_to(name) == needs


@pytest.mark.parametrize("name", FUNCTIONS)
def test_no_function_makes_its_log_group_anew_after_the_stack_is_deleted(name: str) -> None:
    """The managed policy for logs allows it. A group that CloudFormation did not make blocks the next stack of that name."""
    group = FUNCTIONS[name]["LoggingConfig"]["LogGroup"]["Ref"]
    assert RESOURCES[group]["Properties"]["LogGroupName"]["Fn::Sub"].startswith("/${AWS::StackName}/")
    [denied] = [statement for function, statement in statements() if function == name and statement["Effect"] == "Deny"]
    groups = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:/${AWS::StackName}/*"
    assert denied == {"Effect": "Deny", "Action": "logs:CreateLogGroup", "Resource": {"Fn::Sub": groups}}


def test_access_logs_need_no_room_in_the_accounts_log_policy() -> None:
    """API Gateway adds each other group to a policy of at most 5,120 characters for the whole account.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html
    """
    group = RESOURCES["Gateway"]["Properties"]["AccessLogSettings"]["DestinationArn"]["Fn::GetAtt"][0]
    assert RESOURCES[group]["Properties"]["LogGroupName"] == {"Fn::Sub": "/aws/vendedlogs/${AWS::StackName}/gateway"}


def test_two_stacks_share_neither_metrics_nor_the_dashboard() -> None:
    """Custom metrics belong to a region, dashboards to the whole account."""
    assert ENVIRONMENT["POWERTOOLS_SERVICE_NAME"] == {"Ref": "AWS::StackName"}
    assert RESOURCES["Dashboard"]["Properties"]["DashboardName"] == {"Fn::Sub": "${AWS::StackName}-${AWS::Region}"}


def test_managed_policies_come_only_from_sam() -> None:
    assert all(set(policy) == {"Version", "Statement"} for function in FUNCTIONS.values() for policy in function["Policies"])
    kinds = {event["Type"] for function in FUNCTIONS.values() for event in function.get("Events", {}).values()}
    assert kinds == {"HttpApi", "Schedule"}, "SAM's SQS and DynamoDB events add policies on every queue and stream"


def test_the_bucket_is_private_encrypted_and_reached_by_tls_only() -> None:
    bucket = RESOURCES["Results"]["Properties"]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert "BucketEncryption" in bucket
    [statement] = RESOURCES["ResultsPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Effect"] == "Deny"
    assert (statement["Principal"], statement["Action"]) == ("*", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == [{"Fn::GetAtt": ["Results", "Arn"]}, {"Fn::Sub": "${Results.Arn}/*"}]


def test_the_bucket_forgets_requests_quarantine_and_broken_uploads() -> None:
    rules = {rule["Id"]: rule for rule in RESOURCES["Results"]["Properties"]["LifecycleConfiguration"]["Rules"]}
    days = {name: rules[name]["ExpirationInDays"] for name in ("requests", "uploads", "quarantine", "unpublished")}
    assert days == {"requests": 7, "uploads": 7, "quarantine": 90, "unpublished": 90}
    assert rules["multipart"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    assert rules["results"]["Status"] == {"Fn::If": ["ExpireResults", "Enabled", "Disabled"]}


@pytest.mark.parametrize("name", ["Tasks", "ApiKeys", "WebhookState", "ClientMasterKey", "WebhookKey", "Results"])
def test_what_cannot_be_made_again_outlives_the_stack(name: str) -> None:
    assert RESOURCES[name]["DeletionPolicy"] == "RetainExceptOnCreate"
    assert RESOURCES[name]["UpdateReplacePolicy"] == "Retain"


@pytest.mark.parametrize("name", ["Tasks", "ApiKeys"])
def test_tables_can_be_restored_to_any_point_in_time(name: str) -> None:
    assert RESOURCES[name]["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


def test_the_table_has_its_stream_its_indexes_and_its_end() -> None:
    table = RESOURCES["Tasks"]["Properties"]
    assert table["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    keys = {index["IndexName"]: [key["AttributeName"] for key in index["KeySchema"]] for index in table["GlobalSecondaryIndexes"]}
    assert keys == {"by_tenant": ["tenant", "created_key"], "due": ["due_shard", "due_at"]}


def routes() -> dict[tuple[str, str], tuple[str, str]]:
    """(method, path) → (function, authorizer)."""
    default = RESOURCES["Gateway"]["Properties"]["Auth"]["DefaultAuthorizer"]
    return {
        (event["Properties"].get("Method", "ANY"), event["Properties"].get("Path", "$default")): (
            name,
            event["Properties"].get("Auth", {}).get("Authorizer", default),
        )
        for name, function in FUNCTIONS.items()
        for event in function.get("Events", {}).values()
        if event["Type"] == "HttpApi"
    }


def test_only_callbacks_health_and_unknown_routes_are_open() -> None:
    open_routes = {route for route, (_, authorizer) in routes().items() if authorizer == "NONE"}
    assert open_routes == {("POST", "/callbacks/{task_id}/{token}"), ("GET", "/health"), ("ANY", "$default")}


def test_the_api_has_its_routes() -> None:
    secured = {route: name for route, (name, authorizer) in routes().items() if authorizer == "RelayKey"}
    assert secured == {
        ("POST", "/{proxy+}"): "SubmitTask",
        ("GET", "/{proxy+}"): "QueryTasks",
        ("DELETE", "/{proxy+}"): "CancelTask",
    }


def test_every_request_is_authorized_whatever_it_carries_and_nothing_of_it_is_kept() -> None:
    """A revoked key and an expired JWT stop at once, and a missing header reaches the function that answers in the envelope."""
    [authorizer] = RESOURCES["Gateway"]["Properties"]["Auth"]["Authorizers"].values()
    assert authorizer["Identity"] == {"Context": ["routeKey"], "ReauthorizeEvery": 0}


def test_callbacks_have_a_throttle_of_their_own() -> None:
    gateway = RESOURCES["Gateway"]["Properties"]
    assert gateway["DefaultRouteSettings"]["ThrottlingRateLimit"] == {"Ref": "ThrottleRate"}
    assert gateway["RouteSettings"]["POST /callbacks/{task_id}/{token}"]["ThrottlingRateLimit"] == {"Ref": "CallbackRate"}
