"""DELETE: cancelling a task, and the provider's paths, which delete nothing."""

import pytest

from tests.support.moto_world import Answer, MotoWorld, event, with_path, with_tenant


def delete(world: MotoWorld, path: str, tenant: str | None = "acme", **refusal: str) -> Answer:
    case = "task" if path.startswith("/tasks") else "native"
    return world.http("cancel_task", with_tenant(with_path(event(f"cancel_task.{case}"), path), tenant, **refusal))


def test_a_task_is_cancelled_by_either_id_as_often_as_it_is_asked(world: MotoWorld) -> None:
    task_id = world.submitted(external_task_id="mine")

    for reference in (task_id, "mine"):
        answer = delete(world, f"/tasks/{reference}")
        assert (answer.status, answer.code) == (200, 0)
        assert (answer.data["task_id"], answer.data["status"], answer.data["version"]) == (task_id, "failed", 2)
        assert answer.data["failure"]["code"] == "cancelled"

    shown = world.http("query_tasks", with_path(event("query_tasks.single"), f"/v1/videos/text2video/{task_id}")).data
    assert shown["task_status"] == "failed"
    assert shown["task_status_msg"].startswith("cancelled by the client")


def test_a_task_that_has_succeeded_stays_so(world: MotoWorld) -> None:
    task_id = world.succeeded("https://results.example/a.mp4")
    before = world.task(task_id)

    answer = delete(world, f"/tasks/{task_id}")

    assert (answer.status, answer.data["status"], answer.data["failure"]) == (200, "succeed", None)
    assert world.task(task_id) == before


@pytest.mark.parametrize("tenant", ["other", "acme"])
def test_a_task_of_nobody_and_of_another_tenant_is_404(world: MotoWorld, tenant: str) -> None:
    task_id = world.submitted() if tenant == "other" else "0" * 32

    answer = delete(world, f"/tasks/{task_id}", tenant)

    assert (answer.status, answer.code) == (404, 1203)


@pytest.mark.parametrize("prefix", ["/v1", "/kling/v1"])
def test_a_path_of_the_provider_advises_how_to_cancel(world: MotoWorld, prefix: str) -> None:
    task_id = world.submitted()

    answer = delete(world, f"{prefix}/videos/text2video/{task_id}")

    assert (answer.status, answer.code) == (404, 1202)
    assert "DELETE /tasks/{task_id}" in answer.message
    assert world.task(task_id).version == 1


@pytest.mark.parametrize("path", ["/tasks/1", "/v1/videos/text2video/1"])
def test_nobody_cancels_without_a_key(world: MotoWorld, path: str) -> None:
    answer = delete(world, path, None, code="1002", message="Authorization: no")

    assert (answer.status, answer.code) == (401, 1002)
