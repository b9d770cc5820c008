"""`stateless_client`: makes every HTTP client of the layer. One process serves all tenants, so no client keeps cookies."""

from __future__ import annotations

from http.cookiejar import CookieJar
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from urllib.request import Request

USER_AGENT = "comet-relay/0.2.0"
"""The name and version that every host sees. Some content networks answer 403 to the names of HTTP libraries."""


def stateless_client(**options: Any) -> httpx.Client:
    """A client with these options of httpx.Client, which ignores cookies and the proxies and passwords of the environment."""
    return httpx.Client(cookies=_NoCookies(), headers={"User-Agent": USER_AGENT}, trust_env=False, **options)


class _NoCookies(CookieJar):
    """A jar that stays empty, whatever a host sends."""

    def extract_cookies(self, response: Any, request: Request) -> None: ...
