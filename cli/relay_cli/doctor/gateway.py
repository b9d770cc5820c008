"""Checks from outside: the API responds, the callback route works, and the clocks agree."""

import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

import httpx

from relay_cli.doctor.deployment import Deployment
from relay_cli.doctor.findings import Finding, broken, fine, note, warning
from relay_cli.target import is_loopback

_TIMEOUT = 15.0  # seconds
_SKEW_SECONDS = 30
"""The clock difference that the relay accepts for JWTs. AWS itself rejects requests from 5 minutes on."""
_NOT_FOUND = 1203


def health(deployment: Deployment) -> Iterator[Finding]:
    """`GET /health` succeeds, and the `Date` of its response agrees with this machine's clock."""
    url = deployment.callback_base if is_loopback(deployment.callback_base) else deployment.outputs["ApiUrl"]
    began = time.time()
    try:
        response = httpx.get(f"{url}/health", timeout=_TIMEOUT, trust_env=not is_loopback(url))
    except httpx.TransportError as error:
        yield broken("gateway", f"{url}/health: {error or type(error).__name__}", "check DNS, the network and the stack's API")
        return
    if not response.is_success:
        yield broken("gateway", f"{url}/health returned HTTP {response.status_code}", "check the log of QueryTasks")
        return
    yield fine("gateway", f"responds in {(time.time() - began) * 1000:.0f} ms")
    yield from _clock(response.headers.get("date"), began)


def _clock(date: str | None, now: float) -> Iterator[Finding]:
    if date is None:
        return
    skew = parsedate_to_datetime(date).timestamp() - now
    if abs(skew) > _SKEW_SECONDS:
        message = f"this machine's clock is {abs(skew):.0f} s {'behind' if skew > 0 else 'ahead of'} the gateway"
        yield broken("clock", message, "set the clock with NTP: the relay rejects JWTs that are created on this machine")
    else:
        yield fine("clock", f"within {max(abs(skew), 1):.0f} s of the gateway")


def callbacks(deployment: Deployment) -> Iterator[Finding]:
    """A callback with a forged token reaches ReceiveCallback, which rejects it."""
    base = deployment.callback_base
    try:
        url = f"{base}/callbacks/relay-doctor/not-a-token"
        response = httpx.post(url, json={}, timeout=_TIMEOUT, trust_env=not is_loopback(base))
        reached = response.status_code == httpx.codes.NOT_FOUND and response.json().get("code") == _NOT_FOUND
    except (httpx.TransportError, ValueError) as error:
        yield broken(
            "callbacks", f"{base}: {error or type(error).__name__}", "check PublicUrl: the provider sends its callbacks there"
        )
        return
    if not reached:
        message = f"{base}/callbacks/… returned HTTP {response.status_code}, but not the relay's response"
        advice = "check PublicUrl and the mapping of the custom domain; meanwhile the relay polls for results"
        yield broken("callbacks", message, advice)
    elif is_loopback(base):
        advice = "a provider on another machine cannot reach it; the relay polls for results"
        yield note("callbacks", "the callback URL points to this machine", advice)
    elif not base.startswith("https://"):
        yield warning("callbacks", f"{base} is not https", "set PublicUrl to an https URL")
    else:
        yield fine("callbacks", f"{base}/callbacks/… rejects a forged token")
