"""Faults of a request: an error response, a gateway's error page, no response, or a broken connection."""

import asyncio

from aiohttp import web

from local.simulator.common.errors import ProviderError
from local.simulator.faults.rules import Fault

_HTML = "<html><head><title>{status}</title></head><body><center><h1>{status}</h1></center></body></html>"
_POLL_SECONDS = 0.01


def accepts(fault: Fault) -> bool:
    """True if the task is created although the client gets no proper response. By default true for `hang` and `close` only."""
    return bool(fault.params.get("accept", fault.name in ("hang", "close")))


async def misbehave(request: web.Request, fault: Fault) -> web.StreamResponse | None:
    """Inject the fault: return its response or raise ProviderError. None: continue with the normal response, after a hang."""
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
    """Abort the connection without a response."""
    if request.transport:
        request.transport.abort()


def is_gone(request: web.BaseRequest) -> bool:
    """True if the client has closed the connection."""
    return request.transport is None or request.transport.is_closing()


def _http_error(status: int, *, html: bool) -> web.Response:
    if html:
        return web.Response(status=status, text=_HTML.format(status=status), content_type="text/html")
    error = {"code": "server_error", "message": "upstream error", "type": "comet_api_error"}
    return web.json_response({"error": error}, status=status)


async def _hang(request: web.Request, seconds: float) -> web.Response | None:
    """Wait. Returns None after `seconds`, or an unread response if the client closes the connection first."""
    clock = asyncio.get_running_loop()
    end = clock.time() + seconds
    while clock.time() < end:
        if is_gone(request):
            return web.Response()
        await asyncio.sleep(min(_POLL_SECONDS, seconds))
    return None
