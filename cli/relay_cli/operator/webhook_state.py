"""WebhookOperations: the changes that only an operator makes in the table `webhooks`."""

from botocore.exceptions import ClientError

from relay.adapters.dynamodb.items import number
from relay.adapters.dynamodb.webhooks import DynamoWebhooks, is_refusal, key_of


class WebhookOperations(DynamoWebhooks):
    """The table `webhooks`, with two operations that no Lambda function needs."""

    def reopen(self, task_id: str) -> None:
        """Allow the latest version of a task to be delivered again. Does nothing if no delivery was attempted yet."""
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
        """Start the next generation of a tenant's secret and return its number. `at` is a Unix time in milliseconds."""
        written = self._client.update_item(
            TableName=self._table,
            Key=key_of("tenant", tenant),
            UpdateExpression="SET rotated_at = :at ADD generation :one",
            ExpressionAttributeValues={":at": number(at), ":one": number(1)},
            ReturnValues="ALL_NEW",
        )
        return int(written["Attributes"]["generation"]["N"])
