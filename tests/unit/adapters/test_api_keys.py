"""API keys: shown once, found by their SHA-256, kept for less than a minute."""

import hashlib
import json
from typing import Any

from relay.adapters.dynamodb.api_keys import DynamoApiKeys
from relay.domain.keys import ClientKey, KeyKind
from relay_cli.operator.key_register import DynamoKeyRegister


class Table:
    """A table of items that counts its reads."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Any]] = {}
        self.reads = 0

    def put_item(self, *, TableName: str, Item: dict[str, Any], ConditionExpression: str, **_: Any) -> None:  # noqa: N803
        assert (TableName, ConditionExpression) == ("api_keys", "attribute_not_exists(key_sha256)")
        self.items[Item["key_sha256"]["S"]] = Item

    def get_item(self, *, TableName: str, Key: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        assert TableName == "api_keys"
        self.reads += 1
        item = self.items.get(Key["key_sha256"]["S"])
        return {"Item": item} if item else {}


class Clock:
    """Monotonic seconds."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_only_the_hash_of_a_key_is_stored() -> None:
    table = Table()
    issued = DynamoKeyRegister(table, "api_keys").create("acme", at=7)
    assert issued.secret.startswith("crk_")
    assert len(issued.secret) >= 40
    digest = hashlib.sha256(issued.secret.encode()).hexdigest()
    assert table.items == {
        digest: {
            "key_sha256": {"S": digest},
            "id": {"S": f"key_{digest[:16]}"},
            "tenant": {"S": "acme"},
            "kind": {"S": "plain"},
            "created_at": {"N": "7"},
        }
    }
    assert issued.secret.removeprefix("crk_") not in json.dumps(table.items)


def test_every_key_is_another() -> None:
    register = DynamoKeyRegister(Table(), "api_keys")
    assert len({register.create("acme", at=1).secret for _ in range(100)}) == 100


def test_a_key_leads_to_its_tenant_and_anything_else_to_nobody() -> None:
    table = Table()
    register, keys = DynamoKeyRegister(table, "api_keys"), DynamoApiKeys(table, "api_keys")
    one, other = register.create("acme", at=1), register.create("umbrella", at=2, submits_per_minute=3)
    assert keys.find(one.secret) == one.key
    assert keys.find(other.secret) == other.key == ClientKey(
        id=other.key.id, tenant="umbrella", kind=KeyKind.PLAIN, created_at=2, submits_per_minute=3
    )  # fmt: skip
    secret = one.secret
    for wrong in (secret[:-1], secret + "x", secret.upper(), f" {secret}", "crk_", "crk_\ud800", one.key.id):
        assert keys.find(wrong) is None


def test_what_cannot_be_a_key_costs_no_read() -> None:
    table = Table()
    for wrong in ("", "sk-1234", "CRK_x", "eyJhbGciOiJIUzI1NiJ9.e30.x"):
        assert DynamoApiKeys(table, "api_keys").find(wrong) is None
    assert table.reads == 0


def test_a_key_is_read_again_before_a_minute_is_over() -> None:
    table, clock = Table(), Clock()
    issued = DynamoKeyRegister(table, "api_keys").create("acme", at=1)
    keys = DynamoApiKeys(table, "api_keys", clock)
    for at, reads in ((0, 1), (44, 1), (46, 2), (59, 2), (105, 3)):
        clock.now = 1000.0 + at
        assert keys.find(issued.secret) == issued.key
        assert table.reads == reads
    (item,) = table.items.values()
    item["revoked_at"] = {"N": "9"}
    clock.now += 60
    assert keys.find(issued.secret) is None


def test_guesses_displace_no_key() -> None:
    table = Table()
    issued = DynamoKeyRegister(table, "api_keys").create("acme", at=1)
    keys = DynamoApiKeys(table, "api_keys")
    assert keys.find(issued.secret)
    for number in range(2000):
        assert keys.find(f"crk_{number}") is None
    reads = table.reads
    assert keys.find(issued.secret)
    assert table.reads == reads
