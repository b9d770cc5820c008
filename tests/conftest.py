"""What all tests share."""

import pytest
from hypothesis import settings

from tests.fakes.world import World

settings.register_profile("relay", deadline=None)
settings.load_profile("relay")


@pytest.fixture
def world() -> World:
    """The use cases over fakes."""
    return World()
