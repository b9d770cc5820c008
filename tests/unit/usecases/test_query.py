"""Querying: by either id, by pages, and never another tenant's."""

import pytest

from relay.domain.errors import InvalidRequestError, TaskNotFoundError, UnknownOperationError
from relay.providers.base import Action, Paging
from relay.providers.kling.translator import Kling
from relay.usecases.query import find, page_of
from tests.support.fakes.fake_world import PROMPT, T2V, FakeWorld
from tests.support.fakes.provider import POLICY
from tests.support.tasks import NOON, task_of

IMAGES = "images/generations"


def test_a_task_is_found_by_either_id(world: FakeWorld) -> None:
    task = world.submit({**PROMPT, "external_task_id": "order-1"}).task

    for reference in (task.task_id, "order-1"):
        assert find("acme", reference, operation=T2V, tasks=world.tasks) == task
        assert find("acme", reference, tasks=world.tasks) == task


def test_a_task_of_another_tenant_is_not_there(world: FakeWorld) -> None:
    task = world.submit({**PROMPT, "external_task_id": "order-1"}).task

    messages = set()
    for reference in (task.task_id, "order-1", "nothing"):
        with pytest.raises(TaskNotFoundError) as caught:
            find("mallory", reference, tasks=world.tasks)
        messages.add(caught.value.message.replace(reference, ""))
    assert len(messages) == 1, "whether it exists cannot be told"


def test_a_task_of_another_operation_is_not_there(world: FakeWorld) -> None:
    task = world.submit().task

    with pytest.raises(TaskNotFoundError):
        find("acme", task.task_id, operation=IMAGES, tasks=world.tasks)


def test_after_a_refusal_an_external_id_means_the_task_that_followed(world: FakeWorld) -> None:
    body = {**PROMPT, "external_task_id": "order-1"}
    world.api.faults.extend([POLICY, POLICY])
    refused = [world.submit(body).task for _ in range(2)]
    assert find("acme", "order-1", tasks=world.tasks).task_id == refused[1].task_id

    task = world.submit(body).task
    assert find("acme", "order-1", tasks=world.tasks) == task


def test_an_external_id_that_was_refused_too_often_means_the_last_refusal(world: FakeWorld) -> None:
    world.api.faults.extend([POLICY] * 16)
    refused = [world.submit({**PROMPT, "external_task_id": "order-1"}).task.task_id for _ in range(16)]

    assert find("acme", "order-1", tasks=world.tasks).task_id == refused[-1]


def test_an_external_id_that_looks_like_another_tenants_task_id_finds_the_own_task(world: FakeWorld) -> None:
    foreign = world.submit(tenant="mallory").task.task_id
    own = world.submit({**PROMPT, "external_task_id": foreign}).task

    assert find("acme", foreign, tasks=world.tasks) == own


def filled(world: FakeWorld, count: int = 50, every: int = 5) -> list[str]:
    """`count` tasks, of which every `every`-th makes images: the ids of those, newest first."""
    for number in range(count):
        operation = IMAGES if number % every == 0 else T2V
        world.tasks.create(task_of(f"{number:032x}", created_at=NOON + number, operation=operation))
    return [f"{number:032x}" for number in reversed(range(0, count, every))]


@pytest.mark.parametrize("size", [1, 3, 10, 500])
def test_numbered_pages_hold_all_tasks_of_an_operation_once(world: FakeWorld, size: int) -> None:
    ids = filled(world)

    pages = [
        [task.task_id for task in page_of("acme", "kling", IMAGES, Paging(number, size), world.tasks)[0]]
        for number in range(1, 13)
    ]

    assert [task_id for page in pages for task_id in page] == ids
    assert all(len(page) == size for page in pages[: len(ids) // size])


def test_a_page_is_full_though_the_operations_tasks_are_few_among_many(world: FakeWorld) -> None:
    ids = filled(world, 400, 100)

    for number, task_id in enumerate(ids, 1):
        (task,), _ = page_of("acme", "kling", IMAGES, Paging(number, 1), world.tasks)
        assert task.task_id == task_id
    assert page_of("acme", "kling", IMAGES, Paging(5, 1), world.tasks) == ([], None)


def test_a_page_of_another_provider_is_empty(world: FakeWorld) -> None:
    filled(world)

    assert page_of("acme", "another", None, Paging(), world.tasks) == ([], None)
    page, cursor = page_of("acme", "kling", None, Paging(), world.tasks)
    assert (len(page), cursor is None) == (30, False)


@pytest.mark.parametrize(
    ("number", "size", "name"), [(0, 30, "pageNum"), (1001, 30, "pageNum"), (1, 0, "pageSize"), (1, 501, "pageSize")]
)
def test_a_page_that_does_not_exist_is_refused(number: int, size: int, name: str) -> None:
    with pytest.raises(InvalidRequestError, match=name):
        Kling().route("GET", f"/v1/{T2V}", {"pageNum": str(number), "pageSize": str(size)})


@pytest.mark.parametrize("prefix", ["/kling/v1/", "/v1/"])
@pytest.mark.parametrize(
    ("path", "operation", "reference"),
    [
        ("videos/text2video", "videos/text2video", ""),
        ("videos/text2video/", "videos/text2video", ""),
        ("videos/text2video/order-1", "videos/text2video", "order-1"),
        ("videos/text2video/orders/1", "videos/text2video", "orders/1"),
        ("videos/avatar/image2video", "videos/avatar/image2video", ""),
        ("videos/avatar/image2video/order-1", "videos/avatar/image2video", "order-1"),
        ("images/editing/expand/1", "images/editing/expand", "1"),
        ("videos/multi-elements/init-selection", "videos/multi-elements", "init-selection"),
        ("general/custom-voices", "general/custom-voices", ""),
        ("general/custom-voices/Order 1", "general/custom-voices", "Order 1"),
        ("general/voices/custom/1", "general/voices/custom", "1"),
    ],
)
def test_a_path_is_an_operation_or_one_of_its_tasks(prefix: str, path: str, operation: str, reference: str) -> None:
    route = Kling().route("GET", prefix + path, {})
    assert (route.name, route.reference) == (operation, reference)
    assert route.action is (Action.QUERY if reference else Action.LIST)


def test_a_page_of_an_unknown_operation_with_three_segments_is_asked_for_as_a_page() -> None:
    page = Kling().route("GET", "/v1/general/voices/custom", {"pageNum": "2"})
    assert (page.action, page.name, page.paging) == (Action.LIST, "general/voices/custom", Paging(2))
    single = Kling().route("GET", "/v1/general/voices/custom", {})
    assert (single.name, single.reference) == ("general/voices", "custom")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_below_the_shared_prefix_unknown_videos_are_those_of_other_providers(method: str) -> None:
    assert Kling().route(method, "/kling/v1/videos/new-one", {}).name == "videos/new-one"
    with pytest.raises(UnknownOperationError, match="/kling/v1/videos/new-one"):
        Kling().route(method, "/v1/videos/new-one", {})
