"""DynamoApiKeys: finds the tenant of a client's key. It stores no secret: only a plain key's SHA-256 or a pair's access key."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Any

from relay.adapters.dynamodb.items import text
from relay.domain.keys import ClientKey, KeyKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PLAIN = "crk_"
ACCESS = "cra_"
_KEPT_SECONDS = 45
"""The longest time that a revoked key still works: less than the minute that the documents promise."""
_KEPT_KEYS = 1024


class DynamoApiKeys:
    """The table `api_keys`, by the SHA-256 of a plain key or of an access key."""

    def __init__(self, client: Any, table: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._table = table
        self._monotonic = monotonic
        self._kept: dict[str, tuple[float, ClientKey]] = {}

    def find(self, presented: str) -> ClientKey | None:
        """The key that a client presents, or the access key that its JWT names; None if it is unknown or revoked.

        Known keys are cached. Unknown ones are not, so a new key works immediately and guesses do not displace known keys.
        """
        if not presented.startswith((PLAIN, ACCESS)):
            return None
        digest = digest_of(presented)
        until, key = self._kept.get(digest, (0.0, None))
        if key is None or until <= self._monotonic():
            self._kept.pop(digest, None)
            key = self._read(digest)
            if key is not None:
                self._keep(digest, key)
        return key

    def _read(self, digest: str) -> ClientKey | None:
        found = self._client.get_item(TableName=self._table, Key={"key_sha256": text(digest)})
        key = key_of(found["Item"]) if "Item" in found else None
        return None if key is None or key.revoked_at is not None else key

    def _keep(self, digest: str, key: ClientKey) -> None:
        if len(self._kept) >= _KEPT_KEYS:
            del self._kept[next(iter(self._kept))]  # the oldest
        self._kept[digest] = (self._monotonic() + _KEPT_SECONDS, key)


def key_of(item: Mapping[str, Any]) -> ClientKey:
    """The key in an item. Items of the first version have neither an id nor a kind: they are plain keys."""
    return ClientKey(
        id=item["id"]["S"] if "id" in item else plain_id(item["key_sha256"]["S"]),
        tenant=item["tenant"]["S"],
        kind=KeyKind(item["kind"]["S"]) if "kind" in item else KeyKind.PLAIN,
        created_at=int(item["created_at"]["N"]),
        revoked_at=int(item["revoked_at"]["N"]) if "revoked_at" in item else None,
        submits_per_minute=int(item["submits_per_minute"]["N"]) if "submits_per_minute" in item else None,
        account=item["account"]["BOOL"] if "account" in item else True,
    )


def plain_id(digest: str) -> str:
    """The id of a plain key, from its SHA-256."""
    return f"key_{digest[:16]}"


def digest_of(presented: str) -> str:
    """The SHA-256 by which a key is stored, in hex."""
    return hashlib.sha256(presented.encode("utf-8", "replace")).hexdigest()
