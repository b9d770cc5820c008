"""What schemathesis cannot know: values that are files or unique, and rules between fields, which JSON Schema does not say."""

import itertools
import string
import uuid
from typing import Any

import schemathesis
from hypothesis import strategies as st
from pydantic import ValidationError
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation import GenerationMode

from relay.providers.kling.requests.body import model_of
from relay.providers.kling.translator import PREFIX, Kling

_SOUND = "SUQzBAAAAAAAAA=="
_RUN = uuid.uuid4().hex[:12]
_numbers = itertools.count()

for _format, _values in {
    "image": ["https://example.com/cat.png"],
    "video": ["https://example.com/cat.mp4"],
    "sound": ["https://example.com/cat.mp3", _SOUND],
    "sound-url": ["https://example.com/cat.mp3"],
    "sound-data": [_SOUND],
    "uri": ["https://example.com/hook"],
}.items():
    schemathesis.openapi.format(_format, st.sampled_from(_values))
schemathesis.openapi.format("printable", st.text(string.ascii_letters + string.digits + " -_äß漢", max_size=256))


@schemathesis.hook
def filter_case(context: Any, case: Any) -> bool:  # noqa: ARG001 - called by name and place
    """Leave out a body that fits its schema and that only a rule between fields refuses."""
    return not (_is_valid(case, ParameterLocation.BODY) and _breaks_a_rule(case.operation.path, case.body))


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:  # noqa: ARG001 - as above
    """An id of a client's is used once: another request with it would be refused, and rightly."""
    if _is_valid(case, ParameterLocation.BODY) and isinstance(case.body, dict):
        if isinstance(case.body.get("input"), dict) and case.operation.path.endswith("/predictions"):
            case.body = {**case.body, "input": {**case.body["input"], "prompt": "a paper boat"}}  # the model's own schema
        external = case.body.get("external_task_id")
        if isinstance(external, str) and external.strip():
            case.body = {**case.body, "external_task_id": f"{_RUN}-{next(_numbers)}"}
    if _is_valid(case, ParameterLocation.HEADER) and "Idempotency-Key" in (case.headers or {}):
        case.headers["Idempotency-Key"] = f"{_RUN}-{next(_numbers)}"


def _is_valid(case: Any, location: ParameterLocation) -> bool:
    component = case.meta.components.get(location) if case.meta else None
    return component is None or component.mode is GenerationMode.POSITIVE


def _breaks_a_rule(path: str, body: Any) -> bool:
    name = path.removeprefix(PREFIX)
    operation = Kling.operations.get(name) or Kling.synchronous.get(name)
    if operation is None or not isinstance(body, dict):
        return False
    try:
        model_of(operation.model).model_validate(body, context={})
    except ValidationError as error:
        return all(_is_between_fields(each) for each in error.errors(include_url=False))
    return False


def _is_between_fields(error: Any) -> bool:
    """Such a rule is checked on the object, and names the field in question beside it."""
    return error["type"] == "kling" and (bool(error["ctx"]["at"]) or isinstance(error["input"], dict))
