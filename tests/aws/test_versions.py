"""Deployments: everything invokes an alias, and whatever a function is made of publishes a new version of it."""

import json
from typing import Any

import pytest

from tests.aws.versions import references, substituted, taken_from_elsewhere, unaliased
from tests.support.cloudformation import load_template, translated

TEMPLATE = load_template()
RESOURCES: dict[str, dict[str, Any]] = TEMPLATE["Resources"]
GLOBALS = TEMPLATE["Globals"]["Function"]
FUNCTIONS = {name: each["Properties"] for name, each in RESOURCES.items() if each["Type"] == "AWS::Serverless::Function"}
ALARMS = {name for name, each in RESOURCES.items() if each["Type"] == "AWS::CloudWatch::Alarm"}
PREFERENCES = ["AllAtOnce", "Canary10Percent5Minutes"]  # SAM translates all gradual ones alike
# Only the emulator has another endpoint, and its stacks are never updated.
CONSTANT = {"AwsEndpointUrl"}


def listed(resources: dict[str, Any]) -> set[str]:
    """The parameters and resources whose change makes a new configuration. A name that the text does not use changes nothing."""
    text, named = resources["Configuration"]["Properties"]["Content"]["Fn::Sub"]
    return {one for each in substituted(text) for one in references(named.get(each, {"Ref": each}), TEMPLATE)}


def types(resources: dict[str, Any]) -> set[str]:
    return {each["Type"] for each in resources.values()}


@pytest.mark.parametrize("preference", PREFERENCES)
def test_every_event_request_and_schedule_reaches_the_alias(preference: str) -> None:
    assert unaliased(translated(preference)) == []
    assert len([each for each in translated(preference).values() if each["Type"] == "AWS::Lambda::Permission"]) > 6


def test_an_invocation_past_the_alias_is_found() -> None:
    resources = json.loads(json.dumps(translated("AllAtOnce")))
    resources["PublishEventsFromStream"]["Properties"]["FunctionName"] = {"Ref": "PublishEvents"}
    assert unaliased(resources) == ["PublishEventsFromStream"]


def test_a_layer_that_the_configuration_does_not_mention_is_noticed() -> None:
    resources = json.loads(json.dumps(RESOURCES))
    text, named = resources["Configuration"]["Properties"]["Content"]["Fn::Sub"]
    resources["Configuration"]["Properties"]["Content"]["Fn::Sub"] = [text.replace("${Package} ", ""), named]
    assert listed(RESOURCES) - listed(resources) == {"RelayLayer"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_a_function_takes_from_elsewhere_publishes_a_new_version(name: str) -> None:
    logs = FUNCTIONS[name]["LoggingConfig"]["LogGroup"]["Ref"]  # its name is in the template
    assert taken_from_elsewhere(GLOBALS | FUNCTIONS[name], TEMPLATE) - CONSTANT - {logs} <= listed(RESOURCES)
    assert FUNCTIONS[name]["AutoPublishAliasAllProperties"] is True
    assert FUNCTIONS[name]["VersionDescription"] == {
        "Fn::If": ["OnAws", {"Fn::Sub": "Configuration ${Configuration.VersionNumber}"}, {"Ref": "AWS::NoValue"}]
    }


def test_the_configuration_lists_nothing_that_leaves_the_functions_as_they_are() -> None:
    """Lambda refuses to publish a version that equals the last one."""
    assert listed(RESOURCES) <= taken_from_elsewhere(GLOBALS, TEMPLATE)


@pytest.mark.parametrize("preference", PREFERENCES)
def test_a_gradual_deployment_goes_back_when_an_alarm_fires(preference: str) -> None:
    resources = translated(preference)
    groups = {name: each["Properties"] for name, each in resources.items() if each["Type"] == "AWS::CodeDeploy::DeploymentGroup"}
    if preference == "AllAtOnce":
        assert not [kind for kind in types(resources) if kind.startswith("AWS::CodeDeploy")]
        return
    assert set(groups) == {f"{name}DeploymentGroup" for name in FUNCTIONS}
    for name in FUNCTIONS:
        group = groups[f"{name}DeploymentGroup"]
        alarms = [each["Name"]["Ref"] for each in group["AlarmConfiguration"]["Alarms"]]
        assert alarms == ["InternalErrors", f"{name}Errors"]
        assert set(alarms) <= ALARMS
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
        assert group["DeploymentConfigName"]["Fn::Sub"][1] == {"ConfigName": preference}


def test_the_alarms_of_a_deployment_do_not_wait_for_the_aliases() -> None:
    """An alarm that names the API would: the API names the aliases, and these name the deployment groups."""
    for name in FUNCTIONS:
        for alarm in ("InternalErrors", f"{name}Errors"):
            assert "Gateway" not in set(references(RESOURCES[alarm]["Properties"], TEMPLATE))
