"""The HTTP server for one account, on loopback only."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from local.simulator.account.account import Account
from local.simulator.common.errors import AdminError, ProviderError
from local.simulator.http.admin import Admin
from local.simulator.http.downloads import Downloads
from local.simulator.protocol.registry import PROVIDERS

HOST = "127.0.0.1"
_LARGEST_BODY = 256 * 1024 * 1024
_SHUTDOWN_SECONDS = 0.05


def make_app(account: Account) -> web.Application:
    """An application with the providers' routes, the downloads and the admin routes."""

    @web.middleware
    async def errors(request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> web.StreamResponse:
        try:
            return await handler(request)
        except ProviderError as error:
            request_id = f"{account.randomness.generator('request ids').getrandbits(128):032x}"
            return web.json_response(account.provider_at(request.path).error_body(error, request_id), status=error.status)
        except AdminError as error:
            return web.json_response({"error": str(error)}, status=400)

    app = web.Application(middlewares=[errors], client_max_size=_LARGEST_BODY)
    for provider in PROVIDERS:
        app.add_routes(provider.routes(account))
    for part in (Downloads(account), Admin(account)):
        app.add_routes(part.routes())
    return app


@asynccontextmanager
async def listening(account: Account, port: int = 0) -> AsyncIterator[str]:
    """Serve the account on a loopback port (0: any free one). Yields the URL. Raises OSError if the port is in use."""
    runner = web.AppRunner(make_app(account), access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port).start()
        account.base_url = f"http://{HOST}:{runner.addresses[0][1]}"
        yield account.base_url
    finally:
        await account.close()
        await runner.cleanup()
