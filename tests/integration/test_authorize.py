"""The authorizer: whose key it is, or that it is nobody's. It refuses nobody: only a function can answer in the envelope."""

import json

import pytest

from tests.integration.world import World, event, with_tenant


def test_a_known_key_brings_its_tenant(world: World) -> None:
    payload = event("authorize.known")
    payload["headers"]["authorization"] = f"Bearer {world.key_for('acme')}"
    assert world.call("authorize", payload) == {"isAuthorized": True, "context": {"tenant": "acme"}}


def test_the_scheme_may_be_written_otherwise(world: World) -> None:
    payload = event("authorize.known")
    payload["headers"]["authorization"] = f"bearer   {world.key_for('acme')} "
    assert world.call("authorize", payload)["context"] == {"tenant": "acme"}


def test_each_key_has_its_own_tenant(world: World) -> None:
    for tenant in ("acme", "umbrella"):
        payload = event("authorize.known")
        payload["headers"]["authorization"] = f"Bearer {world.key_for(tenant)}"
        assert world.call("authorize", payload)["context"] == {"tenant": tenant}


@pytest.mark.parametrize("value", [None, "Basic {key}", "{key}", "Bearer", "Bearer {key}x", "Bearer crk_", "Bearer \ud800"])
def test_an_unknown_key_is_marked_as_such(world: World, value: str | None) -> None:
    payload = event("authorize.unknown")
    if value is not None:
        payload["headers"]["authorization"] = value.format(key=world.key_for("acme"))
    assert world.call("authorize", payload) == {"isAuthorized": True, "context": {"refusal": "unknown"}}


@pytest.mark.parametrize("value", [None, "", " "])
def test_a_missing_key_is_marked_as_such(world: World, value: str | None) -> None:
    payload = event("authorize.missing")
    if value is not None:
        payload["headers"]["authorization"] = value
    assert world.call("authorize", payload)["context"] == {"refusal": "missing"}


@pytest.mark.parametrize(("case", "code"), [("missing", 1001), ("unknown", 1002)])
def test_what_the_authorizer_says_becomes_the_functions_401(world: World, case: str, code: int) -> None:
    context = world.call("authorize", event(f"authorize.{case}"))["context"]
    for function, payload in (("submit_task", "submit_task.text2video"), ("query_tasks", "query_tasks.single")):
        answer = world.http(function, with_tenant(event(payload), None, **context))
        assert (answer.status, answer.code) == (401, code)


def test_the_key_itself_is_stored_nowhere(world: World) -> None:
    key = world.key_for("acme")
    items = world.dynamodb.scan(TableName="api_keys")["Items"]
    assert len(items) == 1
    assert key.removeprefix("crk_") not in json.dumps(items)
