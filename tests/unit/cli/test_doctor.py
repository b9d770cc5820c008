"""Every check of `relay doctor`: the severity it reports, and that a fault comes with advice."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from relay.adapters.http.provider import HttpProviderApi
from relay_cli.doctor import alarms, flow, gateway, provider
from relay_cli.doctor.deployment import Deployment
from relay_cli.doctor.findings import Finding, Severity
from tests.support.cloudformation import load_template

FINE, NOTE, WARNING, BROKEN = Severity
type Check = Callable[[Deployment], Iterator[Finding]]


class Service:
    """An AWS client whose operations return what a test defines, or raise it."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self._answers = answers

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**_: Any) -> Any:
            answer = self._answers[operation]
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


def deployment(resources: dict[str, str] | None = None, **answers: Any) -> Deployment:
    """A stack with resources (types by logical id). Every service returns the same answers."""
    return Deployment(
        name="comet-relay",
        status="UPDATE_COMPLETE",
        parameters={"CometApiKeySecretName": "key", "ProviderUrl": "https://provider.example.com", "PublicUrl": ""},
        outputs={"ApiUrl": "https://relay.example.com", "EventBus": "bus", "ResultsBucket": "results"},
        resources={name: (f"AWS::{kind}", f"physical-{name}") for name, kind in (resources or {}).items()},
        client=lambda _service: Service(answers),
    )


@pytest.mark.parametrize(("first", "severity"), [("21", FINE), ("20", BROKEN), ("1", BROKEN)])
def test_a_poll_beside_the_create_is_reported(first: str, severity: Severity) -> None:
    parameters = {"FirstPollAfterSeconds": first, "SubmitTimeoutSeconds": "20"}
    stack = Deployment(name="a", status="", parameters=parameters, outputs={}, resources={}, client=Service)  # type: ignore[arg-type]
    assert severities_of(flow.first_poll, stack) == [severity]


def missing() -> ClientError:
    return ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "?"}}, "Get")


def severities_of(check: Check, of: Deployment) -> list[Severity]:
    findings = list(check(of))
    assert all(finding.advice for finding in findings if finding.severity > FINE)
    return [finding.severity for finding in findings]


@pytest.mark.parametrize(
    ("status", "severity"),
    [
        ("CREATE_COMPLETE", FINE),
        ("UPDATE_IN_PROGRESS", NOTE),
        ("UPDATE_ROLLBACK_COMPLETE", WARNING),
        ("ROLLBACK_COMPLETE", BROKEN),
    ],
)
def test_a_failed_deployment_is_reported(status: str, severity: Severity) -> None:
    stack = Deployment(name="a", status=status, parameters={}, outputs={}, resources={}, client=Service)  # type: ignore[arg-type]
    assert severities_of(flow.stack, stack) == [severity]


@pytest.mark.parametrize(
    ("table", "severity"),
    [
        ({"TableStatus": "ACTIVE", "StreamSpecification": {"StreamEnabled": True}}, FINE),
        ({"TableStatus": "ACTIVE"}, BROKEN),
        ({"TableStatus": "INACCESSIBLE_ENCRYPTION_CREDENTIALS", "StreamSpecification": {"StreamEnabled": True}}, BROKEN),
    ],
)
def test_tables_must_be_active_and_tasks_needs_its_stream(table: dict[str, Any], severity: Severity) -> None:
    assert severities_of(flow.tables, deployment({"Tasks": "DynamoDB::Table"}, describe_table={"Table": table})) == [severity]


@pytest.mark.parametrize(
    ("mapping", "severity"),
    [
        ({"State": "Enabled", "LastProcessingResult": "OK"}, FINE),
        ({"State": "Disabled"}, BROKEN),
        ({"State": "Enabled", "LastProcessingResult": "PROBLEM: Function call failed"}, BROKEN),
    ],
)
def test_event_source_mappings_must_be_enabled_and_successful(mapping: dict[str, Any], severity: Severity) -> None:
    stack = deployment({"PublishEventsFromStream": "Lambda::EventSourceMapping"}, get_event_source_mapping=mapping)
    assert severities_of(flow.mappings, stack) == [severity]


@pytest.mark.parametrize(("state", "severity"), [("ENABLED", FINE), ("DISABLED", BROKEN), (None, BROKEN)])
def test_rules_must_be_enabled(state: str | None, severity: Severity) -> None:
    rules = [{"Name": "physical-Minute", "State": state}] if state else []
    assert severities_of(flow.rules, deployment({"Minute": "Events::Rule"}, list_rules={"Rules": rules})) == [severity]


@pytest.mark.parametrize(
    ("described", "severity"),
    [
        ({"VersionIdsToStages": {"a": ["AWSCURRENT"]}}, FINE),
        ({"VersionIdsToStages": {"a": ["AWSPREVIOUS"]}}, BROKEN),
        ({"VersionIdsToStages": {"a": ["AWSCURRENT"]}, "DeletedDate": "2026-01-01"}, BROKEN),
        (missing(), BROKEN),
    ],
)
def test_secrets_must_exist_with_a_current_version(described: Any, severity: Severity) -> None:
    stack = deployment({"CallbackKey": "SecretsManager::Secret"}, describe_secret=described)
    assert severities_of(provider.secrets, stack) == [severity]


@pytest.mark.parametrize(
    ("status", "body", "severity"),
    [
        (400, {"code": 1201, "message": "task not found"}, FINE),
        (200, {"code": 0, "message": "ok", "data": {"task_id": "a", "task_status": "submitted"}}, FINE),
        (401, {"code": 1002, "message": "Authorization invalid"}, BROKEN),
        (401, {"error": {"code": "invalid", "message": "no such key sk-…"}}, BROKEN),
        (429, {"code": 1102, "message": "Account balance not enough"}, BROKEN),
        (503, {"code": 5001, "message": "maintenance"}, WARNING),
    ],
)
def test_the_provider_must_accept_the_key(
    status: int, body: dict[str, Any], severity: Severity, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(status, json=body)

    def api(url: str, key: Callable[[], str]) -> HttpProviderApi:
        return HttpProviderApi(url, key, httpx.MockTransport(answer))

    monkeypatch.setattr("relay_cli.doctor.provider.HttpProviderApi", api)
    findings = list(provider.provider_key(deployment(get_secret_value={"SecretString": "sk-secret\n"})))
    assert [finding.severity for finding in findings] == [severity]
    assert [(request.method, request.headers["authorization"]) for request in asked] == [("GET", "Bearer sk-secret")]
    assert "sk-secret" not in str(findings)


@pytest.mark.parametrize(
    "secret", [missing(), {"SecretString": ""}, {"SecretString": '{"key": "sk"}'}, {"SecretString": "two words"}]
)
def test_a_missing_or_malformed_key_is_not_sent(secret: Any) -> None:
    assert severities_of(provider.provider_key, deployment(get_secret_value=secret)) == [BROKEN]


def answer_with(monkeypatch: pytest.MonkeyPatch, response: httpx.Response | Exception) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if isinstance(response, Exception):
            raise response
        response.request = request
        return response

    def request(method: str, url: str, **options: Any) -> httpx.Response:
        options.pop("trust_env")
        with httpx.Client(transport=httpx.MockTransport(answer)) as client:
            return client.request(method, url, **options)

    monkeypatch.setattr("relay_cli.doctor.gateway.httpx.get", lambda url, **options: request("GET", url, **options))
    monkeypatch.setattr("relay_cli.doctor.gateway.httpx.post", lambda url, **options: request("POST", url, **options))


@pytest.mark.parametrize(
    ("response", "severities"),
    [
        (httpx.Response(200, json={}), [FINE]),
        (httpx.Response(200, headers={"Date": "Wed, 25 Nov 2020 01:00:00 GMT"}), [FINE, BROKEN]),
        (httpx.Response(500), [BROKEN]),
        (httpx.ConnectError("no route"), [BROKEN]),
    ],
)
def test_the_gateway_must_respond_and_the_clocks_agree(
    response: Any, severities: list[Severity], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer_with(monkeypatch, response)
    assert severities_of(gateway.health, deployment()) == severities


@pytest.mark.parametrize(
    ("response", "severity"),
    [
        (httpx.Response(404, json={"code": 1203, "message": "not found"}), FINE),
        (httpx.Response(404, json={"message": "Not Found"}), BROKEN),
        (httpx.Response(403, json={"message": "Forbidden"}), BROKEN),
        (httpx.Response(200, text="<html>"), BROKEN),
        (httpx.ConnectError("no route"), BROKEN),
    ],
)
def test_the_callback_route_must_reach_the_relay(response: Any, severity: Severity, monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(monkeypatch, response)
    assert severities_of(gateway.callbacks, deployment()) == [severity]


def test_an_active_alarm_has_advice_and_a_missing_topic_is_noted() -> None:
    loud = {"AlarmName": "physical-ArchivesDeadLettersAlarm", "StateValue": "ALARM", "AlarmDescription": "Results"}
    quiet = {"AlarmName": "physical-SubmitTaskErrors", "StateValue": "OK"}
    resources = {"ArchivesDeadLettersAlarm": "CloudWatch::Alarm", "SubmitTaskErrors": "CloudWatch::Alarm"}
    findings = list(alarms.alarms(deployment(resources, describe_alarms={"MetricAlarms": [loud, quiet]})))
    assert [finding.severity for finding in findings] == [BROKEN, NOTE]
    assert findings[0].advice == "relay dlq list"
    assert severities_of(alarms.alarms, deployment(resources, describe_alarms={"MetricAlarms": [quiet]})) == [FINE, NOTE]


def test_the_rule_of_a_killed_tail_is_noted() -> None:
    assert severities_of(flow.leftovers, deployment(list_rules={"Rules": [{"Name": "relay-tail-a"}]})) == [NOTE]
    assert severities_of(flow.leftovers, deployment(list_rules={"Rules": []})) == []


def test_every_alarm_of_the_template_has_its_advice() -> None:
    resources = load_template()["Resources"]
    names = [name for name, resource in resources.items() if resource["Type"] == "AWS::CloudWatch::Alarm"]
    assert len(names) > 30
    for name in names:
        alarm = {"AlarmName": f"physical-{name}", "StateValue": "ALARM"}
        stack = deployment({name: "CloudWatch::Alarm"}, describe_alarms={"MetricAlarms": [alarm]})
        [finding, *_] = alarms.alarms(stack)
        assert finding.advice != "check the dashboard", name
