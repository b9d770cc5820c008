"""Docker Engine, the base image, and a stack that containers reach: what is not there is brought up and taken down again."""

from collections.abc import Iterator

import pytest

from local import down, up
from local.simulator import Controls
from local.stack import STACK_FILE, Stack
from tests.sam import base_image, engine


@pytest.fixture(scope="session")
def image() -> Iterator[str]:
    """Where the base image came from."""
    with engine.running():
        yield base_image.ensure()


@pytest.fixture(scope="session")
def stack(image: str) -> Iterator[Stack]:  # noqa: ARG001 - the way in for containers exists once an engine runs
    """The stack that is up, or one for these tests."""
    was_up = STACK_FILE.exists()
    assert up.main([]) == 0
    try:
        stack = Stack.load()
        assert stack.container_host, "containers do not reach this stack"
        yield stack
    finally:
        if not was_up:
            down.main()


@pytest.fixture(scope="session")
def simulator(stack: Stack) -> Iterator[Controls]:
    """The provider."""
    with Controls(stack.provider_url, "sk-sim") as controls:
        settings = controls.state(hashes=False)["settings"]
        yield controls
        controls.reset()
        controls.settings(**settings)
