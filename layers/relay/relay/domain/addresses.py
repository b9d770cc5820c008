"""Addresses: which ones are public, and which URLs are allowed as `callback_url`."""

import ipaddress
from urllib.parse import urlsplit

from relay.domain.errors import InvalidRequestError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

ALLOWED_PORTS = frozenset({None, 443})
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = ipaddress.IPv6Network("64:ff9b:1::/48")
_SIX_TO_FOUR = ipaddress.IPv6Network("2002::/16")
_INWARD = frozenset({"localhost", "local", "internal", "intranet", "lan", "home", "corp", "arpa", "invalid", "test"})
"""Top-level names that do not exist on the internet."""


def is_public(address: Address) -> bool:
    """Whether an address is on the public internet; an IPv4 address embedded in an IPv6 one is checked instead of it."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = _embedded(address)
        if inner is not None:
            return is_public(inner)
        if address in _NAT64_LOCAL or address.is_site_local:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved and not address.is_unspecified


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _SIX_TO_FOUR:
        return address.sixtofour
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if address.teredo is not None:
        return address.teredo[1]
    return None


def check_callback_url(url: str, *, allow_loopback: bool, field: str = "callback_url") -> None:
    """Raise InvalidRequestError for a URL that would never be called. The SSRF guard resolves the host name at each request.

    `allow_loopback`: plain http on this machine is allowed too. `field`: its name in the request.
    """
    try:
        parts = urlsplit(url)
        host, port = _in_ascii(parts.hostname or "").rstrip("."), parts.port
    except UnicodeError:  # idna's errors are of this kind
        raise InvalidRequestError(f"{field}: expected a host name; got {(parts.hostname or '')[:40]!r}") from None
    except ValueError:
        raise InvalidRequestError(f"{field}: expected a URL") from None
    if allow_loopback and parts.scheme in {"http", "https"} and _is_loopback(host):
        return
    complaint = _complaint(parts.scheme, host, port, has_user=parts.username is not None)
    if complaint:
        raise InvalidRequestError(f"{field}: {complaint}")


def _in_ascii(host: str) -> str:
    """The name that is resolved: by IDNA 2008, as httpx encodes it. Raises UnicodeError."""
    if host.isascii():
        return host
    import idna  # a large module, which few requests need

    return idna.encode(host.lower()).decode("ascii")


def _complaint(scheme: str, host: str, port: int | None, *, has_user: bool) -> str | None:
    if scheme != "https":
        return f"expected an https URL; got {scheme or 'none'}"
    if has_user:
        return "expected no user name in it; callbacks are signed"
    if port not in ALLOWED_PORTS:
        return f"expected port 443; got {port}"
    address = _literal(host)
    if not (_is_name(host) if address is None else is_public(address) and "%" not in host):
        return f"expected a public host; got {host[:40]!r}"
    return None


def _is_loopback(host: str) -> bool:
    address = _literal(host)
    return host == "localhost" if address is None else address.is_loopback


def _is_name(host: str) -> bool:
    """A name with a dot whose last label is a top-level domain; one that begins with a digit could be an address (0x7f.1)."""
    _, dot, top = host.rpartition(".")
    return bool(dot) and "%" not in host and top.lower() not in _INWARD and not top[:1].isdecimal()


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
