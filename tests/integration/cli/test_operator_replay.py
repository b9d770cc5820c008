"""Operator code for replaying: a stored callback is processed again."""

from collections.abc import Mapping
from typing import Any

import pytest

from relay.domain.task import Status
from relay_cli.operator import replay
from relay_cli.operator.replay import NotReplayableError
from tests.support.moto_world import Json, MotoWorld

OUTPUTS = {"TasksTable": "tasks", "ResultsBucket": "results", "CallbackKeyId": "callback-key"}


def run_replay(world: MotoWorld, key: str) -> str:
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
    assert run_replay(world, key) == "applied"
    assert world.task(task_id).status is Status.SUCCEED
    assert run_replay(world, key) == "stale"


def test_a_callback_that_is_still_unreadable_is_quarantined_again(world: MotoWorld) -> None:
    task_id = world.submitted()
    world.callback("not_json", task_id)
    (key,) = world.objects("quarantine/")
    assert run_replay(world, key) == "quarantined"


def test_the_stored_callback_of_a_success_completes_a_task_restored_from_a_backup(world: MotoWorld) -> None:
    task_id = world.submitted()
    before = world.dynamodb.get_item(TableName="tasks", Key={"task_id": {"S": task_id}})["Item"]
    world.callback("succeed", task_id)
    world.dynamodb.put_item(TableName="tasks", Item=before)
    assert run_replay(world, f"results/{task_id}/callback.json") == "applied"
    assert world.task(task_id).status is Status.SUCCEED


@pytest.mark.parametrize("key", ["results/x/0.mp4", "requests/x.json", "quarantine/x", "", "quarantine/x/y"])
def test_other_keys_and_deleted_tasks_are_refused(world: MotoWorld, key: str) -> None:
    with pytest.raises(NotReplayableError, match=r"expected quarantine/|no longer stored"):
        run_replay(world, key)
