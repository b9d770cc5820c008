"""What every provider's translator does, with the provider's own documents: fixtures/{provider}/."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.domain.errors import OutcomeUnknownError, ProviderError, RelayError, UnknownOperationError, UnreadableSnapshotError
from relay.domain.task import Change, Failure, FailureCode, Snapshot, Status
from relay.providers.base import Action, Operation, OurId, PromptLimits, Provider, ProviderResponse
from relay.providers.registry import ENTRIES, routed
from relay.providers.registry import PROVIDERS as REGISTERED
from tests.support.tasks import NOON, task_of

PROVIDERS: dict[str, Provider] = dict(REGISTERED)
FIXTURES = Path(__file__).parents[1] / "fixtures"
LIMITS = PromptLimits(2500, 2500)
KINDS = ("callback", "query", "create", "error")


def kind_of(path: Path) -> str:
    """The first word of a fixture's name that says what it is."""
    return next((word for word in path.stem.split("_") if word in KINDS), "other")


def fixtures(*kinds: str) -> list[Any]:
    """(provider, path) of each document of these kinds."""
    return [
        pytest.param(provider, path, id=f"{name}-{path.stem}")
        for name, provider in PROVIDERS.items()
        for path in sorted((FIXTURES / name).glob("*.json"))
        if kind_of(path) in kinds
    ]


def first(provider: Provider) -> Operation:
    """One of its operations."""
    return next(iter(provider.operations.values()))


def read(provider: Provider, path: Path) -> Snapshot:
    body = path.read_bytes()
    match kind_of(path):
        case "callback":
            snapshot = provider.read_callback(body, {})
            assert isinstance(snapshot, Snapshot)
            return snapshot
        case "query":
            return provider.read_queried(first(provider), ProviderResponse(200, body))
        case _:
            return provider.read_created(first(provider), ProviderResponse(200, body))


OPERATIONS = [
    pytest.param(provider, operation, id=f"{name}-{operation}")
    for name, provider in PROVIDERS.items()
    for operation in provider.operations
]


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=PROVIDERS)
def test_a_provider_has_documents_of_every_kind(provider: Provider) -> None:
    folder = FIXTURES / provider.name

    assert {kind_of(path) for path in folder.glob("*.json")} >= set(KINDS)
    documents = (*folder.glob("callback_*.json"), *folder.glob("query_*.json"))
    assert {Status(read(provider, path).status) for path in documents} == set(Status)


@pytest.mark.parametrize(("provider", "path"), fixtures("callback", "query", "create"))
def test_a_documented_task_object_becomes_a_snapshot(provider: Provider, path: Path) -> None:
    snapshot = read(provider, path)

    assert snapshot.provider_task_id
    assert snapshot.provider_task_id in path.read_text()
    if snapshot.status is Status.SUCCEED:
        assert snapshot.document
        assert snapshot.results or not first(provider).has_files
    else:
        assert not snapshot.results
    assert len({result.path for result in snapshot.results}) == len(snapshot.results)
    assert {result.kind for result in snapshot.results} <= {"image", "video", "audio", "file"}


@pytest.mark.parametrize(("provider", "path"), fixtures("callback", "query"))
def test_a_task_is_shown_as_the_provider_would_show_it_with_our_ids(provider: Provider, path: Path) -> None:
    snapshot = read(provider, path)
    task = task_of(external_task_id="ours", version=2).moved_to(Change.reported(snapshot), at=NOON + 5) \
        if snapshot.status is not Status.SUBMITTED else task_of(external_task_id="ours")  # fmt: skip
    urls = {result.path: f"https://bucket.example/{number}" for number, result in enumerate(task.results)}

    shown = provider.view(task, urls, "https://relay.example")

    reply = provider.queried_reply(shown, "r")
    again = provider.read_queried(first(provider), ProviderResponse(reply.status, json.dumps(reply.body).encode()))
    assert again.provider_task_id == task.task_id
    assert again.external_task_id == ("ours" if provider.external_id_field else None)
    assert (again.status, again.message) == (task.status, task.message)
    assert again.updated_at in {None, task.updated_at}
    if again.status is Status.SUCCEED:
        assert again.updated_at == task.updated_at
    assert {result.path: result.url for result in again.results} == urls
    for result in snapshot.results:
        assert len(result.url) < len("https://") or result.url not in json.dumps(shown)


@pytest.mark.parametrize(("provider", "path"), fixtures("error"))
@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 429, 500, 502, 503, 504, 524])
def test_a_documented_error_is_never_taken_for_a_task(provider: Provider, path: Path, status: int) -> None:
    response = ProviderResponse(status, path.read_bytes())

    for reading in (provider.read_created, provider.read_queried):
        with pytest.raises(ProviderError) as caught:
            reading(first(provider), response)
        assert (caught.value.status, str(caught.value.code)) == (status, path.stem.split("_")[1])
        assert 0 < len(caught.value.message) <= 500


GARBAGE = [
    b"",
    b"null",
    b"[]",
    b"7",
    b'""',
    b"{}",
    b"\xff\xfe",
    b"<html>502 Bad Gateway</html>",
    b'{"code":0}',
    b'{"code":0,"data":null}',
    b'{"code":0,"data":[]}',
    b'{"code":0,"data":{}}',
    b"[" * 100_000,
    b'{"data":' * 100_000,
    b'{"a":NaN}',
    b'{"a":' + b"9" * 5000 + b"}",
]


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=PROVIDERS)
@pytest.mark.parametrize("body", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_is_an_error_of_ours_and_never_says_that_a_task_was_not_accepted(provider: Provider, body: bytes) -> None:
    with pytest.raises(UnreadableSnapshotError):
        provider.read_callback(body, {})
    for status in (200, 201, 500, 502, 503, 504, 524):
        with pytest.raises(OutcomeUnknownError):
            provider.read_created(first(provider), ProviderResponse(status, body))
        with pytest.raises((OutcomeUnknownError, UnreadableSnapshotError)):
            provider.read_queried(first(provider), ProviderResponse(status, body))
    for status in (301, 400, 404):
        with pytest.raises(RelayError):
            provider.read_queried(first(provider), ProviderResponse(status, body))


@pytest.mark.parametrize(("provider", "name"), OPERATIONS)
def test_every_operation_sends_our_id_and_our_callback_url_whatever_the_client_said(provider: Provider, name: str) -> None:
    operation = provider.operations[name]
    body = json.loads((FIXTURES / provider.name / "requests" / f"{name.replace('/', '_')}.fullest.json").read_text())
    checked = provider.checked(operation, body, LIMITS)

    request = provider.create_request(operation, checked.body, task_id="our-id", callback_url="https://relay.example/c/1")

    assert request.method == "POST"
    assert request.path.endswith(operation.name)
    assert request.body is not None
    if provider.external_id_field:
        assert request.body[provider.external_id_field] == "our-id"
    assert request.body[provider.callback_field] == "https://relay.example/c/1"
    kept = set(checked.body) - {provider.external_id_field, provider.callback_field}
    assert {field: request.body[field] for field in kept} == {field: checked.body[field] for field in kept}


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=PROVIDERS)
def test_what_is_answered_at_once_goes_to_its_own_path(provider: Provider) -> None:
    for name, operation in provider.synchronous.items():
        body = None if operation.method == "GET" else {"any": "thing"}
        request = provider.forward_request(operation, body, "a=1&b=2")
        assert (request.method, request.body) == (operation.method, body)
        assert request.path.endswith(f"/{name}?a=1&b=2")
        assert not provider.forward_request(operation, body, "").path.endswith("?")
        assert name not in provider.operations


SEGMENT = st.text(st.sampled_from("ab-./?#% \\é"), max_size=6) | st.sampled_from(["..", "videos", "images", "audio", "x" * 65])


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=PROVIDERS)
@given(segments=st.lists(SEGMENT, max_size=5))
def test_an_unknown_operation_is_a_plain_path_or_none(provider: Provider, segments: list[str]) -> None:
    name = "/".join(segments)
    try:
        operation = provider.operation(name)
    except UnknownOperationError:
        return
    assert operation.name == name
    assert not set(name) & set("?#% \\é")
    assert ".." not in name.split("/")
    request = provider.create_request(operation, {}, task_id="t", callback_url="https://c")
    assert request.path.endswith(f"/{name}")


@pytest.mark.parametrize(("provider", "name"), OPERATIONS)
@pytest.mark.parametrize("reference", ["878106242831892487", "../../account/costs", "a b?c=d#e", "ü/%2e"])
def test_a_reference_cannot_leave_its_place_in_the_path(provider: Provider, name: str, reference: str) -> None:
    request = provider.query_request(provider.operations[name], reference)

    assert (request.method, request.body) == ("GET", None)
    prefix, _, last = request.path.rpartition("/")
    assert prefix.endswith(name)
    assert not set(last) & set("?# \\")


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=PROVIDERS)
@pytest.mark.parametrize("http_status", [0, 200, 301, 400, 403, 404, 429, 500, 503, 600])
@pytest.mark.parametrize("code", [-1, 0, 1000, 1102, 1301])
def test_a_refusal_is_always_an_error_to_the_client(provider: Provider, http_status: int, code: int) -> None:
    failure = Failure(code=FailureCode.REJECTED, message="no", provider_code=code, http_status=http_status)

    status, shown, message = provider.refusal(failure)

    assert 400 <= status < 600
    assert status != 401, "the client's own key is not what was refused"
    assert shown > 0
    assert "no" in message


def test_every_provider_is_held_to_this_contract() -> None:
    assert set(PROVIDERS) == set(ENTRIES)
    assert {provider.name for provider in PROVIDERS.values()} == set(PROVIDERS)


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=PROVIDERS)
def test_a_create_that_is_repeated_after_an_unknown_outcome_sends_an_id_that_the_provider_finds(provider: Provider) -> None:
    operations = [operation for operation in provider.operations.values() if operation.our_id is OurId.ALWAYS]
    assert not operations or provider.external_id_field


@pytest.mark.parametrize(("provider", "name"), OPERATIONS)
def test_a_route_finds_every_operation(provider: Provider, name: str) -> None:
    prefix = ENTRIES[provider.name].prefixes[0]
    path = provider.create_request(provider.operations[name], {}, task_id="t", callback_url="https://c").path
    assert path.startswith(prefix)
    created, route = routed("POST", path, {})
    assert (created.name, route.action, route.name) == (provider.name, Action.CREATE, name)
    queried, route = routed("GET", provider.query_request(provider.operations[name], "abc").path, {})
    assert (queried.name, route.action, route.reference) == (provider.name, Action.QUERY, "abc")


@pytest.mark.parametrize("provider", PROVIDERS.values(), ids=PROVIDERS)
def test_an_error_of_the_relay_is_an_error_to_the_providers_own_clients(provider: Provider) -> None:
    for status, code in ((400, 1201), (401, 1002), (404, 1203), (429, 1302), (500, 5000)):
        reply = provider.error_reply(status, code, "the prompt is empty", "r")
        assert 400 <= reply.status < 600
        with pytest.raises(ProviderError, match=r"the prompt is empty|the provider refused the relay's own key"):
            provider.read_queried(first(provider), ProviderResponse(reply.status, json.dumps(reply.body).encode()))
