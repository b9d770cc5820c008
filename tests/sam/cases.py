"""What each function does with one payload of `events/`, and what the payloads are answered that are not answered 200."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.sam.scene import CREATE, EVENTS, KEY_ID, Scene
from tests.unit.test_template import FUNCTIONS, snake

CALLER = {"tenant": "acme", "key": KEY_ID, "provider": "kling", "operation": "videos/text2video"}
STATUS = {  # the others: 200
    "cancel_task.native": 404,
    "query_tasks.three_segments": 404,
    "query_tasks.unknown_path": 404,
    "receive_callback.forged": 404,
}


@dataclass(frozen=True, slots=True)
class Case:
    """A payload, what is there before, what the answer says, and what is there afterwards."""

    event: str
    given: Callable[[Scene], None] = Scene.created
    says: Mapping[str, Any] = field(default_factory=dict)
    effect: Callable[[Scene], bool] = lambda _scene: True


CASES = {
    "SubmitTask": Case(CREATE, Scene.nothing, {"task_status": "submitted"}, lambda scene: scene.paid() == 1),
    "ResubmitTasks": Case("resubmit_tasks.attempt", Scene.refused, effect=lambda scene: scene.paid() == 1),
    "ReceiveCallback": Case(
        "receive_callback.processing", says={"status": "applied"}, effect=lambda scene: scene.task()["status"] == "processing"
    ),
    "CancelTask": Case(
        "cancel_task.task",
        says={"status": "failed", "version": 2},
        effect=lambda scene: scene.task()["failure"]["code"] == "cancelled",
    ),
    "QueryTasks": Case("query_tasks.task", says={"status": "submitted", "version": 1}),
    "PublishEvents": Case(
        "publish_events.processing", Scene.nothing, effect=lambda scene: scene.told() == [f"{scene.task_id}:2"]
    ),
    "ArchiveResults": Case("archive_results.succeed", Scene.succeeded, effect=Scene.stored),
    "DeliverWebhooks": Case(
        "deliver_webhooks.processing", Scene.listening, effect=lambda scene: scene.webhooks() == [f"{scene.task_id}:2"]
    ),
    "ReconcileTasks": Case(
        "reconcile_tasks.schedule", Scene.overdue, {"moved": 1}, lambda scene: scene.task()["status"] == "processing"
    ),
    "Authorize": Case("authorize.known", Scene.with_key, {"isAuthorized": True, "context": CALLER}),
}


def case_of(function: str) -> Case:
    """The function's case; one that nobody wrote is its first payload, which has to be taken without an error."""
    if function in CASES:
        return CASES[function]
    payloads = [name for name in EVENTS if name.startswith(f"{snake(function)}.")]
    assert payloads, f"{function} has no payload in events/"
    return Case(payloads[0])


def function_of(event: str) -> str:
    """The logical id of the function that a payload is for."""
    return next(name for name in FUNCTIONS if snake(name) == event.partition(".")[0])


def taken(event: str, answer: Any) -> dict[str, Any]:
    """What the function says, without HTTP's envelope; raises AssertionError when it did not take the payload."""
    assert isinstance(answer, dict), answer
    assert "errorType" not in answer, answer
    assert "errorMessage" not in answer, answer
    assert answer.get("batchItemFailures", []) == [], answer
    if "statusCode" not in answer:
        return answer
    assert answer["statusCode"] == STATUS.get(event, 200), answer
    data = json.loads(answer["body"]).get("data")
    return data if isinstance(data, dict) else {}
