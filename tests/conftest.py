"""What all tests share."""

import os

import pytest
from hypothesis import settings

from tests.fakes.world import World

# Read once, when relay.entrypoint is imported: before any test could set them.
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "comet-relay")
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "CometRelay")

settings.register_profile("relay", deadline=None)
settings.load_profile("relay")


@pytest.fixture
def world() -> World:
    """The use cases over fakes."""
    return World()
