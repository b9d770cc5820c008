"""`make replay`: a kept callback is received once more."""

from collections.abc import Mapping
from typing import Any

import pytest

from relay.domain.task import Status
from relay_cli.operator import replay
from relay_cli.operator.replay import NotReplayableError
from tests.support.moto_world import Json, MotoWorld

OUTPUTS = {"TasksTable": "tasks", "ResultsBucket": "results", "CallbackKeyId": "callback-key"}


def replayed(world: MotoWorld, key: str) -> str:
    def invoke(logical_id: str, payload: Mapping[str, Any]) -> Json:
        assert logical_id == "ReceiveCallback"
        return world.call("receive_callback", dict(payload))

    return replay.replay(key, OUTPUTS, invoke)


def test_a_quarantined_callback_is_applied_after_a_fix(world: MotoWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    task_id = world.submitted()
    with monkeypatch.context() as broken:
        broken.setattr("relay.providers.kling.envelope._WRAPPING_LIMIT", -1)
        assert world.callback("succeed", task_id).data == {"status": "quarantined"}
    (key,) = world.objects("quarantine/")
    assert replayed(world, key) == "applied"
    assert world.task(task_id).status is Status.SUCCEED
    assert replayed(world, key) == "stale"


def test_what_is_still_not_understood_is_said_so(world: MotoWorld) -> None:
    task_id = world.submitted()
    world.callback("not_json", task_id)
    (key,) = world.objects("quarantine/")
    assert replayed(world, key) == "quarantined"


def test_the_document_of_a_success_brings_back_a_task_that_was_restored_from_before(world: MotoWorld) -> None:
    task_id = world.submitted()
    before = world.dynamodb.get_item(TableName="tasks", Key={"task_id": {"S": task_id}})["Item"]
    world.callback("succeed", task_id)
    world.dynamodb.put_item(TableName="tasks", Item=before)
    assert replayed(world, f"results/{task_id}/callback.json") == "applied"
    assert world.task(task_id).status is Status.SUCCEED


@pytest.mark.parametrize("key", ["results/x/0.mp4", "requests/x.json", "quarantine/x", "", "quarantine/x/y"])
def test_other_keys_and_tasks_that_are_gone_are_refused(world: MotoWorld, key: str) -> None:
    with pytest.raises(NotReplayableError, match=r"expected quarantine/|no longer stored"):
        replayed(world, key)
