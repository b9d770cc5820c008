"""Ports on loopback are forwarded from another address of this machine."""

import asyncio

import pytest
from pytest_socket import socket_allow_hosts

from local.containers.forward import forwarding

THERE = "127.0.0.9"


@pytest.fixture(autouse=True)
def _allowed() -> None:
    socket_allow_hosts(["127.0.0.1", THERE])


async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers when everything has been said."""
    writer.write((await reader.read()).upper())
    await writer.drain()
    writer.close()


async def asked(port: int, *words: bytes) -> list[bytes]:
    """What is answered through a forwarder, each word over a connection of its own, all at once."""

    async def ask(word: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(THERE, port)
        writer.write(word)
        writer.write_eof()
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""
        finally:
            writer.close()

    async with forwarding(THERE, [port]):
        return await asyncio.wait_for(asyncio.gather(*(ask(word) for word in words)), timeout=20)


def test_both_directions_go_through_and_end_where_the_other_end_ends() -> None:
    async def scene() -> list[bytes]:
        async with await asyncio.start_server(shout, "127.0.0.1", 0) as server:
            return await asked(server.sockets[0].getsockname()[1], b"a" * 300_000, b"b", b"")

    assert asyncio.run(scene()) == [b"A" * 300_000, b"B", b""]


def test_where_nothing_listens_the_connection_ends() -> None:
    async def scene() -> list[bytes]:
        async with await asyncio.start_server(shout, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
        return await asked(port, b"anybody")

    assert asyncio.run(scene()) == [b""]


def test_a_taken_port_is_an_error() -> None:
    async def scene() -> None:
        async with await asyncio.start_server(shout, THERE, 0) as server, forwarding(THERE, [server.sockets[0].getsockname()[1]]):
            pass

    with pytest.raises(OSError, match="in use"):
        asyncio.run(scene())
