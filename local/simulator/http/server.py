"""The HTTP server: one application for one world, on loopback only."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from local.simulator.account.world import World
from local.simulator.common.errors import AdminError, ProviderError
from local.simulator.http.admin import Admin
from local.simulator.http.downloads import Downloads
from local.simulator.protocol.kling.api import KlingApi

HOST = "127.0.0.1"
_LARGEST_BODY = 256 * 1024 * 1024
_SHUTDOWN_SECONDS = 0.05


def make_app(world: World) -> web.Application:
    """The provider's routes, the downloads and the admin routes."""

    @web.middleware
    async def errors(request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> web.StreamResponse:
        try:
            return await handler(request)
        except ProviderError as error:
            request_id = f"{world.dice.of('request ids').getrandbits(128):032x}"
            body = {"code": error.code, "message": error.message, "request_id": request_id}
            return web.json_response(body, status=error.status)
        except AdminError as error:
            return web.json_response({"error": str(error)}, status=400)

    app = web.Application(middlewares=[errors], client_max_size=_LARGEST_BODY)
    for part in (KlingApi(world), Downloads(world), Admin(world)):
        app.add_routes(part.routes())
    return app


@asynccontextmanager
async def listening(world: World, port: int = 0) -> AsyncIterator[str]:
    """Serve the world on a loopback port (0: any free one); yields the URL."""
    runner = web.AppRunner(make_app(world), access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port).start()
        world.base_url = f"http://{HOST}:{runner.addresses[0][1]}"
        yield world.base_url
    finally:
        await world.close()
        await runner.cleanup()
