"""The provider and its result hosts, in process: it takes a task as often as it is sent, and each time is paid."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from tests.support.upstream import Answer, File, Sent, Upstream, envelope
from tests.support.upstream import refusal as refused

URL = "http://127.0.0.1:9"
_CHUNK = 1024


class Provider(Upstream):
    """A task has its verdict a minute after it was accepted; a query says so whether or not a callback did."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        super().__init__(URL)

    def reset(self) -> None:
        """As new: every task will fail, which is over soonest."""
        super().reset()
        self.verdict = "failed"
        self.refusal: Answer | None = None
        self.urls: list[str] = []
        self.paid: dict[str, list[str]] = {}
        self._accepted_at: dict[str, int] = {}

    def answer(self, sent: Sent) -> Answer:
        """The prepared answers first."""
        self.sent.append(sent)
        if self.next_answers:
            prepared = self.next_answers.pop(0)
            return prepared(sent) if callable(prepared) else prepared
        if sent.method == "POST":
            return self.refusal or (200, envelope(self.take(sent)))
        provider_id = self._provider_id(sent.path.rsplit("/", 1)[-1])
        return (200, envelope(self.told(provider_id))) if provider_id else (400, refused(1203, "task not found"))

    def take(self, sent: Sent) -> dict[str, Any]:
        """Accept a create request, and be paid."""
        paid = self.paid.setdefault(str(sent.body["external_task_id"]), [])
        paid.append(f"P{len(self._accepted_at):017d}")
        self._accepted_at[paid[-1]] = self._clock()
        return self.told(paid[-1], "submitted")

    def told(self, provider_id: str, status: str | None = None) -> dict[str, Any]:
        """The task object, as it stands now or with another status."""
        is_over = self._clock() >= self._accepted_at[provider_id] + 60_000 and self.verdict != "never"
        status = status or (self.verdict if is_over else "processing")
        task: dict[str, Any] = {"task_id": provider_id, "task_status": status, "updated_at": self._clock()}
        if status == "succeed":
            videos = [{"id": f"8781062428318{number:05d}", "url": url, "duration": "5.1"} for number, url in enumerate(self.urls)]
            task["task_result"] = {"videos": videos}
        return task

    def _provider_id(self, reference: str) -> str | None:
        if reference in self._accepted_at:
            return reference
        return self.paid.get(reference, [None])[-1]

    def over_http(self, request: httpx.Request) -> httpx.Response | None:
        """The answer to a request to the provider, to a result host or to a client; None when it goes elsewhere."""
        if request.url.port != 9:
            return None
        if request.url.path.startswith("/files/"):
            self.fetched.append(request.url.path)
            return _download(self.files.get(request.url.path, File(status=404)))
        if request.url.path.startswith("/hooks/"):
            status, headers = self.hook(request.url.path, dict(request.headers), request.read())
            return httpx.Response(status, headers=headers)
        body = json.loads(request.read() or b"{}")
        status, answer = self.answer(Sent(request.method, request.url.path, dict(request.headers), body))
        return httpx.Response(status, content=json.dumps(answer).encode())


class _Body(httpx.SyncByteStream):
    def __init__(self, body: bytes) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, len(self._body), _CHUNK):
            yield self._body[start : start + _CHUNK]


def _download(file: File) -> httpx.Response:
    headers = file.headers if file.chunked else {**file.headers, "Content-Length": str(len(file.body))}
    return httpx.Response(file.status, headers=headers, stream=_Body(file.body))
