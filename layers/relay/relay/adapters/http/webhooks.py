"""HttpWebhookSender: one signed POST to a client's URL, behind the SSRF guard and with a total timeout."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import httpcore
import httpx

from relay.adapters.http.client import stateless_client
from relay.adapters.http.guard import name_of
from relay.adapters.http.tls import verified
from relay.domain.errors import ForbiddenAddressError
from relay.domain.retry_after import seconds_of
from relay.domain.webhook import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from relay.adapters.secrets.webhook_secrets import WebhookSecrets

_CONNECT_TIMEOUT = 5.0
_HEADERS = {"Content-Type": "application/json; charset=utf-8", "Accept": "*/*"}
_ERRORS = {
    httpx.ConnectTimeout: "no connection in time",
    httpx.TimeoutException: "no answer in time",
    httpx.ConnectError: "no connection",
    httpx.RemoteProtocolError: "no HTTP answer",
    httpx.InvalidURL: "no URL",
}


class HttpWebhookSender:
    """WebhookSender; `timeout` in seconds for the whole request, `now` the time in ms."""

    def __init__(
        self, transport: httpx.BaseTransport, secrets: WebhookSecrets, *, timeout: float, now: Callable[[], int]
    ) -> None:
        self._client = stateless_client(transport=transport, follow_redirects=False)
        self._seconds = timeout
        self._timeout = httpx.Timeout(timeout, connect=min(_CONNECT_TIMEOUT, timeout))
        self._secrets = secrets
        self._now = now

    def post(self, url: str, body: bytes, *, tenant: str, event_id: str) -> Answer:
        """Reads the status and headers of the response, but not its body. Whatever fails is the answer's `error`."""
        headers = {**_HEADERS, **self._secrets.headers(tenant, event_id, body, at=self._now())}
        began = time.monotonic()
        status, error, retry_after = None, None, None
        try:
            # httpx decodes the host to see whether it needs a Host header, and cannot decode every name that exists.
            headers["Host"] = httpx.URL(url).netloc.decode("ascii")
            until = {"until": began + self._seconds}
            with self._client.stream(
                "POST", url, content=body, headers=headers, timeout=self._timeout, extensions=until
            ) as response:
                status = response.status_code
                retry_after = seconds_of(response.headers.get("retry-after", ""), at=self._now())
        except ForbiddenAddressError as forbidden:
            # Events show the error, but not a client's URL.
            error = str(forbidden).replace(name_of(httpx.URL(url)), "the host")[:120]
        except Exception as failure:  # noqa: BLE001 - the URL and the response are a stranger's: each attempt ends on record
            error = next(
                (text for kind, text in _ERRORS.items() if isinstance(failure, kind)), f"broken off: {type(failure).__name__}"
            )
        took = round((time.monotonic() - began) * 1000)
        return Answer(took_ms=took, http_status=status, error=error, retry_after=retry_after)


class BoundedTransport(httpx.HTTPTransport):
    """An HTTP transport that ends each request after `seconds` in total; httpx's own timeouts apply to each read only.

    A request's extension `until`, a time of `time.monotonic()`, may end it sooner, so that the time before counts too.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(trust_env=False)
        self._backend = _BoundedBackend(seconds)
        self._pool = httpcore.ConnectionPool(
            ssl_context=verified(),
            max_connections=None,  # no delivery waits for another one's endpoint
            max_keepalive_connections=0,  # one request for each connection
            network_backend=self._backend,
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The pool opens the connection in this thread, so the backend finds the time there."""
        self._backend.until.at = request.extensions.get("until", float("inf"))
        return super().handle_request(request)


class _Until(threading.local):
    at = float("inf")


class _BoundedBackend(httpcore.NetworkBackend):
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._backend = httpcore.SyncBackend()
        self.until = _Until()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        now = time.monotonic()
        until = min(now + self._seconds, self.until.at)
        if until <= now:
            raise httpcore.ConnectTimeout("the whole request takes too long")
        within = until - now if timeout is None else min(timeout, until - now)
        return _BoundedStream(self._backend.connect_tcp(host, port, within, local_address, socket_options), until)


class _BoundedStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, until: float) -> None:
        self._stream = stream
        self._until = until

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._left(timeout, httpcore.WriteTimeout))

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._left(timeout, httpcore.ConnectTimeout)
        return _BoundedStream(self._stream.start_tls(ssl_context, server_hostname, left), self._until)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def close(self) -> None:
        self._stream.close()

    def _left(self, timeout: float | None, error: type[Exception]) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise error("the whole request takes too long")
        return left if timeout is None else min(left, timeout)
