"""Clients of the running relay's HTTP API and of its events, for the demo and the end-to-end tests."""

import hashlib
import json
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Self

import httpx

from local.stack import Stack


@dataclass(frozen=True, slots=True)
class Download:
    """A downloaded file."""

    content: bytes
    sha256: str
    media_type: str


class Gateway:
    """A client of the relay's HTTP API. It uses the stack's API key unless another one is given."""

    def __init__(self, stack: Stack, api_key: str | None = None) -> None:
        self.url = stack.gateway_url
        headers = {"Authorization": f"Bearer {stack.api_key if api_key is None else api_key}"}
        self._client = httpx.Client(headers=headers, timeout=60, trust_env=False)
        self._plain = httpx.Client(timeout=60, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._client.close()
        self._plain.close()

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request to `path` below the API's URL."""
        return self._client.request(method, self.url + path, **options)

    def submit(self, operation: str, body: dict[str, Any], **headers: str) -> dict[str, Any]:
        """Create a task. Returns `data` of the response. Raises RuntimeError if the request is refused."""
        answer = self.request("POST", f"/kling/v1/{operation}", json=body, headers=headers)
        envelope: dict[str, Any] = answer.json()
        if answer.status_code != httpx.codes.OK or envelope.get("code") != 0:
            raise RuntimeError(f"{operation}: HTTP {answer.status_code} {answer.text}")
        data: dict[str, Any] = envelope["data"]
        return data

    def task(self, task_id: str) -> dict[str, Any]:
        """Query a task. Raises httpx.HTTPStatusError."""
        answer = self.request("GET", f"/tasks/{task_id}").raise_for_status()
        data: dict[str, Any] = answer.json()["data"]
        return data

    def download(self, url: str) -> Download:
        """Download a result from its presigned URL, without an API key. Raises httpx.HTTPStatusError."""
        answer = self._plain.get(url).raise_for_status()
        return Download(answer.content, hashlib.sha256(answer.content).hexdigest(), answer.headers.get("content-type", ""))


class EventLog:
    """Collects the events of the bus from the stack's queue, by task."""

    def __init__(self, stack: Stack) -> None:
        self._sqs = stack.client("sqs")
        self._queue_url = stack.events_queue_url
        self.by_task: dict[str, list[dict[str, Any]]] = defaultdict(list)

    def close(self) -> None:
        """Close the connection."""
        self._sqs.close()

    def collect(self, *, wait: int = 0) -> int:
        """Take all events from the queue, waiting up to `wait` seconds for each batch. Returns their number."""
        found = 0
        while messages := self._receive(wait):
            for message in messages:
                event = json.loads(message["Body"])
                self.by_task[event["detail"]["task_id"]].append(event)
                self._sqs.delete_message(QueueUrl=self._queue_url, ReceiptHandle=message["ReceiptHandle"])
            found += len(messages)
        return found

    def _receive(self, wait: int) -> list[dict[str, Any]]:
        answer = self._sqs.receive_message(QueueUrl=self._queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=wait)
        messages: list[dict[str, Any]] = answer.get("Messages", [])
        return messages

    def of(self, task_id: str) -> list[dict[str, Any]]:
        """The events of one task, ordered by version."""
        return sorted(self.by_task[task_id], key=lambda event: int(event["detail"].get("version", 0)))

    def is_complete(self, task_id: str) -> bool:
        """True if the last event of a task has arrived: results stored, archiving failed, or task failed."""
        kinds = {event["detail-type"] for event in self.by_task[task_id]}
        if kinds & {"Task Results Stored", "Task Results Archiving Failed"}:
            return True
        return any(event["detail"].get("status") == "failed" for event in self.by_task[task_id])

    def wait_for(self, task_ids: list[str], *, timeout: float) -> None:
        """Collect events until every task is complete. Raises TimeoutError with the ids of the others after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while missing := [task_id for task_id in task_ids if not self.is_complete(task_id)]:
            if time.monotonic() > deadline:
                raise TimeoutError(f"no final event of {', '.join(missing)} within {timeout:.0f} s")
            self.collect(wait=1)
        self.collect()
