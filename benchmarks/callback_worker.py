"""The measured processes of callback_path: receive_callback, or the UpdateItem that is its baseline.

It reads lines of JSON, `{"calls", "status"}`. For each it writes one line with the seconds of each call. It runs without the
project's environment, with the standard library and the function's folder and layers only.
"""

import json
import os
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

_CALLBACK = {"task_id": "CjI17WevH1IAAAAAAHmgsw", "task_status_msg": "", "created_at": 1722769557708, "updated_at": 1722769562708}
_RESULT = {"videos": [{"id": "v-1", "url": "https://results.example.com/a/video.mp4?signature=abcdef", "duration": "5.1"}]}


class _Context:
    function_name, memory_limit_in_mb, aws_request_id = "receive_callback", 512, "6f747e00-9bd8-4e37-a9ab-4a2c7bc35b6e"
    invoked_function_arn, tenant_id = "arn:aws:lambda:us-east-1:123456789012:function:receive_callback", None


def receiver() -> Callable[[str], Callable[[], None]]:
    """Calls the handler with a callback for a new task, as API Gateway would; raises RuntimeError unless it is applied."""
    import app  # type: ignore[import-not-found]

    tokens, context = app.services().tokens, _Context()

    def prepared(status: str) -> Callable[[], None]:
        task_id, token = tokens.path(uuid.uuid4().hex, "kling").split("/")
        body = _CALLBACK | {"task_status": status} | ({"task_result": _RESULT} if status == "succeed" else {})
        event = _event(task_id, token, json.dumps(body))

        def call() -> None:
            answer = app.handler(event, context)
            if answer["statusCode"] != 200 or '"applied"' not in answer["body"]:
                raise RuntimeError(answer["body"])

        return call

    return prepared


def updater() -> Callable[[str], Callable[[], None]]:
    """Makes the same change with a stock client and its default settings, and does nothing else."""
    import botocore.session

    client: Any = botocore.session.get_session().create_client("dynamodb")
    names = {f"#{name}": name for name in ("status", "rank", "version", "message")}

    def prepared(status: str) -> Callable[[], None]:
        values = {":status": {"S": status}, ":message": {"S": ""}, ":provider_task_id": {"S": "CjI17WevH1IAAAAAAHmgsw"}}
        values |= {":rank": {"N": "1"}, ":one": {"N": "1"}, ":at": {"N": "1722769562708"}, ":snapshot_at": {"N": "1722769562708"}}
        return lambda: client.update_item(
            TableName="tasks",
            Key={"task_id": {"S": uuid.uuid4().hex}},
            UpdateExpression="SET #status = :status, #rank = :rank, #version = #version + :one, updated_at = :at, "
            "snapshot_at = :snapshot_at, #message = :message, "
            "provider_task_id = if_not_exists(provider_task_id, :provider_task_id)",
            ConditionExpression="attribute_exists(task_id) AND #rank < :rank",
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
        )

    return prepared


def _event(task_id: str, token: str, body: str) -> dict[str, Any]:
    path = f"/callbacks/{task_id}/{token}"
    http = {"method": "POST", "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7", "userAgent": "client"}
    return {
        "version": "2.0",
        "routeKey": "POST /callbacks/{task_id}/{token}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json", "host": "relay.example.com"},
        "requestContext": {"requestId": "JKJaXmPLvHcESHA=", "domainName": "relay.example.com", "http": http},
        "pathParameters": {"task_id": task_id, "token": token},
        "body": body,
        "isBase64Encoded": False,
    }


def main() -> None:
    """Serve lines until the input ends. The function's log goes to /dev/null."""
    told = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    sys.stdout = Path(os.devnull).open("w", buffering=1)  # noqa: SIM115 - must happen before the logger gets it
    prepared = {"receiver": receiver, "updater": updater}[sys.argv[1]]()
    for line in sys.stdin:
        order, times = json.loads(line), []
        for _ in range(order["calls"]):
            call = prepared(order["status"])
            began = time.perf_counter()
            call()
            times.append(time.perf_counter() - began)
        told.write(json.dumps(times) + "\n")
        told.flush()
    os._exit(0)  # without the interpreter's shutdown, as INIT is counted


if __name__ == "__main__":
    main()
