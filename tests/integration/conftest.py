"""Fixtures: one moto and one outside world for all tests, everything in them new for each."""

from collections.abc import Iterator
from functools import cache
from urllib.request import Request, urlopen

import httpx
import pytest

from relay.adapters import aws
from relay.bootstrap import services
from tests.support.moto_world import MotoWorld, moto
from tests.support.upstream import Upstream, upstream


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    """Where AWS is."""
    server = moto()
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def outside() -> Iterator[Upstream]:
    """The provider and its result hosts."""
    with upstream() as running:
        yield running


@pytest.fixture(scope="session", autouse=True)
def one_tls_context() -> Iterator[None]:
    """Every httpx.Client reads all certificates anew, which no test here needs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("httpx._transports.default.create_ssl_context", cache(httpx.create_ssl_context))
        yield


@pytest.fixture(scope="module", autouse=True)
def fresh_clients() -> Iterator[None]:
    """AWS clients are kept for a module: making them is most of a test's time."""
    aws.client.cache_clear()
    aws._session.cache_clear()
    yield
    aws.client.cache_clear()
    aws._session.cache_clear()


@pytest.fixture
def world(endpoint: str, outside: Upstream, monkeypatch: pytest.MonkeyPatch) -> Iterator[MotoWorld]:
    """A relay without tasks."""
    urlopen(Request(f"{endpoint}/moto-api/reset", method="POST")).close()  # noqa: S310 - our own server
    outside.reset()
    environment = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "POWERTOOLS_SERVICE_NAME": "comet-relay",
        "POWERTOOLS_METRICS_NAMESPACE": "CometRelay",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    made = MotoWorld(endpoint, outside)
    for name, value in made.create().items():
        monkeypatch.setenv(name, value)
    services.cache_clear()
    yield made
    for name in ("api", "source", "webhook_sender"):
        if name in services().__dict__:
            getattr(services(), name)._client.close()
    services.cache_clear()
