"""What all tests share."""

import os

import pytest
from hypothesis import settings

from tests.support.fakes.fake_world import FakeWorld

# Powertools reads these when the entry point is imported, whichever test is the first to do so.
os.environ.update(POWERTOOLS_SERVICE_NAME="comet-relay", POWERTOOLS_METRICS_NAMESPACE="CometRelay")

settings.register_profile("relay", deadline=None)
settings.load_profile("relay")


@pytest.fixture
def world() -> FakeWorld:
    """The use cases over fakes."""
    return FakeWorld()
