"""A TLS front for the embedded gateway, on loopback: the relay at the root of a host, as a domain on AWS has it."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext

import aiohttp
import trustme
from aiohttp import web

_HOP_BY_HOP = {"host", "connection", "content-length", "transfer-encoding", "content-encoding"}
_LARGEST = 16 << 20
_START_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Front:
    """Its base URL, and the certificate authority that its clients must be told of."""

    url: str
    authority: Path


@contextmanager
def tls_front(target: str, directory: Path) -> Iterator[Front]:
    """Everything below the front's root is asked for below `target`."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(directory / "authority.pem")
    tls = SSLContext(PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    loop, stop, started = asyncio.new_event_loop(), asyncio.Event(), Future[int]()
    thread = threading.Thread(target=loop.run_until_complete, args=(_serve(target, tls, stop, started),), daemon=True)
    thread.start()
    try:
        yield Front(f"https://127.0.0.1:{started.result(_START_SECONDS)}", directory / "authority.pem")
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


async def _serve(target: str, tls: SSLContext, stop: asyncio.Event, started: Future[int]) -> None:
    async with aiohttp.ClientSession() as session:

        async def forward(request: web.Request) -> web.Response:
            headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP}
            url = target + request.raw_path
            async with session.request(request.method, url, headers=headers, data=await request.read()) as answer:
                kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP_BY_HOP}
                return web.Response(status=answer.status, headers=kept, body=await answer.read())

        app = web.Application(client_max_size=_LARGEST)
        app.router.add_route("*", "/{path:.*}", forward)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
            await site.start()
            started.set_result(runner.addresses[0][1])
            await stop.wait()
        finally:
            await runner.cleanup()
