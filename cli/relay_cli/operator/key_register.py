"""DynamoKeyRegister: creates, lists and revokes keys in DynamoDB. No Lambda function uses it."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from relay.adapters.dynamodb.api_keys import ACCESS, PLAIN, digest_of, key_of, plain_id
from relay.adapters.dynamodb.items import number, text
from relay.domain.keys import ClientKey, Issued, KeyKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class DynamoKeyRegister:
    """The table `api_keys`. It stores the SHA-256 of a key, never the key itself. Times are Unix times in milliseconds."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def create(self, tenant: str, *, at: int, submits_per_minute: int | None = None, account: bool = True) -> Issued:
        """Create a plain key. Its value is only in the result and cannot be read again."""
        secret = PLAIN + secrets.token_urlsafe(32)
        key = ClientKey(id=plain_id(digest_of(secret)), tenant=tenant, kind=KeyKind.PLAIN, created_at=at,
                        submits_per_minute=submits_per_minute, account=account)  # fmt: skip
        self._put(digest_of(secret), key)
        return Issued(key, secret)

    def create_pair(
        self,
        tenant: str,
        secret_of: Callable[[str], str],
        *,
        at: int,
        submits_per_minute: int | None = None,
        account: bool = True,
    ) -> Issued:
        """Create an access key; `secret_of` derives the secret key from it."""
        access_key = ACCESS + secrets.token_hex(16)
        key = ClientKey(id=access_key, tenant=tenant, kind=KeyKind.PAIR, created_at=at, submits_per_minute=submits_per_minute,
                        account=account)  # fmt: skip
        secret = secret_of(access_key)
        self._put(digest_of(access_key), key)
        return Issued(key, secret)

    def all(self, tenant: str | None = None) -> list[ClientKey]:
        """Return all keys, or those of a tenant, oldest first, including revoked ones. Scans the whole table."""
        keys = [key for _, key in self._scan() if tenant in {None, key.tenant}]
        return sorted(keys, key=lambda key: (key.created_at, key.id))

    def revoke(self, key_id: str, *, at: int) -> ClientKey | None:
        """Revoke a key and return it; None if there is no such key. Functions that cache the key reject it within a minute.

        Revoking it again keeps the first time of revocation.
        """
        digest = next((digest for digest, key in self._scan() if key.id == key_id), None)
        if digest is None:
            return None
        written = self._client.update_item(
            TableName=self._table,
            Key={"key_sha256": text(digest)},
            UpdateExpression="SET revoked_at = if_not_exists(revoked_at, :at)",
            ConditionExpression="attribute_exists(key_sha256)",
            ExpressionAttributeValues={":at": number(at)},
            ReturnValues="ALL_NEW",
        )
        return key_of(written["Attributes"])

    def _put(self, digest: str, key: ClientKey) -> None:
        item: dict[str, Any] = {
            "key_sha256": text(digest),
            "id": text(key.id),
            "tenant": text(key.tenant),
            "kind": text(key.kind.value),
            "created_at": number(key.created_at),
        }
        if key.submits_per_minute is not None:
            item["submits_per_minute"] = number(key.submits_per_minute)
        if not key.account:
            item["account"] = {"BOOL": False}
        try:
            self._client.put_item(
                TableName=self._table,
                Item=item,
                ConditionExpression="attribute_not_exists(key_sha256)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if error.response.get("Item") != item:  # equal: the SDK repeated our own write after a lost response
                raise

    def _scan(self) -> Iterator[tuple[str, ClientKey]]:
        for page in self._client.get_paginator("scan").paginate(TableName=self._table):
            for item in page["Items"]:
                yield item["key_sha256"]["S"], key_of(item)
