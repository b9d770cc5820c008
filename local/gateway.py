"""A client of the running gateway and of its events, for the demo and the end-to-end tests."""

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
    """The relay's HTTP API, with the key of the stack or another one."""

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
        """One request to `path` below the gateway's URL."""
        return self._client.request(method, self.url + path, **options)

    def submit(self, operation: str, body: dict[str, Any], **headers: str) -> dict[str, Any]:
        """Create a task; the `data` of the answer. Raises RuntimeError when it is refused."""
        answer = self.request("POST", f"/kling/v1/{operation}", json=body, headers=headers)
        envelope: dict[str, Any] = answer.json()
        if answer.status_code != httpx.codes.OK or envelope.get("code") != 0:
            raise RuntimeError(f"{operation}: HTTP {answer.status_code} {answer.text}")
        data: dict[str, Any] = envelope["data"]
        return data

    def task(self, task_id: str) -> dict[str, Any]:
        """`GET /tasks/{task_id}`."""
        answer = self.request("GET", f"/tasks/{task_id}").raise_for_status()
        data: dict[str, Any] = answer.json()["data"]
        return data

    def download(self, url: str) -> Download:
        """A result by its presigned URL: without our key, as anybody would."""
        answer = self._plain.get(url).raise_for_status()
        return Download(answer.content, hashlib.sha256(answer.content).hexdigest(), answer.headers.get("content-type", ""))


class EventLog:
    """The events of the bus, taken from the stack's queue and kept by task."""

    def __init__(self, stack: Stack) -> None:
        self._sqs = stack.client("sqs")
        self._queue_url = stack.events_queue_url
        self.by_task: dict[str, list[dict[str, Any]]] = defaultdict(list)

    def close(self) -> None:
        """Close the connection."""
        self._sqs.close()

    def collect(self, *, wait: int = 0) -> int:
        """Take what is in the queue; returns how many events there were."""
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
        """The events of one task in the order of their versions."""
        return sorted(self.by_task[task_id], key=lambda event: int(event["detail"].get("version", 0)))

    def is_complete(self, task_id: str) -> bool:
        """Whether the last event of a task is there: its results stored or given up, or its failure."""
        kinds = {event["detail-type"] for event in self.by_task[task_id]}
        if kinds & {"Task Results Stored", "Task Results Archiving Failed"}:
            return True
        return any(event["detail"].get("status") == "failed" for event in self.by_task[task_id])

    def wait_for(self, task_ids: list[str], *, timeout: float) -> None:
        """Collect until every task is complete; raises TimeoutError naming those that are not."""
        deadline = time.monotonic() + timeout
        while missing := [task_id for task_id in task_ids if not self.is_complete(task_id)]:
            if time.monotonic() > deadline:
                raise TimeoutError(f"no final event of {', '.join(missing)} within {timeout:.0f} s")
            self.collect(wait=1)
        self.collect()
