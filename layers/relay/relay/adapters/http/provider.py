"""HttpProviderApi: the provider over HTTP, with a total timeout. Its errors tell whether a request may have been billed."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import httpx

from relay.adapters.http.bounded import BoundedTransport
from relay.adapters.http.client import stateless_client
from relay.domain.errors import OutcomeUnknownError, ProviderBusyError, ProviderError, UnavailableError
from relay.providers.base import Encoding, FilePart, ProviderRequest, ProviderResponse

if TYPE_CHECKING:
    from collections.abc import Callable

_CONNECT_TIMEOUT = 5.0
_ANSWER_LIMIT = 4_194_304
_STATUSES_END = 600
_SERVER_ERROR = 500
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.ProxyError)


class HttpProviderApi:
    """ProviderApi at one base URL.

    `key` returns the Bearer key and is called for each request. `renew` makes it read the key again; False: it was read just now.
    """

    def __init__(
        self,
        base_url: str,
        key: Callable[[], str | None],
        transport: httpx.BaseTransport | None = None,
        *,
        renew: Callable[[], bool] = lambda: False,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._key = key
        self._renew = renew
        transport = transport or BoundedTransport(kept=32, most=100)  # reconcile has 32 threads
        self._client = stateless_client(transport=transport, follow_redirects=False)

    def send(self, request: ProviderRequest, *, timeout: float) -> ProviderResponse:
        """Send one request; `timeout` in seconds for all of it. Only a key that was renewed meanwhile lets it be sent again."""
        until = time.monotonic() + timeout
        key = self._key() or ""
        response = self._sent(request, key, timeout, until=until)
        if response.status == 401 and (renewed := self._renewed(key)):
            return self._sent(request, renewed, max(until - time.monotonic(), 0.001), until=until)
        return response

    def _renewed(self, key: str) -> str:
        """The key if it has changed since; else, or if it cannot be read, nothing: then the refusal counts."""
        try:
            renewed = self._key() or "" if self._renew() else ""
        except UnavailableError:
            return ""
        return renewed if renewed != key else ""

    def _sent(self, request: ProviderRequest, key: str, timeout: float, *, until: float) -> ProviderResponse:
        headers = {"Authorization": f"Bearer {key}", "Accept": "application/json", **request.headers}
        body = _encoded(request)
        if "content" in body:
            headers["Content-Type"] = "application/json"
        try:
            with self._client.stream(
                request.method,
                self._base_url + request.path,
                headers=headers,
                timeout=httpx.Timeout(timeout, connect=min(_CONNECT_TIMEOUT, timeout)),
                extensions={"until": until},
                **body,
            ) as response:
                # RFC 9110, section 15: a status above 599 is handled like 5xx. API Gateway would not send it to a client.
                status = response.status_code if response.status_code < _STATUSES_END else _SERVER_ERROR
                return ProviderResponse(status, _read(response), dict(response.headers))
        except _NEVER_SENT as error:
            raise ProviderBusyError(f"the provider cannot be reached: {type(error).__name__}") from error
        except ProviderError:
            raise
        except Exception as error:  # of httpx, but also others: it reads the URL of a redirect that it does not follow
            raise OutcomeUnknownError(f"no answer from the provider: {type(error).__name__}") from error


def _encoded(request: ProviderRequest) -> dict[str, Any]:
    """The body as httpx's arguments. httpx names the type of a form; `content` is JSON."""
    if request.body is None:
        return {}
    if request.encoding is Encoding.JSON:
        return {"content": _json(request.body)}
    files = {name: value for name, value in request.body.items() if isinstance(value, FilePart)}
    texts = {name: value if isinstance(value, str) else _json(value).decode() for name, value in request.body.items()
             if name not in files}  # fmt: skip
    if request.encoding is Encoding.FORM:
        return {"data": texts}
    parts = {name: (None, value) for name, value in texts.items()}
    return {"files": parts | {name: (file.name, file.content, file.media_type) for name, file in files.items()}}


def _json(value: object) -> bytes:
    """JSON in UTF-8, made in pieces: as one text, a single emoji would let each character of a file take four bytes."""
    return b"".join(piece.encode() for piece in json.JSONEncoder(ensure_ascii=False).iterencode(value))


def _read(response: httpx.Response) -> bytes:
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > _ANSWER_LIMIT:
            raise OutcomeUnknownError("the provider's answer is too large", status=response.status_code)
    return bytes(body)
