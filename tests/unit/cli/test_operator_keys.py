"""Operator code for keys: both kinds are created, listed and revoked, and no secret is stored."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from relay.adapters import aws
from relay.adapters.secrets.cached import Secrets
from relay.adapters.secrets.key_pairs import HmacKeyPairs
from relay.domain.keys import KeyKind
from relay_cli.operator.keys import Keys

OUTPUTS = {"ApiKeysTable": "api_keys", "ClientMasterKeyArn": "client-master-key"}


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The table and the secret."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        aws.client.cache_clear()
        aws._session.cache_clear()
        client = aws.client("dynamodb")
        client.create_table(
            TableName="api_keys",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "key_sha256", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "key_sha256", "KeyType": "HASH"}],
        )
        aws.client("secretsmanager").create_secret(Name="client-master-key", SecretString="m" * 64)
        yield client
    aws.client.cache_clear()
    aws._session.cache_clear()


def items(dynamodb: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = dynamodb.scan(TableName="api_keys")["Items"]
    return found


def test_only_the_hash_of_a_plain_key_is_stored(dynamodb: Any) -> None:
    key = Keys(OUTPUTS, aws.client).create("acme").secret
    assert [item["key_sha256"]["S"] for item in items(dynamodb)] == [hashlib.sha256(key.encode()).hexdigest()]
    assert key not in json.dumps(items(dynamodb))


def test_the_secret_key_of_a_pair_is_derived_and_not_stored(dynamodb: Any) -> None:
    issued = Keys(OUTPUTS, aws.client).create("acme", KeyKind.PAIR, submits_per_minute=30)
    secrets = Secrets(aws.client("secretsmanager"), 300)
    assert HmacKeyPairs(secrets, "client-master-key").secret_of(issued.key.id) == issued.secret
    (item,) = items(dynamodb)
    assert (item["id"]["S"], item["kind"]["S"], item["submits_per_minute"]["N"]) == (issued.key.id, "pair", "30")
    assert issued.secret not in json.dumps(item)


def test_keys_are_listed_and_one_is_revoked(dynamodb: Any) -> None:
    keys = Keys(OUTPUTS, aws.client)
    plain = keys.create("acme", submits_per_minute=0).key
    pair = keys.create("acme", KeyKind.PAIR).key
    other = keys.create("umbrella", submits_per_minute=5).key
    assert {key.id: key.submits_per_minute for key in keys.all()} == {plain.id: 0, pair.id: None, other.id: 5}
    assert {key.id for key in keys.all("acme")} == {plain.id, pair.id}

    assert keys.revoke(pair.id)
    revoked = {key.id: key.revoked_at for key in keys.all()}
    assert revoked.pop(pair.id)
    assert set(revoked.values()) == {None}
    assert len(items(dynamodb)) == 3


def test_revoking_again_changes_nothing(dynamodb: Any) -> None:
    keys = Keys(OUTPUTS, aws.client)
    key = keys.create("acme").key
    first = keys.revoke(key.id)
    assert first
    (item,) = items(dynamodb)
    item["revoked_at"] = {"N": "7"}
    dynamodb.put_item(TableName="api_keys", Item=item)
    again = keys.revoke(key.id)
    assert again
    assert again.revoked_at == 7


@pytest.mark.usefixtures("dynamodb")
@pytest.mark.parametrize("key_id", ["key_0000", "cra_0000", ""])
def test_an_unknown_key_cannot_be_revoked(key_id: str) -> None:
    assert Keys(OUTPUTS, aws.client).revoke(key_id) is None


@pytest.mark.usefixtures("dynamodb")
@pytest.mark.parametrize("tenant", ["", "-a", "a b", "a/b", "a" * 65, "ä", "a\n"])
def test_a_tenants_name_is_checked(tenant: str) -> None:
    with pytest.raises(ValueError, match="tenant: expected"):
        Keys(OUTPUTS, aws.client).create(tenant)


@pytest.mark.usefixtures("dynamodb")
def test_a_limit_is_checked() -> None:
    with pytest.raises(ValueError, match="submits_per_minute: expected"):
        Keys(OUTPUTS, aws.client).create("a", submits_per_minute=-1)
