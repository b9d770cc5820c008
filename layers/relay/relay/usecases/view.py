"""How a task is shown to its client: in its provider's format, with URLs that work now."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from relay.domain.task import Archive

if TYPE_CHECKING:
    from relay.domain.task import Task
    from relay.ports import Relay


def urls_of(task: Task, relay: Relay, *, seconds: int | None = None) -> dict[str, str]:
    """A download URL for each result, by `Result.path`: presigned once it is stored, the provider's own before.

    `seconds`: the lifetime of presigned URLs; None: the relay's default.
    """
    return {result.path: relay.results.url(result, seconds=seconds) if result.key else result.url for result in task.results}


def native(task: Task, relay: Relay, base_url: str, *, seconds: int | None = None) -> dict[str, Any]:
    """The task object in its provider's format; `base_url` of this API, or empty if unknown."""
    return relay.providers[task.provider].view(task, urls_of(task, relay, seconds=seconds), base_url)


def webhook_body(task: Task, relay: Relay) -> bytes:
    """The provider's task object as JSON, with URLs that live for `webhook_url_seconds`; it says if another webhook follows."""
    document = native(task, relay, relay.settings.public_url, seconds=relay.settings.webhook_url_seconds)
    if task.archive is Archive.PENDING:
        document["relay"] = {"archive": task.archive.value}
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")
