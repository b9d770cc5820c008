"""Answers: a task as the provider shows it, and as the relay does."""

import json
from typing import Any

import pytest

from local.emulator.serve import LARGEST_PAYLOAD, payload_size
from relay.bootstrap import Services
from relay.domain.errors import InvalidRequestError
from relay.domain.task import Archive, Result, Status
from relay.entrypoint.presenter import listed, native_page, own, submitted_reply
from relay.providers.base import whole_number
from relay.usecases.submit import Submitted
from relay.usecases.view import native
from tests.support.fakes.fake_world import PROMPT, FakeWorld
from tests.support.fakes.provider import POLICY, refused
from tests.support.fakes.results import MP4
from tests.support.tasks import NOON, task_of


@pytest.fixture
def to(world: FakeWorld) -> Services:
    """The services, with the fakes in place of what they would make."""
    services = Services(world.settings)
    services.__dict__.update(tasks=world.tasks, results=world.results)
    return services


def answered_create(submitted: Submitted, to: Services) -> tuple[dict[str, Any], int]:
    reply = submitted_reply(submitted, to, "https://relay.example", "r")
    return reply.body, reply.status


def succeeded(world: FakeWorld) -> tuple[str, str]:
    """A succeeded task, and the provider's URL of its video."""
    task_id = world.submit({**PROMPT, "external_task_id": "order-1"}).task.task_id
    url = str(world.api.succeeds(task_id).result["videos"][0]["url"])
    world.called_back(task_id)
    world.source.files[url] = MP4
    return task_id, url


def test_a_submitted_task_is_answered_as_by_the_provider(world: FakeWorld, to: Services) -> None:
    submitted = world.submit()

    body, status = answered_create(submitted, to)

    assert (status, body["code"], body["message"], body["request_id"]) == (200, 0, "SUCCEED", "r")
    assert body["data"]["task_id"] == submitted.task.task_id
    assert body["data"]["task_status"] == "submitted"


def test_what_is_doubtful_stands_in_the_message(world: FakeWorld, to: Services) -> None:
    body, _ = answered_create(world.submit({**PROMPT, "model_name": "kling-v9"}), to)

    assert body["code"] == 0
    assert body["message"].startswith("SUCCEED; warning: model_name: 'kling-v9'")


@pytest.mark.parametrize(("fault", "status", "code"), [(POLICY, 400, 1301), (refused(500, 1201), 400, 1201)])
def test_a_refusal_is_answered_as_by_the_provider(world: FakeWorld, to: Services, fault: Any, status: int, code: int) -> None:
    world.api.faults.append(fault)

    body, answered = answered_create(world.submit(), to)

    assert (answered, body["code"]) == (status, code)
    assert "data" not in body


def test_a_task_that_failed_later_is_still_a_task(world: FakeWorld, to: Services) -> None:
    task_id = world.submit(key="key").task.task_id
    world.api.fails(task_id)
    world.called_back(task_id)

    body, status = answered_create(world.submit(key="key"), to)

    assert (status, body["code"], body["data"]["task_status"]) == (200, 0, "failed")


def test_a_result_is_shown_with_the_providers_url_until_it_is_stored(world: FakeWorld, to: Services) -> None:
    task_id, url = succeeded(world)
    assert native(world.task(task_id), to, "")["task_result"]["videos"][0]["url"] == url

    world.archive(task_id)

    signed = f"https://results.example/results/{task_id}/0.mp4?signature"
    assert native(world.task(task_id), to, "")["task_result"]["videos"][0]["url"] == signed
    (result,) = own(world.task(task_id), to)["results"]
    assert (result["url"], result["bytes"], result["media_type"]) == (signed, len(MP4), "video/mp4")


def test_the_relays_own_view_tells_the_owner_everything_but_secrets(world: FakeWorld, to: Services) -> None:
    task_id, _ = succeeded(world)
    world.archive(task_id)
    task = world.task(task_id)

    shown = own(task, to)

    assert shown.pop("results")
    assert shown == {
        "task_id": task_id,
        "provider": "kling",
        "operation": "videos/text2video",
        "provider_task_id": task.provider_task_id,
        "external_task_id": "order-1",
        "status": "succeed",
        "status_message": "",
        "reason": None,
        "version": 3,
        "attempts": 1,
        "failure": None,
        "archive": "stored",
        "created_at": task.created_at,
        "updated_at": task.updated_at,
        "deadline_at": task.deadline_at,
    }


def test_a_failure_is_shown_with_its_code(world: FakeWorld, to: Services) -> None:
    world.api.faults.append(POLICY)

    assert own(world.submit().task, to)["failure"] == {"code": "rejected", "message": "content security policy"}


def test_a_list_is_filtered_and_paged(world: FakeWorld, to: Services) -> None:
    ids = []
    for number in range(5):
        world.clock.advance(seconds=1)
        ids.append(world.submit().task.task_id)
        if number % 2:
            world.api.fails(ids[-1])
            world.called_back(ids[-1])
    world.submit(tenant="mallory")

    first = listed("acme", {"limit": "3"}, to)
    second = listed("acme", {"limit": "3", "cursor": first["cursor"]}, to)

    assert [task["task_id"] for task in first["tasks"] + second["tasks"]] == ids[::-1]
    assert second["cursor"] is None
    failed = listed("acme", {"status": "failed", "operation": "videos/text2video"}, to)["tasks"]
    assert [task["task_id"] for task in failed] == [ids[3], ids[1]]
    assert listed("acme", {"operation": "images/generations"}, to)["tasks"] == []
    assert listed("acme", {"provider": "replicate"}, to)["tasks"] == []
    assert listed("acme", {"provider": "replicate", "operation": "videos/text2video"}, to)["tasks"] == []
    assert listed("acme", {"provider": "kling", "operation": "predictions"}, to)["tasks"] == []
    assert len(listed("acme", {"provider": "kling"}, to)["tasks"]) == 5


WIDEST = tuple(
    Result(path=f"task_result/images/{number}/url", kind="image", url=f"https://p.example/{number}?{'x' * 2000}", index=number)
    for number in range(64)
)
"""As many files as are read of one task, with the URLs that session tokens make."""
IMAGES = {"task_result": {"images": [{"index": number, "url": ""} for number in range(64)]}}


@pytest.fixture
def many(world: FakeWorld) -> list[str]:
    """The ids of a hundred tasks with many files, newest first."""
    ids = [f"{number:032x}" for number in range(100, 0, -1)]
    for number, task_id in enumerate(reversed(ids)):
        files = {"status": Status.SUCCEED, "results": WIDEST, "document": IMAGES, "archive": Archive.FAILED}
        world.tasks.create(task_of(task_id, created_at=NOON + number, operation="images/generations", **files))
    return ids


def test_a_page_is_as_long_as_a_response_can_hold(to: Services, many: list[str]) -> None:
    seen: list[str] = []
    cursor: dict[str, str] = {}
    for _ in many:
        page = listed("acme", {"limit": "100", **cursor}, to)
        assert payload_size(json.dumps(page).encode(), []) < LARGEST_PAYLOAD
        seen += [task["task_id"] for task in page["tasks"]]
        if page["cursor"] is None:
            break
        cursor = {"cursor": page["cursor"]}
    assert seen == many


def test_a_page_of_the_provider_that_is_too_long_says_what_to_send(to: Services, many: list[str]) -> None:
    size, page = 100, None
    while page is None:
        page, size = answered(size, to)

    assert [task["task_id"] for task in page] == many[:size]
    assert payload_size(json.dumps(page).encode(), []) < LARGEST_PAYLOAD


def answered(size: int, to: Services) -> tuple[list[dict[str, Any]] | None, int]:
    """A page and its size, or None and the size that the refusal advises."""
    try:
        route = to.providers["kling"].route("GET", "/v1/images/generations", {"pageSize": str(size)})
        return native_page("acme", to.providers["kling"], route, to, "", "r").body["data"], size
    except InvalidRequestError as error:
        described, _, advised = error.message.rpartition(" ")
    assert f"{size} of these tasks" in described
    assert 0 < int(advised) < size
    return None, int(advised)


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"limit": ""}, "limit"),
        ({"limit": "٣"}, "limit"),
        ({"limit": "9" * 5000}, "limit"),
        ({"status": "succeeded"}, "status"),
        ({"provider": "nobody"}, "provider"),
        ({"status": ""}, "status"),
        ({"cursor": "x"}, "cursor"),
    ],
)
def test_a_wrong_parameter_is_named_briefly(to: Services, parameters: dict[str, str], name: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"^{name}: expected") as caught:
        listed("acme", parameters, to)

    assert len(caught.value.message) < 150


def test_a_refused_status_names_those_that_there_are(to: Services) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        listed("acme", {"status": "done"}, to)

    assert all(status.value in caught.value.message for status in Status)


def test_a_missing_number_is_the_default() -> None:
    assert whole_number({}, "limit", 30) == 30
    assert whole_number({"limit": "007"}, "limit", 30) == 7
