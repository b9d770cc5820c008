"""The SSRF guard: an HTTP transport that connects only to checked addresses, for URLs from clients and providers."""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx

from relay.domain.addresses import ALLOWED_PORTS, Address, is_public
from relay.domain.errors import ForbiddenAddressError

if TYPE_CHECKING:
    from collections.abc import Callable

_DNS_SECONDS = 5.0
"""A resolver that does not answer takes up to half a minute otherwise, and no socket timeout applies to it."""
_MOST_DIALLED = 3
"""Addresses of one host that are tried, one after the other; they share the time to connect."""


def resolve(host: str) -> list[Address]:
    """All addresses of a host name in ASCII; raises ForbiddenAddressError if it cannot be resolved."""
    try:
        host.encode("ascii")  # Python encodes other names by IDNA 2003, which makes strasse.de of straße.de
        found = _looked_up(host)
    except (OSError, UnicodeError) as error:
        raise ForbiddenAddressError(f"{host[:80]} cannot be resolved") from error
    return [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]


def _looked_up(host: str) -> list[Any]:
    """`getaddrinfo` in a thread that is left behind when it takes too long; raises TimeoutError then."""
    found: queue.SimpleQueue[list[Any] | Exception] = queue.SimpleQueue()

    def look() -> None:
        try:
            found.put(list(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)))
        except Exception as error:  # noqa: BLE001 - raised in the thread that waits
            found.put(error)

    threading.Thread(target=look, daemon=True).start()
    try:
        answer = found.get(timeout=_DNS_SECONDS)
    except queue.Empty:
        raise TimeoutError("no answer in time") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def name_of(url: httpx.URL) -> str:
    """The host as it is resolved and sent, in ASCII. `url.host` is its decoded form: it may be another name, or raise."""
    return url.raw_host.decode("ascii")


class Guard:
    """The rules for URLs: https on port 443 of public addresses.

    With `allow_loopback` also plain http on this machine: loopback, and from inside a container the host of `emulator_url`.
    """

    def __init__(
        self,
        *,
        allow_loopback: bool = False,
        emulator_url: str = "",
        resolver: Callable[[str], list[Address]] = resolve,
    ) -> None:
        self._allow_loopback = allow_loopback
        self._emulator = httpx.URL(emulator_url).host
        self._resolver = resolver

    def addresses_of(self, url: httpx.URL) -> list[Address]:
        """The addresses to dial, at least one; raises ForbiddenAddressError unless every address of the host is allowed."""
        if url.userinfo:
            raise ForbiddenAddressError("a URL with a user name in it")
        host = name_of(url)
        if "%" in host:
            raise ForbiddenAddressError("a host with a zone or an escape in it")
        addresses = self._resolver(host)
        if not addresses:
            raise ForbiddenAddressError("a host without an address")
        if self._allow_loopback and all(address.is_loopback or str(address) == self._emulator for address in addresses):
            return addresses
        if url.scheme != "https":
            raise ForbiddenAddressError(f"expected an https URL, got {url.scheme}")
        if url.port not in ALLOWED_PORTS:
            raise ForbiddenAddressError(f"port {url.port}: expected 443")
        if not all(is_public(address) for address in addresses):
            raise ForbiddenAddressError("a host with an address that is not public")
        return addresses


class GuardedTransport(httpx.BaseTransport):
    """Checks every request, redirects included, and connects to the checked address: no second DNS lookup can change it.

    `inner` must keep no connection: one that was verified for a host must not serve another host at the same address.
    """

    def __init__(self, guard: Guard, inner: httpx.BaseTransport) -> None:
        self._guard = guard
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Replace the host by its checked address in the URL only; the Host header and TLS keep the name.

        If an address cannot be connected, nothing of the request was sent, so the next one is tried.
        """
        *others, last = self._guard.addresses_of(request.url)[:_MOST_DIALLED]
        extensions = {**request.extensions, "sni_hostname": name_of(request.url).removesuffix(".")}
        if others and "timeout" in extensions:
            timeout = extensions["timeout"]
            connect = timeout.get("connect")
            extensions["timeout"] = {**timeout, "connect": connect and connect / (1 + len(others))}
        for address in others:
            with suppress(httpx.ConnectError, httpx.ConnectTimeout):
                return self._dial(request, address, extensions)
        return self._dial(request, last, extensions)

    def _dial(self, request: httpx.Request, address: Address, extensions: dict[str, Any]) -> httpx.Response:
        url = request.url.copy_with(host=str(address))
        dialled = httpx.Request(request.method, url, headers=request.headers, stream=request.stream, extensions=extensions)
        return self._inner.handle_request(dialled)

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()
