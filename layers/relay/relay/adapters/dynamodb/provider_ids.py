"""DynamoProviderIds: which tenant the provider gave an id to, in items of the table `tasks` that expire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from relay.adapters.dynamodb.items import number, text
from relay.domain.task import derived_task_id

if TYPE_CHECKING:
    from collections.abc import Collection

_CONDITION_FAILED = "ConditionalCheckFailedException"


class DynamoProviderIds:
    """ProviderIds. The items have no version, so that they are neither tasks nor events, and are in no index."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def record(self, tenant: str, provider: str, ids: Collection[str], *, expires_at: int) -> None:
        """One UpdateItem for each id. A repeated one changes nothing, and the first tenant keeps an id."""
        for each in ids:
            try:
                self._client.update_item(
                    TableName=self._table,
                    Key=_key(provider, each),
                    UpdateExpression="SET given_to = :tenant, expires_at = :expires_at",
                    ConditionExpression="attribute_not_exists(given_to) OR given_to = :tenant",
                    ExpressionAttributeValues={":tenant": text(tenant), ":expires_at": number(expires_at)},
                )
            except ClientError as error:
                if error.response["Error"]["Code"] != _CONDITION_FAILED:
                    raise

    def tenant_of(self, provider: str, provider_id: str) -> str | None:
        """One GetItem."""
        found = self._client.get_item(TableName=self._table, Key=_key(provider, provider_id))
        item = found.get("Item", {})
        return str(item["given_to"]["S"]) if "given_to" in item else None


def _key(provider: str, provider_id: str) -> dict[str, dict[str, str]]:
    return {"task_id": text(derived_task_id(provider, "provider_id", provider_id))}
