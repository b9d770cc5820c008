"""WebhookOperations: what an operator changes in the table `webhooks`."""

from botocore.exceptions import ClientError

from relay.adapters.dynamodb.items import number
from relay.adapters.dynamodb.webhooks import DynamoWebhooks, is_refusal, key_of


class WebhookOperations(DynamoWebhooks):
    """The table, with what no function does."""

    def reopen(self, task_id: str) -> None:
        """Let the newest version be delivered once more; nothing, where nothing was delivered yet."""
        try:
            self._client.update_item(
                TableName=self._table,
                Key=key_of("task", task_id),
                UpdateExpression="SET next_attempt = :one REMOVE settled",
                ConditionExpression="attribute_exists(#version)",
                ExpressionAttributeNames={"#version": "version"},
                ExpressionAttributeValues={":one": number(1)},
            )
        except ClientError as error:
            if not is_refusal(error):
                raise

    def rotate_secret(self, tenant: str, *, at: int) -> int:
        """The next generation of a tenant's secret, returned."""
        written = self._client.update_item(
            TableName=self._table,
            Key=key_of("tenant", tenant),
            UpdateExpression="SET rotated_at = :at ADD generation :one",
            ExpressionAttributeValues={":at": number(at), ":one": number(1)},
            ReturnValues="ALL_NEW",
        )
        return int(written["Attributes"]["generation"]["N"])
