"""HttpProviderApi: the provider over HTTP, with a total timeout. Its errors tell whether a request may have been billed."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import httpx

from relay.adapters.http.client import stateless_client
from relay.adapters.http.tls import verified
from relay.domain.errors import OutcomeUnknownError, ProviderBusyError
from relay.providers.base import ProviderRequest, ProviderResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_CONNECT_TIMEOUT = 5.0
_ANSWER_LIMIT = 4_194_304
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.ProxyError)


class HttpProviderApi:
    """ProviderApi at one base URL; `key` returns the Bearer key and is called for each request."""

    def __init__(self, base_url: str, key: Callable[[], str | None], transport: httpx.BaseTransport | None = None) -> None:
        self._base_url = base_url.rstrip("/")
        self._key = key
        limits = httpx.Limits(max_connections=100, max_keepalive_connections=32)  # as many as reconcile has threads
        self._client = stateless_client(transport=transport, verify=verified(), limits=limits, follow_redirects=False)

    def send(self, request: ProviderRequest, *, timeout: float) -> ProviderResponse:
        """Send one request, which is never repeated here; `timeout` in seconds for the request as a whole."""
        until = time.monotonic() + timeout
        content = None if request.body is None else _encoded(request.body)
        headers = {"Authorization": f"Bearer {self._key() or ''}", "Accept": "application/json"}
        if content is not None:
            headers["Content-Type"] = "application/json"
        try:
            with self._client.stream(
                request.method,
                self._base_url + request.path,
                content=content,
                headers=headers,
                timeout=httpx.Timeout(timeout, connect=min(_CONNECT_TIMEOUT, timeout)),
            ) as response:
                return ProviderResponse(response.status_code, _read(response, until))
        except _NEVER_SENT as error:
            raise ProviderBusyError(f"the provider cannot be reached: {type(error).__name__}") from error
        except httpx.HTTPError as error:
            raise OutcomeUnknownError(f"no answer from the provider: {type(error).__name__}") from error


def _encoded(body: Mapping[str, Any]) -> bytes:
    """JSON in UTF-8, made in pieces: as one text, a single emoji would let each character of a file take four bytes."""
    return b"".join(piece.encode() for piece in json.JSONEncoder(ensure_ascii=False).iterencode(body))


def _read(response: httpx.Response, until: float) -> bytes:
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > _ANSWER_LIMIT:
            raise OutcomeUnknownError("the provider's answer is too large", status=response.status_code)
        if time.monotonic() > until:
            raise OutcomeUnknownError("the provider's answer takes too long", status=response.status_code)
    return bytes(body)
