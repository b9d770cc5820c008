"""API keys: printed once, and only their SHA-256 is stored."""

import hashlib
import json
import subprocess
import sys
from typing import Any

import pytest
from moto import mock_aws

from relay.adapters import aws
from relay.adapters.api_keys import DynamoApiKeys
from relay.keys import create_key, main


class Table:
    """A table of items that counts its reads."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Any]] = {}
        self.reads = 0

    def put_item(self, *, TableName: str, Item: dict[str, Any], ConditionExpression: str) -> None:  # noqa: N803
        assert (TableName, ConditionExpression) == ("api_keys", "attribute_not_exists(key_sha256)")
        self.items[Item["key_sha256"]["S"]] = Item

    def get_item(self, *, TableName: str, Key: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        assert TableName == "api_keys"
        self.reads += 1
        item = self.items.get(Key["key_sha256"]["S"])
        return {"Item": item} if item else {}


def test_only_the_hash_of_a_key_is_stored() -> None:
    table = Table()
    key = DynamoApiKeys(table, "api_keys").create("acme", at=7)
    assert key.startswith("crk_")
    assert len(key) >= 40
    digest = hashlib.sha256(key.encode()).hexdigest()
    assert table.items == {digest: {"key_sha256": {"S": digest}, "tenant": {"S": "acme"}, "created_at": {"N": "7"}}}
    assert key.removeprefix("crk_") not in json.dumps(table.items)


def test_every_key_is_another() -> None:
    keys = DynamoApiKeys(Table(), "api_keys")
    assert len({keys.create("acme", at=1) for _ in range(100)}) == 100


def test_a_key_leads_to_its_tenant_and_anything_else_to_nobody() -> None:
    table = Table()
    keys = DynamoApiKeys(table, "api_keys")
    one, other = keys.create("acme", at=1), keys.create("umbrella", at=2)
    assert (keys.tenant_of(one), keys.tenant_of(other)) == ("acme", "umbrella")
    for wrong in (one[:-1], one + "x", one.upper(), f" {one}", "crk_", "crk_\ud800", hashlib.sha256(one.encode()).hexdigest()):
        assert keys.tenant_of(wrong) is None


def test_what_cannot_be_a_key_costs_no_read() -> None:
    table = Table()
    for wrong in ("", "sk-1234", "CRK_x", "eyJhbGciOiJIUzI1NiJ9.e30.x"):
        assert DynamoApiKeys(table, "api_keys").tenant_of(wrong) is None
    assert table.reads == 0


@pytest.mark.parametrize("tenant", ["", "-a", "a b", "a/b", "a" * 65, "ä", "a\n"])
def test_a_tenants_name_is_checked(tenant: str) -> None:
    with pytest.raises(ValueError, match="tenant: expected"):
        create_key(Table(), "api_keys", tenant)


def test_the_command_prints_the_key_once_and_stores_its_hash(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(sys, "argv", ["keys", "create", "--tenant", "acme", "--table", "api_keys"])
    with mock_aws():
        aws.client.cache_clear()
        aws._session.cache_clear()
        dynamodb = aws.client("dynamodb")
        dynamodb.create_table(
            TableName="api_keys",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "key_sha256", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "key_sha256", "KeyType": "HASH"}],
        )
        main()
        items = dynamodb.scan(TableName="api_keys")["Items"]
    aws.client.cache_clear()
    aws._session.cache_clear()
    (key,) = capsys.readouterr().out.split()
    assert [item["key_sha256"]["S"] for item in items] == [hashlib.sha256(key.encode()).hexdigest()]
    assert key not in json.dumps(items)


def test_the_command_refuses_a_bad_name(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["keys", "create", "--tenant", "a b", "--table", "t"])
    monkeypatch.setattr("relay.keys.client", lambda _service: Table())
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "tenant: expected" in capsys.readouterr().err


def test_the_command_says_how_it_is_used() -> None:
    shown = subprocess.run([sys.executable, "-m", "relay.keys", "--help"], capture_output=True, text=True, check=True)
    assert "python -m relay.keys" in shown.stdout
