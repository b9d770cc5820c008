"""Fields that take a file: each says in its annotation what it takes, and in its JSON Schema what it expects."""

import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from relay.providers.media import Media
from tests.unit.providers.kling.bodies import REQUESTS, SYNCHRONOUS

FILE = re.compile(r"(.*_)?(image|images|mask|image_tail|image_url|video_url|audio_url|audio_file|sound_file)")
NO_FILES = {"watermark_url"}


def fields_of(model: type[BaseModel]) -> Iterator[tuple[str, Any]]:
    """Every field below a model: its name and everything that its annotation holds."""
    for name, field in model.model_fields.items():
        parts = list(parts_of(field.annotation)) + list(field.metadata)
        yield name, parts
        for part in parts:
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from fields_of(part)


def parts_of(annotation: Any) -> Iterator[Any]:
    yield annotation
    for argument in get_args(annotation):
        yield from parts_of(argument)


@pytest.mark.parametrize("operation", REQUESTS | SYNCHRONOUS)
def test_exactly_the_fields_that_take_a_file_say_so(operation: str) -> None:
    for name, parts in fields_of((REQUESTS | SYNCHRONOUS)[operation]):
        marks = [part for part in parts if isinstance(part, Media)]
        assert bool(marks) == bool(FILE.fullmatch(name)), (operation, name)
        assert {mark.kind for mark in marks} <= {
            kind for kind, words in {"image": "image mask", "video": "video", "audio": "audio sound"}.items()
            if any(word in name for word in words.split())
        }  # fmt: skip


@pytest.mark.parametrize("operation", REQUESTS)
def test_limits_stand_in_the_schema(operation: str) -> None:
    schema = REQUESTS[operation].model_json_schema()
    properties = schema["properties"]

    assert properties["callback_url"]["anyOf"][0] == {"type": "string", "format": "uri", "maxLength": 2048}
    for name, expected in {"n": {"minimum": 1, "maximum": 9}, "cfg_scale": {"minimum": 0, "maximum": 1}}.items():
        if name in properties:
            assert expected.items() <= properties[name]["anyOf"][0].items()
