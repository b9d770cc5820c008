"""The options of a command, derived from the provider's table and models."""

import pytest

from relay.providers.kling.requests.body import model_of
from relay.providers.kling.requests.edits import Effects, LipSync
from relay.providers.kling.requests.videos import TextToVideo
from relay.providers.kling.translator import Kling
from relay_cli.commands.submit import OPTIONS
from relay_cli.fields import fields_of
from relay_cli.operations import operation_named, short_names
from relay_cli.session import CLIENT

LEFT_TO_BODY = {"face_choose"}  # a list of objects with several required fields
each_operation = pytest.mark.parametrize("operation", Kling.operations.values(), ids=lambda operation: operation.name)


@each_operation
def test_no_option_of_an_operation_hides_another(operation: object) -> None:
    model = model_of(operation.model)  # type: ignore[attr-defined]
    names = [field.option for field in fields_of(model)]
    names += [parameter.name for parameter in OPTIONS]
    names += CLIENT
    assert len(names) == len(set(names))


@each_operation
def test_every_required_text_of_an_operation_has_its_option(operation: object) -> None:
    model = model_of(operation.model)  # type: ignore[attr-defined]
    paths = {field.path for field in fields_of(model)}
    for name, info in model.model_fields.items():
        if info.is_required() and name not in LEFT_TO_BODY:
            assert any(path[0] == name for path in paths), name


def test_short_names_are_unique_ends_of_the_paths() -> None:
    names = short_names()
    assert set(names.values()) == {*Kling.operations, "replicate/predictions"}
    assert names["text2video"] == "videos/text2video"
    assert names["image2video"] == "videos/image2video"
    assert names["avatar/image2video"] == "videos/avatar/image2video"
    assert all(operation.endswith(name) for name, operation in names.items())
    assert operation_named("text2video") == operation_named("videos/text2video") == "videos/text2video"
    assert operation_named("videos/newest") == "videos/newest"


def test_the_fields_of_a_required_object_become_options() -> None:
    fields = {field.option: field for field in fields_of(LipSync)}
    assert fields["video_id"].path == ("input", "video_id")
    assert fields["audio_file"].takes_base64
    assert fields["audio_url"].takes_file
    assert not fields["audio_url"].takes_base64
    assert not fields["text"].takes_file


def test_of_two_fields_with_one_name_the_one_in_the_required_object_wins() -> None:
    fields = {field.option: field for field in fields_of(Effects)}
    assert fields["model_name"].path == ("input", "model_name")
    assert fields["image"].takes_file


def test_a_list_of_objects_with_one_required_field_is_a_repeatable_option() -> None:
    fields = {field.option: field for field in fields_of(TextToVideo)}
    assert fields["voice_list"].placed(["a", "b"]) == [{"voice_id": "a"}, {"voice_id": "b"}]
    assert "multi_prompt" not in fields  # three required fields: --field and --body
    assert "camera_control" not in fields
