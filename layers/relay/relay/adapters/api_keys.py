"""DynamoApiKeys: which tenant a key belongs to. Only the SHA-256 of a key is stored."""

import hashlib
import secrets
from typing import Any

from relay.adapters.items import number, text

_PREFIX = "crk_"


class DynamoApiKeys:
    """The table `api_keys`."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def create(self, tenant: str, *, at: int) -> str:
        """A new key for a tenant: returned here and never to be had again."""
        key = _PREFIX + secrets.token_urlsafe(32)
        item = {"key_sha256": text(_digest(key)), "tenant": text(tenant), "created_at": number(at)}
        self._client.put_item(TableName=self._table, Item=item, ConditionExpression="attribute_not_exists(key_sha256)")
        return key

    def tenant_of(self, key: str) -> str | None:
        """The tenant, or None for a key that we do not know."""
        if not key.startswith(_PREFIX):
            return None
        found = self._client.get_item(TableName=self._table, Key={"key_sha256": text(_digest(key))})
        return str(found["Item"]["tenant"]["S"]) if "Item" in found else None


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
