"""The guard of this folder: no unit test reaches the network."""

import socket

import pytest
from pytest_socket import SocketBlockedError

pytestmark = pytest.mark.filterwarnings("ignore:A test tried to use socket")


def test_a_unit_test_opens_no_socket() -> None:
    with pytest.raises(SocketBlockedError):
        socket.create_connection(("127.0.0.1", 9))
    with pytest.raises(SocketBlockedError):
        socket.socket()


def test_a_unit_test_resolves_no_name() -> None:
    with pytest.raises(SocketBlockedError):
        socket.getaddrinfo("example.com", 443)
