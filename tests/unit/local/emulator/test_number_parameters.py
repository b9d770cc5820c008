"""References to Number parameters are replaced where the emulator needs numbers."""

from typing import Any

from local.emulator.patches.number_parameters import resolve_number_parameters


def template() -> dict[str, Any]:
    return {
        "Parameters": {"Most": {"Type": "Number", "Default": 5}, "Name": {"Type": "String", "Default": "7"}},
        "Resources": {
            "Mapping": {
                "Type": "AWS::Lambda::EventSourceMapping",
                "Properties": {"Names": [{"Ref": "Name"}], "ScalingConfig": {"MaximumConcurrency": {"Ref": "Most"}}},
            },
            "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"RedrivePolicy": {"maxReceiveCount": {"Ref": "Most"}}}},
            "Function": {"Type": "AWS::Lambda::Function", "Properties": {"Environment": {"MOST": {"Ref": "Most"}}}},
        },
    }


def test_a_given_value_takes_the_place_of_the_reference() -> None:
    resources = resolve_number_parameters(template(), {"Most": "9"})["Resources"]
    assert resources["Mapping"]["Properties"]["ScalingConfig"] == {"MaximumConcurrency": 9}
    assert resources["Queue"]["Properties"]["RedrivePolicy"] == {"maxReceiveCount": 9}


def test_without_a_value_the_default_counts() -> None:
    resources = resolve_number_parameters(template(), {})["Resources"]
    assert resources["Mapping"]["Properties"]["ScalingConfig"] == {"MaximumConcurrency": 5}


def test_strings_and_other_resources_stay_as_they_are() -> None:
    resources = resolve_number_parameters(template(), {"Most": "9"})["Resources"]
    assert resources["Mapping"]["Properties"]["Names"] == [{"Ref": "Name"}]
    assert resources["Function"] == template()["Resources"]["Function"]


def test_the_given_template_is_not_touched() -> None:
    given = template()
    resolve_number_parameters(given, {"Most": "9"})
    assert given == template()


def test_a_template_without_parameters_is_fine() -> None:
    assert resolve_number_parameters({"Resources": {}}, {}) == {"Resources": {}}
