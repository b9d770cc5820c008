"""Serves a built function on a port, one request at a time as in Lambda: `python -m benchmarks.front FUNCTION FOLDER PORT`.

It replaces API Gateway in a comparison with servers, and does as little as possible itself.
"""

import asyncio
import importlib.util
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class _Context:
    function_name, memory_limit_in_mb, aws_request_id = "bench", 512, "r"
    invoked_function_arn, tenant_id = "arn:aws:lambda:us-east-1:1:function:bench", None

    def get_remaining_time_in_millis(self) -> int:
        """A fixed value."""
        return 29_000


def main() -> None:
    """Serve until the process is stopped."""
    function, folder, port = sys.argv[1:]
    spec = importlib.util.spec_from_file_location("app", Path(folder) / "app.py")
    if spec is None or spec.loader is None:
        raise SystemExit(f"{folder}: no built function, run `make build`")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - discards the function's log
    asyncio.run(_serve(module.handler, callback_event if function == "receive_callback" else create_event, int(port)))


async def _serve(handler: Callable[..., Any], event_of: Callable[[str, str], Any], port: int) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = _LENGTH.search(head)
                body = await reader.readexactly(int(length[1])) if length else b""
                answer = handler(event_of(head.split(b" ", 2)[1].decode(), body.decode()), _Context())
                payload = answer["body"].encode()
                status = b"%d x\r\nContent-Length: %d\r\n\r\n" % (answer["statusCode"], len(payload))
                writer.write(b"HTTP/1.1 " + status + payload)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", port)
    await server.serve_forever()


def callback_event(path: str, body: str) -> dict[str, Any]:
    """The Lambda event of a callback."""
    task_id, token = path.split("/")[-2:]
    return _event("POST /callbacks/{task_id}/{token}", path, body) | {"pathParameters": {"task_id": task_id, "token": token}}


def create_event(path: str, body: str) -> dict[str, Any]:
    """The Lambda event of an authorized create request."""
    event = _event("POST /{proxy+}", path, body)
    event["requestContext"]["authorizer"] = {"lambda": {"tenant": "acme", "key": "k"}}
    return event | {"pathParameters": {"proxy": path.removeprefix("/")}}


def _event(route: str, path: str, body: str) -> dict[str, Any]:
    http = {"method": "POST", "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "bench"}
    context = {"requestId": "r", "domainName": "relay.example.com", "http": http, "stage": "$default", "routeKey": route}
    return {
        "version": "2.0",
        "routeKey": route,
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json"},
        "requestContext": context,
        "body": body,
        "isBase64Encoded": False,
    }


if __name__ == "__main__":
    main()
