"""The callback tokens, derived from a generated secret."""

from __future__ import annotations

import base64
import hmac
from typing import TYPE_CHECKING

from relay.domain.errors import CallbackNotAuthenticError

if TYPE_CHECKING:
    from relay.adapters.secrets.cached import Secrets

_LONGEST_TOKEN = 128


class HmacCallbackTokens:
    """CallbackTokens: `{provider}.{HMAC-SHA256 of provider and task id, base64url}`, keyed by the generated secret.

    While the secret rotates, tokens made with its previous version stay valid: a callback may arrive a day later.
    """

    def __init__(self, secrets: Secrets, secret_id: str) -> None:
        self._secrets = secrets
        self._secret_id = secret_id

    def path(self, task_id: str, provider: str) -> str:
        """`{task_id}/{token}`."""
        key = self._secrets.get(self._secret_id)
        return f"{task_id}/{provider}.{_digest(key or '', task_id, provider)}"

    def provider_of(self, task_id: str, token: str) -> str:
        """Check the token against the current key, then the previous one. If neither fits, both are read again once, since they
        may just have been rotated. Raises CallbackNotAuthenticError."""
        provider, _, digest = token[:_LONGEST_TOKEN].partition(".")
        given = digest.encode("utf-8", "replace")
        while True:
            for stage in ("AWSCURRENT", "AWSPREVIOUS"):
                key = self._secrets.get(self._secret_id, stage)
                if key and hmac.compare_digest(given, _digest(key, task_id, provider).encode()):
                    return provider
            if not self._secrets.renew(self._secret_id):
                raise CallbackNotAuthenticError("the token does not fit the task")


def _digest(key: str, task_id: str, provider: str) -> str:
    if not key:
        raise ValueError("the callback secret is empty: generate it again")
    text = f"{provider}/{task_id}".encode("utf-8", "replace")
    return base64.urlsafe_b64encode(hmac.digest(key.encode(), text, "sha256")).rstrip(b"=").decode()
