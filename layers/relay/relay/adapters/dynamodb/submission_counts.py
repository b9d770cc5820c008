"""DynamoSubmissionCounts: how many tasks a key has submitted in a minute, in items of the table `tasks` that expire."""

from typing import Any

from botocore.exceptions import ClientError

from relay.adapters.dynamodb.items import number, text

_KEPT_SECONDS = 3600
_CONDITION_FAILED = "ConditionalCheckFailedException"


class DynamoSubmissionCounts:
    """SubmissionCounts. The items have no version, so that they are neither tasks nor events, and are in no index."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def count(self, key_id: str, minute: int, *, most: int) -> bool:
        """One UpdateItem that adds one while there are fewer than `most`."""
        try:
            self._client.update_item(
                TableName=self._table,
                Key={"task_id": text(f"submits#{key_id}#{minute}")},
                UpdateExpression="ADD submits :one SET expires_at = :expires_at",
                ConditionExpression="attribute_not_exists(submits) OR submits < :most",
                ExpressionAttributeValues={
                    ":one": number(1),
                    ":most": number(most),
                    ":expires_at": number(minute * 60 + _KEPT_SECONDS),
                },
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != _CONDITION_FAILED:
                raise
            return False
        return True
