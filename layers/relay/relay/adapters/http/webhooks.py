"""HttpWebhookSender: one signed POST to a client's URL, behind the SSRF guard and with a total timeout."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx

from relay.adapters.http.client import stateless_client
from relay.adapters.http.guard import name_of
from relay.domain.errors import ForbiddenAddressError
from relay.domain.retry_after import seconds_of
from relay.domain.webhook import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

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
