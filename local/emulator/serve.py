"""Runs the emulator with API Gateway's and Lambda's limits on requests and responses. Runs in the emulator's environment.

Sources: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html (a request has at most 10 MB) and
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (6 MB for request and response of an invocation). The
responses are those of public reports.
"""

import base64
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

LARGEST_REQUEST = 10_485_760
"""Bytes of the body that an HTTP API takes."""
LARGEST_PAYLOAD = 6_291_556
"""Bytes of an invocation's event, and of its response, as JSON. Lambda names this number when it refuses a response."""
_ENVELOPE = 4096
"""About what an event contains besides headers and body."""
_TEXT = re.compile(r"text/|application/(json|javascript|xml)|.*\+(json|xml)", re.IGNORECASE)
_API = "/_aws/execute-api/"

type Message = dict[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]
type App = Callable[[Message, Receive, Send], Awaitable[None]]


def payload_size(body: bytes, headers: list[tuple[bytes, bytes]]) -> int:
    """Bytes of an event or response with this body: a text becomes a JSON string, anything else base64."""
    kinds = [value.decode("latin-1") for name, value in headers if name.lower() == b"content-type"]
    is_text = not kinds or bool(_TEXT.match(kinds[0]))
    content = json.dumps(body.decode("utf-8", "replace"), ensure_ascii=False).encode() if is_text else base64.b64encode(body)
    return len(content) + sum(len(name) + len(value) + 6 for name, value in headers) + _ENVELOPE


def refusal_of(body: bytes, headers: list[tuple[bytes, bytes]]) -> tuple[int, bytes] | None:
    """Status and body of the response to a request that no function sees; None: it is invoked."""
    if len(body) > LARGEST_REQUEST:
        return 413, b"HTTP content length exceeded %d bytes." % LARGEST_REQUEST
    if payload_size(body, headers) > LARGEST_PAYLOAD:
        return 413, b'{"message":"Request Too Long"}'
    return None


class Limited:
    """An ASGI application whose HTTP APIs have the limits of AWS."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass a request on, unless it or its response is too large."""
        if scope["type"] != "http" or not scope["path"].startswith(_API):
            await self._app(scope, receive, send)
            return
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message.get("body", b"")
            if not message.get("more_body") or len(body) > LARGEST_REQUEST:
                break
        if message["type"] != "http.request":
            return
        if refusal := refusal_of(body, scope["headers"]):
            await _respond(send, *refusal)
            return
        whole = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def replay() -> Message:
            return next(whole, None) or await receive()

        response = _Response()
        await self._app(scope, replay, response)
        if payload_size(response.body, response.headers) > LARGEST_PAYLOAD:
            await _respond(send, 500, b'{"message":"Internal Server Error"}')
            return
        for message in response.messages:
            await send(message)


class _Response:
    """Keeps a response until its size is known."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def __call__(self, message: Message) -> None:
        self.messages.append(message)

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages)

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        return [header for message in self.messages for header in message.get("headers", [])]


async def _respond(send: Send, status: int, body: bytes) -> None:
    kind = b"application/json" if body.startswith(b"{") else b"text/plain"
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def main() -> None:
    """Serve, configured by the environment, until SIGTERM."""
    from ministack import app as emulator  # type: ignore[import-not-found]

    emulator.app = Limited(emulator.app)
    emulator.main()


if __name__ == "__main__":
    main()
