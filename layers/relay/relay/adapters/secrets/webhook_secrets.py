"""WebhookSecrets: the tenants' signing secrets, derived from one generated secret, and the signatures made with them."""

from __future__ import annotations

import base64
import hmac
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from relay.adapters.secrets.cached import Secrets

OVERLAP_SECONDS = 7 * 86_400
"""How long a tenant's previous secret stays valid."""
_PREFIX = "whsec_"


class WebhookSecrets:
    """`whsec_` and base64 of HMAC-SHA256 over tenant and generation, keyed by the generated secret. Only the number is stored.

    `generation_of` returns a tenant's generation and when each earlier one ended (ms). It is cached for `ttl` seconds.
    """

    def __init__(
        self,
        secrets: Secrets,
        secret_id: str,
        generation_of: Callable[[str], tuple[int, Mapping[int, int]]],
        *,
        ttl: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._secrets = secrets
        self._secret_id = secret_id
        self._generation_of = generation_of
        self._ttl = ttl
        self._monotonic = monotonic
        self._kept: dict[str, tuple[float, tuple[int, Mapping[int, int]]]] = {}

    def of(self, tenant: str, *, at: int) -> list[str]:
        """The secrets that are valid at a time (ms), newest first: the tenant's, and each previous one for seven days. The same
        ones of the generated secret's previous version follow."""
        generation, ended = self._generation(tenant)
        overlapping = (each for each, end in ended.items() if at < end + OVERLAP_SECONDS * 1000)
        generations = (generation, *sorted(overlapping, reverse=True))
        keys = [self._secrets.get(self._secret_id, stage) for stage in ("AWSCURRENT", "AWSPREVIOUS")]
        return [_derived(key, tenant, each) for key in keys if key for each in generations]

    def headers(self, tenant: str, event_id: str, body: bytes, *, at: int) -> dict[str, str]:
        """The three headers of Standard Webhooks, `at` in ms; with a signature by each valid secret."""
        timestamp = str(at // 1000)
        signed = f"{event_id}.{timestamp}.".encode() + body
        signatures = [f"v1,{_signature(secret, signed)}" for secret in self.of(tenant, at=at)]
        if not signatures:
            raise ValueError("the webhook secret is empty: generate it again")
        return {"webhook-id": event_id, "webhook-timestamp": timestamp, "webhook-signature": " ".join(signatures)}

    def _generation(self, tenant: str) -> tuple[int, Mapping[int, int]]:
        now = self._monotonic()
        until, generation = self._kept.get(tenant, (0.0, (0, {})))
        if until <= now:
            generation = self._generation_of(tenant)
            self._kept[tenant] = (now + self._ttl, generation)
        return generation


def _derived(key: str, tenant: str, generation: int) -> str:
    return _PREFIX + base64.b64encode(hmac.digest(key.encode(), f"webhook/{generation}/{tenant}".encode(), "sha256")).decode()


def _signature(secret: str, signed: bytes) -> str:
    return base64.b64encode(hmac.digest(base64.b64decode(secret.removeprefix(_PREFIX)), signed, "sha256")).decode()
