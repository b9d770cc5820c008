"""How a request goes wrong on the wire: refused, answered with rubbish, never answered, or cut off."""

import asyncio

from aiohttp import web

from local.simulator.common.errors import ProviderError
from local.simulator.faults.rules import Fault

_HTML = "<html><head><title>{status}</title></head><body><center><h1>{status}</h1></center></body></html>"
_LOOK_EVERY = 0.01


def accepts(fault: Fault) -> bool:
    """True if the task is made although its creator will not learn it; `hang` and `close` do unless told otherwise."""
    return bool(fault.params.get("accept", fault.name in ("hang", "close")))


async def misbehave(request: web.Request, fault: Fault) -> web.StreamResponse | None:
    """The answer that the fault gives, ProviderError, or None if the ordinary answer follows (a hang that ended)."""
    params = fault.params
    match fault.name:
        case "refuse":
            raise ProviderError(params.get("code", 5000), params.get("message", ""))
        case "http_error":
            return _http_error(params.get("status", 500), html=params.get("html", False))
        case "hang":
            return await _hang(request, params.get("seconds", 3600.0))
        case _:
            cut(request)
            return web.Response()


def cut(request: web.BaseRequest) -> None:
    """Break the connection off without an answer."""
    if request.transport:
        request.transport.abort()


def is_gone(request: web.BaseRequest) -> bool:
    """True if the client has hung up."""
    return request.transport is None or request.transport.is_closing()


def _http_error(status: int, *, html: bool) -> web.Response:
    if html:
        return web.Response(status=status, text=_HTML.format(status=status), content_type="text/html")
    error = {"code": "server_error", "message": "upstream error", "type": "comet_api_error"}
    return web.json_response({"error": error}, status=status)


async def _hang(request: web.Request, seconds: float) -> web.Response | None:
    """None after so many seconds; an answer that nobody reads if the client gave up before."""
    clock = asyncio.get_running_loop()
    end = clock.time() + seconds
    while clock.time() < end:
        if is_gone(request):
            return web.Response()
        await asyncio.sleep(min(_LOOK_EVERY, seconds))
    return None
