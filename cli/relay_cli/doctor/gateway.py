"""From outside: the API answers, the callback route is open, the clocks agree."""

import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

import httpx

from relay_cli.doctor.deployment import Deployment
from relay_cli.doctor.findings import Finding, broken, fine, note, warning
from relay_cli.target import is_loopback

_TIMEOUT = 15.0
_SKEW_SECONDS = 30
"""What JWT keys are allowed; AWS itself refuses requests at 5 minutes."""
_NOT_FOUND = 1203


def health(deployment: Deployment) -> Iterator[Finding]:
    """`GET /health`, and the time that the answer names."""
    url = deployment.callback_base if is_loopback(deployment.callback_base) else deployment.outputs["ApiUrl"]
    began = time.time()
    try:
        response = httpx.get(f"{url}/health", timeout=_TIMEOUT, trust_env=not is_loopback(url))
    except httpx.TransportError as error:
        yield broken("gateway", f"{url}/health: {error or type(error).__name__}", "check DNS, the network and the stack's API")
        return
    if not response.is_success:
        yield broken("gateway", f"{url}/health answers HTTP {response.status_code}", "look at the log of QueryTasks")
        return
    yield fine("gateway", f"answers in {(time.time() - began) * 1000:.0f} ms")
    yield from _clock(response.headers.get("date"), began)


def _clock(date: str | None, now: float) -> Iterator[Finding]:
    if date is None:
        return
    skew = parsedate_to_datetime(date).timestamp() - now
    if abs(skew) > _SKEW_SECONDS:
        told = f"this machine is {abs(skew):.0f} s {'behind' if skew > 0 else 'ahead of'} the gateway"
        yield broken("clock", told, "set its clock (NTP): keys made here as JWT are refused")
    else:
        yield fine("clock", f"within {max(abs(skew), 1):.0f} s of the gateway")


def callbacks(deployment: Deployment) -> Iterator[Finding]:
    """A forged callback must reach ReceiveCallback, and be refused by it."""
    base = deployment.callback_base
    try:
        url = f"{base}/callbacks/relay-doctor/not-a-token"
        response = httpx.post(url, json={}, timeout=_TIMEOUT, trust_env=not is_loopback(base))
        reached = response.status_code == httpx.codes.NOT_FOUND and response.json().get("code") == _NOT_FOUND
    except (httpx.TransportError, ValueError) as error:
        yield broken("callbacks", f"{base}: {error or type(error).__name__}", "check PublicUrl: the provider calls back there")
        return
    if not reached:
        told = f"{base}/callbacks/… answers HTTP {response.status_code}, but not as the relay"
        yield broken("callbacks", told, "check PublicUrl and the custom domain's mapping; tasks still end by polling")
    elif is_loopback(base):
        yield note(
            "callbacks", "the route is on this machine", "a provider elsewhere cannot reach it; its results are polled for"
        )
    elif not base.startswith("https://"):
        yield warning("callbacks", f"{base} is not https", "set PublicUrl to an https URL")
    else:
        yield fine("callbacks", f"{base}/callbacks/… refuses a forged token")
