"""template.yaml as a dictionary: `!Ref X` is {"Ref": "X"}, `!GetAtt X.Y` is {"Fn::GetAtt": ["X", "Y"]}."""

import json
import os
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
VENVS = ROOT / ".local" / "venvs"


class _Loader(yaml.SafeLoader):
    pass


def _intrinsic(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt":
        value = value.split(".", 1)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _intrinsic)


def load_template(path: Path = ROOT / "template.yaml") -> dict[str, Any]:
    """The template, its short forms spelled out."""
    template: dict[str, Any] = yaml.load(path.read_text(), _Loader)  # noqa: S506 - derives from SafeLoader
    return template


def evaluated(value: Any, template: Mapping[str, Any], parameters: Mapping[str, str]) -> Any:
    """A value with its parameters and conditions put in; a parameter that is not given has its default."""
    match value:
        case {"Ref": name} if name in template["Parameters"]:
            return parameters.get(name, template["Parameters"][name].get("Default"))
        case {"Fn::If": [condition, so, otherwise]}:
            holds = evaluated(template["Conditions"][condition], template, parameters)
            return evaluated(so if holds else otherwise, template, parameters)
        case {"Fn::Equals": [left, right]}:
            return str(evaluated(left, template, parameters)) == str(evaluated(right, template, parameters))
        case {"Fn::Not": [condition]}:
            return not evaluated(condition, template, parameters)
        case dict():
            return {key: evaluated(each, template, parameters) for key, each in value.items()}
        case list():
            return [evaluated(each, template, parameters) for each in value]
    return value


@cache
def translated(preference: str = "AllAtOnce") -> dict[str, Any]:
    """The resources that SAM makes of the template, for AWS, with that value of `DeploymentPreference`."""
    template = load_template()
    for each in template["Resources"].values():
        for key in {"CodeUri", "ContentUri"} & set(each.get("Properties", {})):
            each["Properties"][key] = "s3://bucket/key"
    done = subprocess.run(  # noqa: S603 - our own translator
        [str(VENVS / "emulator" / "bin" / "python"), "-m", "local.emulator.translate"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "AWS_DEFAULT_REGION": "us-east-1"},
        input=json.dumps({"template": template, "parameters": {"DeploymentPreference": preference}}),
        capture_output=True,
        text=True,
        check=True,
    )
    made: dict[str, Any] = json.loads(done.stdout)["Resources"]
    resources: dict[str, Any] = evaluated(made, load_template(), {"DeploymentPreference": preference})
    return resources
