"""A fast simulator, a client of its Kling API and a callback receiver, all on loopback."""

import ssl
from collections.abc import Iterator

import httpx
import pytest

from local.simulator import Controls, running
from tests.unit.local.simulator.receiver import Receiver, receiving


@pytest.fixture
def simulator(socket_enabled: None) -> Iterator[Controls]:  # noqa: ARG001 - loopback only
    """A simulator in which a task takes about 5 ms."""
    with running(speed=1000.0, video_bytes=20_000, image_bytes=8_000, audio_bytes=20_000) as controls:
        yield controls


@pytest.fixture
def provider(simulator: Controls) -> Iterator[httpx.Client]:
    """A client of the provider's API, with the right key."""
    base, no_tls = f"{simulator.url}/kling/v1", ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with httpx.Client(base_url=base, headers=simulator.headers, trust_env=False, verify=no_tls) as client:
        yield client


@pytest.fixture
def receiver(socket_enabled: None) -> Iterator[Receiver]:  # noqa: ARG001 - loopback only
    """A receiver for callbacks."""
    with receiving() as listening:
        yield listening
