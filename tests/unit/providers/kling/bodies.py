"""The documented request bodies of Kling's operations, and what the relay says to a body."""

import json
from pathlib import Path
from typing import Any, cast

import pytest

from relay.domain.errors import InvalidRequestError
from relay.providers.base import Checked, PromptLimits
from relay.providers.kling.requests.body import KlingBody, checked, model_of
from relay.providers.kling.translator import Kling

FIXTURES = Path(__file__).parents[3] / "fixtures" / "kling" / "requests"
REQUESTS: dict[str, type[KlingBody]] = {name: model_of(operation.model) for name, operation in Kling.operations.items()}
SYNCHRONOUS = {name: model_of(each.model) for name, each in Kling.synchronous.items() if each.method == "POST"}
URL = "https://example.com/cat.png"
type Body = dict[str, Any]


def check(operation: str, body: object, *, prompt_limit: int = 2500, negative_prompt_limit: int = 2500) -> Checked:
    """What goes upstream; raises InvalidRequestError."""
    limits = PromptLimits(prompt_limit, negative_prompt_limit)
    model = (REQUESTS | SYNCHRONOUS)[operation]
    return checked(operation, model, cast("Body", body), limits)


def refusal(operation: str, body: object, **limits: int) -> str:
    """The message of the refusal."""
    with pytest.raises(InvalidRequestError) as caught:
        check(operation, body, **limits)
    return caught.value.message


def fixture(operation: str, size: str = "smallest") -> Body:
    """A documented body; a synchronous operation has one."""
    name = operation.replace("/", "_")
    path = FIXTURES / "synchronous" / f"{name}.json" if operation in SYNCHRONOUS else FIXTURES / f"{name}.{size}.json"
    return cast("Body", json.loads(path.read_text()))
