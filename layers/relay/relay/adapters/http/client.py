"""`stateless_client`: makes every HTTP client of the layer. One process serves all tenants, so no client keeps cookies."""

from __future__ import annotations

from http.cookiejar import CookieJar
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from urllib.request import Request


def stateless_client(**options: Any) -> httpx.Client:
    """A client with these options of httpx.Client, which ignores cookies and the proxies and passwords of the environment."""
    return httpx.Client(cookies=_NoCookies(), trust_env=False, **options)


class _NoCookies(CookieJar):
    """A jar that stays empty, whatever a host sends."""

    def extract_cookies(self, response: Any, request: Request) -> None: ...
