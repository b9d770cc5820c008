"""Keys: creates, lists and revokes the keys of a relay's clients, for `relay keys`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from relay.adapters.aws import client
from relay.bootstrap import now
from relay.domain.keys import ClientKey, Issued, KeyKind
from relay_cli.operator.key_register import DynamoKeyRegister

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class Keys:
    """The keys of one stack. `outputs` are the outputs of its template; `client` returns the client of an AWS service."""

    def __init__(self, outputs: Mapping[str, str], client: Callable[[str], Any] = client) -> None:
        self._outputs = outputs
        self._client = client
        self._register = DynamoKeyRegister(client("dynamodb"), outputs["ApiKeysTable"])

    def create(
        self, tenant: str, kind: KeyKind = KeyKind.PLAIN, *, submits_per_minute: int | None = None, account: bool = True
    ) -> Issued:
        """Create a key for a tenant.

        `submits_per_minute` limits billable requests: None means the stack's default, 0 no limit. `account` allows operations
        that concern the provider's account. Raises ValueError for an invalid tenant name or limit.
        """
        if not _TENANT.fullmatch(tenant):
            raise ValueError("tenant: expected 1 to 64 letters, digits, '.', '_' or '-'")
        if submits_per_minute is not None and submits_per_minute < 0:
            raise ValueError("submits_per_minute: expected 0 or a positive whole number")
        if kind is KeyKind.PLAIN:
            return self._register.create(tenant, at=now(), submits_per_minute=submits_per_minute, account=account)
        return self._register.create_pair(
            tenant, self._secret_of, at=now(), submits_per_minute=submits_per_minute, account=account
        )

    def all(self, tenant: str | None = None) -> list[ClientKey]:
        """Return all keys, or those of a tenant, oldest first, including revoked ones."""
        return self._register.all(tenant)

    def revoke(self, key_id: str) -> ClientKey | None:
        """Revoke a key and return it; None if there is no such key. Revoking it again changes nothing."""
        return self._register.revoke(key_id, at=now())

    def _secret_of(self, access_key: str) -> str:
        from relay.adapters.secrets.cached import Secrets
        from relay.adapters.secrets.key_pairs import HmacKeyPairs

        secrets = Secrets(self._client("secretsmanager"), ttl=0)
        return HmacKeyPairs(secrets, self._outputs["ClientMasterKeyArn"]).secret_of(access_key)
