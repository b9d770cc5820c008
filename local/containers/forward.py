"""Forwards connections from an address that containers can reach to the same ports on loopback."""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial

LOOPBACK = "127.0.0.1"
_CHUNK = 65_536


def main(arguments: list[str] | None = None) -> int:
    """Forward until the process is stopped."""
    parser = argparse.ArgumentParser(prog="python -m local.containers.forward", description=__doc__)
    parser.add_argument("address", help="address to listen on")
    parser.add_argument("ports", type=int, nargs="+", help="ports to listen on, and to forward to on loopback")
    options = parser.parse_args(arguments)
    asyncio.run(_forward(options.address, options.ports))
    return 0


@asynccontextmanager
async def forwarding(address: str, ports: list[int]) -> AsyncIterator[None]:
    """Listen on each port of `address`. Raises OSError, and listens on none, if a port is in use."""
    async with AsyncExitStack() as servers:
        for port in ports:
            await servers.enter_async_context(await asyncio.start_server(partial(_forward_connection, port), address, port))
        yield


async def _forward(address: str, ports: list[int]) -> None:
    async with forwarding(address, ports):
        await asyncio.Event().wait()


async def _forward_connection(port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        inner_reader, inner_writer = await asyncio.open_connection(LOOPBACK, port)
        await asyncio.gather(_copy(reader, inner_writer), _copy(inner_reader, writer))
        inner_writer.close()
    writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy one direction until its sender closes it."""
    try:
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.close()


if __name__ == "__main__":
    sys.exit(main())
