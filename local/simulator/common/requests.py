"""Reading requests, alike for every provider."""

from typing import Any

from aiohttp import web

from local.simulator.common.errors import ProviderError


async def json_object(request: web.Request) -> dict[str, Any]:
    """The body as a JSON object; raises ProviderError."""
    try:
        body = await request.json()
    except ValueError:
        raise ProviderError(1200, "the request body is not valid JSON") from None
    if not isinstance(body, dict):
        raise ProviderError(1200, "the request body must be a JSON object")
    return body
