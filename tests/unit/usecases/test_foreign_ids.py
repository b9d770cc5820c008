"""Ids of the provider belong to the tenant that they were given to, and some operations to keys that may use the account."""

from typing import Any

import pytest

from relay.domain.errors import InvalidRequestError, PermissionDeniedError
from relay.domain.keys import SubmissionLimit
from relay.providers.base import ProviderResponse
from relay.providers.kling.translator import Kling
from relay.usecases.forward import Call, forward
from tests.support.fakes.fake_world import FakeWorld, settings_of
from tests.support.fakes.results import MP4

EXTEND = "videos/video-extend"
VOICE = "829836802793406551"
NO_ACCOUNT = SubmissionLimit("key_1", 0, account=False)


def a_video_of(world: FakeWorld, tenant: str) -> str:
    """The provider's id of a stored video."""
    task_id = world.submit(tenant=tenant).task.task_id
    video = world.api.succeeds(task_id).result["videos"][0]
    world.called_back(task_id)
    world.source.files[video["url"]] = MP4
    world.archive(task_id)
    return str(video["id"])


def test_a_video_can_be_extended_by_its_tenant_only(world: FakeWorld) -> None:
    video_id = a_video_of(world, "acme")
    assert world.submit({"video_id": video_id}, operation=EXTEND).task.tenant == "acme"
    sent = len(world.api.requests)
    with pytest.raises(InvalidRequestError, match=f"video_id: no task of yours was given the id '{video_id}'"):
        world.submit({"video_id": video_id}, operation=EXTEND, tenant="rival")
    assert len(world.api.requests) == sent
    assert all(task.tenant == "acme" for task in world.tasks.tasks.values())


@pytest.mark.parametrize(
    ("operation", "body", "field"),
    [
        ("general/delete-voices", {"voice_id": VOICE}, "voice_id"),
        ("general/delete-elements", {"element_id": int(VOICE)}, "element_id"),
        ("general/delete-elements", {"element_ids": ["1", VOICE]}, "element_ids/1"),
        ("images/omni-image", {"prompt": "a cat", "element_list": [{"element_id": int(VOICE)}]}, "element_list/0/element_id"),
        ("general/new", {"input": {"deep": [{"audio_id": VOICE}]}}, "input/deep/0/audio_id"),
    ],
)
def test_an_id_is_found_wherever_it_is_named(world: FakeWorld, operation: str, body: dict[str, Any], field: str) -> None:
    world.provider_ids.record("rival", "kling", [VOICE], expires_at=0)
    with pytest.raises(InvalidRequestError, match=f"^{field}: no task of yours"):
        world.submit(body, operation=operation)
    assert world.tasks.tasks == {}


def test_an_unknown_id_passes_unless_the_stack_refuses_it(world: FakeWorld) -> None:
    assert world.submit({"video_id": VOICE}, operation=EXTEND).task.operation == EXTEND
    world.relay.settings = settings_of(foreign_provider_ids="refuse")
    with pytest.raises(InvalidRequestError, match="video_id: no task of yours"):
        world.submit({"video_id": VOICE}, operation=EXTEND)


def test_the_names_of_voices_are_everybodys(world: FakeWorld) -> None:
    world.relay.settings = settings_of(foreign_provider_ids="refuse")
    speech = {"input": {"mode": "text2video", "video_url": "https://c.example/a.mp4", "text": "hi", "voice_id": "genshin_vindi2"}}
    assert world.submit(speech, operation="videos/lip-sync").task.operation == "videos/lip-sync"


def test_a_request_without_ids_looks_nothing_up(world: FakeWorld) -> None:
    world.submit()
    assert "ids.tenant_of" not in world.calls.names


def test_a_request_names_a_bounded_number_of_ids(world: FakeWorld) -> None:
    ids = [str(10**17 + number) for number in range(33)]
    with pytest.raises(InvalidRequestError, match="too many ids of the provider: expected at most 32"):
        world.submit({"element_ids": ids}, operation="general/new")


def test_a_session_belongs_to_the_tenant_that_began_it(world: FakeWorld) -> None:
    response = ProviderResponse(200, b'{"code":0,"data":{"session_id":"829836802793406551","face_data":[{"face_id":"1"}]}}')
    world.api.send = lambda *_, **__: response  # type: ignore[method-assign]
    identify = Call(
        tenant="acme",
        provider="kling",
        operation=Kling.synchronous["videos/identify-face"],
        body={"video_url": "https://c.example/a.mp4"},
    )
    forward(identify, world.relay)
    assert world.provider_ids.given_to == {("kling", VOICE): "acme"}
    clear = Kling.synchronous["videos/multi-elements/clear-selection"]
    with pytest.raises(InvalidRequestError, match="session_id: no task of yours"):
        forward(Call(tenant="rival", provider="kling", operation=clear, body={"session_id": VOICE}), world.relay)
    assert forward(Call(tenant="acme", provider="kling", operation=clear, body={"session_id": VOICE}), world.relay) == response


@pytest.mark.parametrize("last", [False, True])
def test_files_are_stored_and_announced_although_their_ids_cannot_be_recorded(world: FakeWorld, last: bool) -> None:
    task_id = world.submit().task.task_id
    video = world.api.succeeds(task_id).result["videos"][0]
    world.called_back(task_id)
    world.source.files[video["url"]] = MP4

    def fails(*_: object, **__: object) -> None:
        raise ConnectionError

    world.provider_ids.record = fails  # type: ignore[method-assign]
    if not last:
        with pytest.raises(ConnectionError):
            world.archive(task_id)
    else:
        assert world.archive(task_id, last_attempt=True)
        assert world.task(task_id).archive == "stored"


def test_the_account_is_for_keys_that_may_use_it(world: FakeWorld) -> None:
    with pytest.raises(PermissionDeniedError, match="general/delete-voices concerns the account"):
        world.submit({"voice_id": VOICE}, operation="general/delete-voices", limit=NO_ACCOUNT)
    costs = Kling.synchronous["account/costs"]
    with pytest.raises(PermissionDeniedError, match="account/costs"):
        forward(Call(tenant="acme", provider="kling", operation=costs, limit=NO_ACCOUNT), world.relay)
    assert world.api.requests == []
    assert world.submit(limit=NO_ACCOUNT).task.tenant == "acme"
