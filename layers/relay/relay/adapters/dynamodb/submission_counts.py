"""DynamoSubmissionCounts: counts the requests of a key per minute, in items of the table `tasks` that expire."""

from typing import Any

from botocore.exceptions import ClientError

from relay.adapters.dynamodb.items import number, text
from relay.adapters.dynamodb.owner import new_owner, own_write

_KEPT_SECONDS = 3600
_CONDITION_FAILED = "ConditionalCheckFailedException"


class DynamoSubmissionCounts:
    """SubmissionCounts. The items have no version, so that they are neither tasks nor events, and are in no index."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def count(self, key_id: str, minute: int, *, most: int) -> bool:
        """One UpdateItem, which adds one if there are fewer than `most`."""
        owner = new_owner()
        try:
            self._client.update_item(
                TableName=self._table,
                Key={"task_id": text(f"submits#{key_id}#{minute}")},
                UpdateExpression="ADD submits :one SET expires_at = :expires_at, #owner = :owner",
                ConditionExpression="(attribute_not_exists(submits) OR submits < :most) AND (NOT #owner = :owner)",
                ExpressionAttributeNames={"#owner": "owner"},
                ExpressionAttributeValues={
                    ":owner": owner,
                    ":one": number(1),
                    ":most": number(most),
                    ":expires_at": number(minute * 60 + _KEPT_SECONDS),
                },
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != _CONDITION_FAILED:
                raise
            return own_write(error, owner) is not None
        return True
