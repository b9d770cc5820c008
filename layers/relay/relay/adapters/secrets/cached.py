"""Secrets from Secrets Manager, cached for a limited time, so that a rotation takes effect."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from relay.domain.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

_LEAST_AGE = 10
"""The least seconds between two reads of one stage of a cached secret, however many forged tokens arrive."""
_FINAL = frozenset({"ResourceNotFoundException", "AccessDeniedException", "InvalidRequestException", "DecryptionFailure"})
"""The secret is withdrawn. Any other error is taken for an outage."""


class _Kept:
    """A value, when a read was tried last, and from when on the value is read again. Times in s.

    A dataclass would take four million instructions more in the cold start of every function with secrets.
    """

    __slots__ = ("due_at", "failed", "tried_at", "value")

    def __init__(self, value: str | None, tried_at: float, due_at: float, *, failed: bool = False) -> None:
        self.value = value
        self.tried_at = tried_at
        self.due_at = due_at
        self.failed = failed


class Secrets:
    """Secret strings by id and stage; `ttl` in seconds. Only a successful read replaces a value."""

    def __init__(self, client: Any, ttl: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._ttl = ttl
        self._monotonic = monotonic
        self._kept: dict[tuple[str, str], _Kept] = {}

    def get(self, secret_id: str, stage: str = "AWSCURRENT") -> str | None:
        """The secret string; None if the secret has no version in that stage. During an outage the value that was read last."""
        kept = self._kept.get((secret_id, stage))
        if kept is None or kept.due_at <= self._monotonic():
            kept = self._reread(secret_id, stage)
        return kept.value

    def renew(self, secret_id: str) -> bool:
        """Read a secret's cached values again that are at least ten seconds old; True if there were any: they may differ now.

        Raises UnavailableError while they cannot be read.
        """
        latest = self._monotonic() - _LEAST_AGE
        cached = [entry for entry in self._kept if entry[0] == secret_id]
        old = [entry for entry in cached if self._kept[entry].tried_at <= latest]
        try:
            for entry in old:
                self._reread(*entry)
        except ClientError as error:
            raise UnavailableError("the secret is withdrawn") from error
        if any(self._kept[entry].failed for entry in cached):
            raise UnavailableError("the secret cannot be read again")
        return bool(old)

    def _reread(self, secret_id: str, stage: str) -> _Kept:
        now, old = self._monotonic(), self._kept.get((secret_id, stage))
        try:
            kept = _Kept(self._read(secret_id, stage), now, now + self._ttl)
        except (BotoCoreError, ClientError) as error:
            if old is None or (isinstance(error, ClientError) and error.response["Error"]["Code"] in _FINAL):
                raise
            kept = _Kept(old.value, now, now + _LEAST_AGE, failed=True)
        self._kept[secret_id, stage] = kept
        return kept

    def _read(self, secret_id: str, stage: str) -> str | None:
        try:
            answer = self._client.get_secret_value(SecretId=secret_id, VersionStage=stage)
        except ClientError as error:
            if stage != "AWSCURRENT" and error.response["Error"]["Code"] == "ResourceNotFoundException":
                return None
            raise
        return str(answer["SecretString"]).strip()
