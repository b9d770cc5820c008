"""`relay keys`: the installed program creates, lists and revokes keys that the relay accepts."""

from relay.bootstrap import services
from tests.integration.cli.conftest import Program


def test_a_key_is_printed_once_and_the_relay_accepts_it(operator: Program) -> None:
    ran = operator.installed("keys", "create", "--tenant", "umbrella")
    assert ran.code == 0, ran.err
    key = ran.out.strip()
    assert ran.out == f"{key}\n"
    assert key not in ran.err
    assert operator("list", "--key", key, "--json").document == []
    listed = operator("keys", "list", "--tenant", "umbrella")
    assert "umbrella" in listed.out
    assert key not in listed.out


def test_a_pair_is_an_access_key_and_a_secret_key(operator: Program) -> None:
    ran = operator("keys", "create", "--tenant", "umbrella", "--pair", "--submits-per-minute", "5", "--json")
    pair = ran.document
    assert (pair["kind"], pair["submits_per_minute"]) == ("pair", 5)
    (listed,) = operator("keys", "list", "--tenant", "umbrella", "--json").document
    assert listed == {name: value for name, value in pair.items() if name != "secret"}
    lines = operator("keys", "create", "--tenant", "umbrella", "--pair").out.splitlines()
    assert len(lines) == 2


def test_a_revoked_key_is_refused(operator: Program) -> None:
    made = operator("keys", "create", "--tenant", "umbrella", "--json").document
    assert operator("list", "--key", made["secret"]).code == 0
    ran = operator.installed("keys", "revoke", made["id"], "--json")
    assert ran.code == 0, ran.err
    assert ran.document["revoked_at"]
    services.cache_clear()  # clears the keys that the authorizer caches for a minute
    assert operator("list", "--key", made["secret"]).code == 4
    (listed,) = operator.installed("keys", "list", "--tenant", "umbrella", "--json").document
    assert listed["revoked_at"] == ran.document["revoked_at"]


def test_invalid_options_and_unknown_keys_are_refused(operator: Program) -> None:
    before = operator("keys", "list", "--json").document
    assert operator("keys", "create", "--tenant", "no tenant").code == 2
    assert operator("keys", "create").code == 2
    assert operator("keys", "create", "--tenant", "a", "--submits-per-minute", "-1").code == 2
    assert operator("keys", "list", "--json").document == before
    missing = operator("keys", "revoke", "nonsense")
    assert missing.code == 5
    assert "relay keys list" in missing.err
