"""docs/openapi.json is valid, up to date and complete, and the fixtures satisfy it."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from pydantic import BaseModel

from local.docs.openapi.__main__ import FILE, main
from local.docs.openapi.document import document
from local.docs.openapi.kling import models
from relay.domain.errors import InvalidRequestError
from relay.providers.base import PromptLimits
from relay.providers.kling.translator import PREFIX, Kling
from relay.providers.media import Media
from tests.support.cloudformation import ROOT, load_template

DOCUMENT = document()
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
BODIES = sorted((ROOT / "tests" / "fixtures" / "kling" / "requests").rglob("*.json"))
KLING = Kling()


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(path, method, operation) of the whole document."""
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def fits(name: str, instance: Any) -> bool:
    """Whether an instance fits a component schema."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": SCHEMAS}}
    return bool(Draft202012Validator(schema).is_valid(instance))


def takes(operation: str, body: Any) -> bool:
    """Whether the relay takes a body."""
    found = KLING.synchronous.get(operation) or KLING.operation(operation)
    try:
        KLING.checked(found, body, PromptLimits(2500, 2500))
    except InvalidRequestError:
        return False
    return True


def test_the_document_is_valid_openapi() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()
    assert DOCUMENT["openapi"].startswith("3.1")


def test_the_file_is_what_is_generated(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0, capsys.readouterr().err


def test_a_stale_file_is_noticed(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stale = tmp_path / "openapi.json"
    stale.write_text(FILE.read_text().replace("3.1.0", "3.0.0"))
    monkeypatch.setattr("local.docs.openapi.__main__.FILE", stale)
    monkeypatch.setattr("local.docs.openapi.__main__.ROOT", tmp_path)
    assert main(["--check"]) == 1
    assert main([]) == 0
    assert stale.read_text() == FILE.read_text()


def test_every_operation_of_the_provider_is_there() -> None:
    paths = DOCUMENT["paths"]
    for name in Kling.operations:
        assert set(paths[PREFIX + name]) >= {"post", "get"}, name
        assert set(paths[f"{PREFIX}{name}/{{id}}"]) == {"get"}, name
    for name, operation in Kling.synchronous.items():
        assert operation.method.lower() in paths.get(PREFIX + name, paths.get(f"/{name}")), name


def test_every_route_of_the_template_is_there() -> None:
    functions = [each for each in load_template()["Resources"].values() if each["Type"] == "AWS::Serverless::Function"]
    events = [event["Properties"] for each in functions for event in each["Properties"].get("Events", {}).values()]
    routes = {(event["Method"].lower(), event["Path"]) for event in events if "Path" in event}
    documented = {(method, path) for path, method, _ in operations()}
    general = {(method, "/{proxy+}") for method in ("get", "post", "delete")}
    assert routes - general == {("get", "/health"), ("post", "/callbacks/{task_id}/{token}")}
    assert {("post", "/uploads"), ("get", "/tasks"), ("delete", "/tasks/{task_id}"), *(routes - general)} <= documented


def test_operation_ids_are_unique_and_every_tag_is_described() -> None:
    ids = [operation["operationId"] for _, _, operation in operations()]
    assert len(ids) == len(set(ids)) > 60
    assert {tag for _, _, operation in operations() for tag in operation["tags"]} == {tag["name"] for tag in DOCUMENT["tags"]}


def test_only_what_needs_no_key_says_so() -> None:
    assert {path for path, _, operation in operations() if operation.get("security") == []} == {
        "/health",
        "/callbacks/{task_id}/{token}",
    }


@pytest.mark.parametrize("path", BODIES, ids=lambda path: path.stem)
def test_every_body_that_the_relay_takes_fits_its_schema(path: Any) -> None:
    name = path.stem.partition(".")[0]
    operation = next(
        operation
        for known, operation in DOCUMENT["paths"].items()
        if known.removeprefix(PREFIX).replace("/", "_") == name and "post" in operation
    )
    schema = operation["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    assert fits(schema, json.loads(path.read_text()))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("duration", 5), ("duration", "15"), ("duration", 2), ("duration", "16"), ("duration", 5.5), ("duration", ""),
        ("multi_shot", "false"), ("multi_shot", False), ("multi_shot", 1), ("multi_shot", "yes"), ("multi_shot", None),
        ("cfg_scale", 0), ("cfg_scale", 1.0), ("cfg_scale", 1.1), ("cfg_scale", "0.5"), ("cfg_scale", True),
        ("mode", "pro"), ("mode", "fast"), ("mode", " "), ("model_name", 7), ("model_name", "kling-v3"),
        ("prompt", "x" * 2500), ("prompt", "x" * 2501), ("prompt", " "), ("prompt", None), ("prompt", 7),
        ("voice_list", []), ("voice_list", {}), ("voice_list", [{"voice_id": ""}]), ("watermark_info", {"enabled": "true"}),
        ("watermark_info", {}), ("watermark_info", True), ("external_task_id", "x" * 257), ("nobody_knows", [1]),
    ],
)  # fmt: skip
def test_the_schema_and_the_relay_agree_on_a_field(field: str, value: Any) -> None:
    body = {"negative_prompt": "b", "prompt": "a", field: value}
    if field == "prompt" and not isinstance(value, int) and not (value and value.strip()):
        body |= {"multi_shot": True, "shot_type": "customize"}
        body |= {"multi_prompt": [{"index": 1, "prompt": "a", "duration": "5"}]}
    assert fits("TextToVideo", body) is takes("videos/text2video", body)


@pytest.mark.parametrize("value", [1, "auto", 2, 9, 10, "2"])
def test_numbers_with_a_word_among_them_agree_too(value: Any) -> None:
    body = {"prompt": "a", "series_amount": value}
    assert fits("OmniImage", body) is takes("images/omni-image", body)


def test_every_field_for_files_says_so() -> None:
    def marked(model: type[BaseModel]) -> bool:
        return any(isinstance(each, Media) for field in model.model_fields.values() for each in field.metadata)

    assert any(marked(model) for model in models())
    formats = set(re.findall(r'"format": "([a-z-]+)"', json.dumps(SCHEMAS)))
    assert {"image", "video", "sound", "sound-url", "sound-data"} <= formats


@pytest.mark.parametrize("name", ["callback_succeed", "callback_processing", "callback_failed"])
def test_callbacks_fit_the_protocols_schema(name: str) -> None:
    assert fits("CallbackTask", json.loads((ROOT / "tests" / "fixtures" / "kling" / f"{name}.json").read_text()))


@pytest.mark.parametrize(
    ("operation", "model", "field", "value"),
    [
        ("videos/text2video", "TextToVideo", "duration", 5.0),
        ("images/generations", "ImageGeneration", "n", 2.0),
        ("images/generations", "ImageGeneration", "n", 2.5),
        ("images/omni-image", "OmniImage", "series_amount", 3.0),
        ("images/omni-image", "OmniImage", "element_list", [{"element_id": 7.0}]),
    ],
)
def test_a_number_without_a_fraction_is_an_integer_as_in_json(operation: str, model: str, field: str, value: Any) -> None:
    body = {"prompt": "a", field: value}
    assert fits(model, body) is takes(operation, body)
    if takes(operation, body):
        checked = KLING.checked(KLING.operation(operation), body, PromptLimits(2500, 2500))
        assert ".0" not in json.dumps(checked.body)
