"""Secrets from Secrets Manager, cached for a limited time, so that a rotation takes effect."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

_LEAST_AGE = 10
"""The least seconds between two reads of one stage of a secret, however many forged tokens arrive."""


class Secrets:
    """Secret strings by id and stage; `ttl` in seconds."""

    def __init__(self, client: Any, ttl: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._ttl = ttl
        self._monotonic = monotonic
        self._kept: dict[tuple[str, str], tuple[float, str | None]] = {}

    def get(self, secret_id: str, stage: str = "AWSCURRENT") -> str | None:
        """The secret string; None if the secret has no version in that stage."""
        now = self._monotonic()
        until, value = self._kept.get((secret_id, stage), (0.0, None))
        if until <= now:
            value = self._read(secret_id, stage)
            self._kept[secret_id, stage] = (now + self._ttl, value)
        return value

    def renew(self, secret_id: str) -> bool:
        """Drop a secret's cached values that are at least ten seconds old; True if there were any: a new read may differ."""
        fresh = self._monotonic() + self._ttl - _LEAST_AGE
        old = [entry for entry, (until, _) in self._kept.items() if entry[0] == secret_id and until <= fresh]
        for entry in old:
            del self._kept[entry]
        return bool(old)

    def _read(self, secret_id: str, stage: str) -> str | None:
        try:
            answer = self._client.get_secret_value(SecretId=secret_id, VersionStage=stage)
        except ClientError as error:
            if stage != "AWSCURRENT" and error.response["Error"]["Code"] == "ResourceNotFoundException":
                return None
            raise
        return str(answer["SecretString"]).strip()
