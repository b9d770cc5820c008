"""Unit tests open no socket; those of the development tools may, on loopback."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_socket import _remove_restrictions, disable_socket, socket_allow_hosts

_LOOPBACK_ALLOWED = Path(__file__).parent / "local"


@pytest.fixture(autouse=True)
def sockets_off(request: pytest.FixtureRequest) -> Iterator[None]:
    """Pairs of Unix sockets stay possible: an event loop wakes itself through one."""
    if _LOOPBACK_ALLOWED in request.path.parents:
        socket_allow_hosts(["127.0.0.1"])
    else:
        disable_socket(allow_unix_socket=True)
    yield
    _remove_restrictions()
