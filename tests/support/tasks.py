"""Tasks, snapshots and changes for tests."""

from dataclasses import replace
from typing import Any

from relay.domain.errors import Meaning
from relay.domain.task import Acceptance, Change, Failure, FailureCode, Reason, Result, Snapshot, Status, Task

NOON = 1_750_000_000_000
HOUR = 3_600_000
VIDEO = Result(path="task_result/videos/0/url", kind="video", url="https://provider.example/a.mp4", id="v-1", duration="5.1")
PROVIDER_ID = "878106242831892487"


def task_of(task_id: str = "0123456789abcdef0123456789abcdef", **fields: Any) -> Task:
    """A task as it is created."""
    task = Task(
        task_id=task_id,
        tenant="acme",
        provider="kling",
        operation="videos/text2video",
        created_at=NOON,
        updated_at=NOON,
        deadline_at=NOON + 24 * HOUR,
        due_at=NOON + 120_000,
        expires_at=NOON // 1000 + 90 * 86_400,
        fingerprint="f" * 32,
        request='{"body":{"prompt":"a lighthouse in a storm"},"public_url":"https://relay.example"}',
    )
    return replace(task, **fields)


def snapshot_of(status: Status, at: int = 1, message: str = "", **fields: Any) -> Snapshot:
    """What the provider says `at` ms after noon; a success has a video."""
    if status is Status.SUCCEED:
        document = {"task_result": {"videos": [{"id": "v-1", "url": "", "duration": "5.1"}]}}
        fields = {"results": (VIDEO,), "document": document, **fields}
    return Snapshot(**{"status": status, "message": message, "updated_at": NOON + at, "provider_task_id": PROVIDER_ID, **fields})


def reported(status: Status, at: int = 1, message: str = "", **fields: Any) -> Change:
    """The change that the snapshot asks for."""
    return Change.reported(snapshot_of(status, at, message, **fields))


SUBMITTED = reported(Status.SUBMITTED)
PROCESSING = reported(Status.PROCESSING, 2)
SUCCEED = reported(Status.SUCCEED, 3)
FAILED = reported(Status.FAILED, 3, "Content policy violation")
CANCELLED = Change.cancelled(Acceptance.UNKNOWN)
CANCELLED_UNSENT = Change.cancelled(Acceptance.UNSENT)
SUCCEED_DUE = Change.reported(snapshot_of(Status.SUCCEED, 3), due_at=NOON + 90_000)
"""As the relay applies it: the files are late after a minute."""
EXPIRED = Change.given_up(FailureCode.EXPIRED, "no verdict in time")
POLICY = Failure(code=FailureCode.REJECTED, message="content security policy", provider_code=1301, http_status=400)
REJECTED = Change.refused(POLICY)
BUSY = Reason(meaning=Meaning.BUSY, message="too many requests", at=NOON, provider_code=1302, http_status=429)
