"""The stack that is up, a client of its gateway, the provider behind it, and its events."""

import json
import uuid
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from local.emulator.deploy import create_api_key
from local.gateway import EventLog, Gateway
from local.simulator import Controls
from local.stack import Stack
from tests.support import waiting

PATIENCE = 90.0
SPEED = 5.0
until = partial(waiting.until, seconds=PATIENCE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in here needs a stack."""
    for item in items:
        if "tests/e2e" in str(item.path):
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def stack() -> Stack:
    """What `make up` started."""
    return Stack.load()


@pytest.fixture(scope="session")
def gateway(stack: Stack) -> Iterator[Gateway]:
    """The first tenant."""
    with Gateway(stack) as client:
        yield client


@pytest.fixture(scope="session")
def stranger(stack: Stack) -> Iterator[Gateway]:
    """Another tenant."""
    key = create_api_key(stack.aws_endpoint_url, stack.outputs, f"stranger-{uuid.uuid4().hex[:8]}")
    with Gateway(stack, key) as client:
        yield client


@pytest.fixture(scope="session")
def events(stack: Stack) -> EventLog:
    """Every event since the stack came up."""
    return EventLog(stack)


@pytest.fixture(scope="session")
def simulator(stack: Stack) -> Iterator[Controls]:
    """The provider, faster than life."""
    with Controls(stack.provider_url) as controls:
        controls.settings(speed=SPEED)
        yield controls


@pytest.fixture
def provider(simulator: Controls) -> Iterator[Controls]:
    """The provider, faultless before and after each test."""
    simulator.clear_faults()
    yield simulator
    simulator.clear_faults()


class Functions:
    """The deployed functions, to be invoked without waiting for their triggers."""

    def __init__(self, stack: Stack) -> None:
        self._client = stack.client("lambda")
        names = [function["FunctionName"] for function in self._client.list_functions()["Functions"]]
        self._names = {name.removeprefix(f"{stack.stack_name}-").rsplit("-", 1)[0]: name for name in names}

    def invoke(self, logical_id: str, event: dict[str, Any]) -> Any:
        """The function's answer; raises AssertionError when it fails."""
        answer = self._client.invoke(FunctionName=self._names[logical_id], Payload=json.dumps(event).encode())
        body = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, body
        return body


@pytest.fixture(scope="session")
def functions(stack: Stack) -> Functions:
    """See Functions."""
    return Functions(stack)
