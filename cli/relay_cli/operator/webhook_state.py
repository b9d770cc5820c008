"""WebhookOperations: the changes that only an operator makes in the table `webhooks`."""

from botocore.exceptions import ClientError

from relay.adapters.dynamodb.items import number
from relay.adapters.dynamodb.owner import new_owner, own_write
from relay.adapters.dynamodb.webhooks import DynamoWebhooks, is_refusal, key_of
from relay.adapters.secrets.webhook_secrets import OVERLAP_SECONDS
from relay.domain.errors import UnavailableError

_MOST_VALID = 8
"""Earlier secrets of a tenant: each is one more signature in a webhook."""
_MOST_TRIES = 5


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
        """Start the next generation of a tenant's secret and return its number. `at` is a Unix time in milliseconds.

        The secrets of the last seven days stay valid, but no more than eight of them.
        """
        owner = new_owner()
        for _ in range(_MOST_TRIES):
            generation, ended = self.secret_generation(tenant)
            ended[generation] = at
            valid = sorted(each for each, end in ended.items() if at < end + OVERLAP_SECONDS * 1000)[-_MOST_VALID:]
            try:
                self._client.update_item(
                    TableName=self._table,
                    Key=key_of("tenant", tenant),
                    UpdateExpression="SET generation = :next, rotated_at = :at, ended = :ended, #owner = :owner",
                    ConditionExpression="generation = :now" if generation else "attribute_not_exists(generation)",
                    ExpressionAttributeNames={"#owner": "owner"},
                    ExpressionAttributeValues={
                        ":next": number(generation + 1),
                        ":at": number(at),
                        ":ended": {"M": {str(each): number(ended[each]) for each in valid}},
                        ":owner": owner,
                        **({":now": number(generation)} if generation else {}),
                    },
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except ClientError as error:
                if not is_refusal(error):
                    raise
                if own_write(error, owner) is None:
                    continue  # another rotation was faster
            return generation + 1
        raise UnavailableError("other rotations of this tenant's secret were always faster")
