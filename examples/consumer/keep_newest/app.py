"""The queue of the relay's events: keeps the newest state of each task in a table.

Delivery is at least once and not in order. `event_id` is `{task_id}:{version}`, and the condition of the one write lets only a
higher version pass: a repeated event changes nothing, nor does one that was overtaken.
"""

import os
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes import EventBridgeEvent
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger(service="consumer")
processor = BatchProcessor(event_type=EventType.SQS)
table = boto3.resource("dynamodb").Table(os.environ["CLIPS_TABLE"])


def keep_newest(record: SQSRecord) -> None:
    detail = EventBridgeEvent(record.json_body).detail
    kept = {
        "task_id": detail["task_id"],
        "version": detail["version"],
        "tenant": detail["tenant"],
        "status": detail["status"],
        "files": [f"s3://{file['bucket']}/{file['key']}" for file in detail["results"] if "key" in file],
    }
    try:
        table.put_item(
            Item=kept,
            ConditionExpression="attribute_not_exists(task_id) OR #version < :version",
            ExpressionAttributeNames={"#version": "version"},
            ExpressionAttributeValues={":version": detail["version"]},
        )
    except table.meta.client.exceptions.ConditionalCheckFailedException:
        logger.info("repeated or overtaken", event_id=detail["event_id"])
    else:
        logger.info("kept", event_id=detail["event_id"], status=detail["status"])


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    # What fails is delivered again by itself, and at last goes to the dead-letter queue.
    return dict(process_partial_response(event, keep_newest, processor, context))
