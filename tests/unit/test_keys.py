"""`python -m relay.keys`: both kinds of keys made, listed and revoked, each secret shown once."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from relay.adapters import aws
from relay.adapters.key_pairs import HmacKeyPairs
from relay.adapters.secrets import Secrets
from relay.adapters.stack import Stack
from relay.domain.keys import KeyKind
from relay.keys import Keys, main

OUTPUTS = {"ApiKeysTable": "api_keys", "ClientMasterKeyArn": "client-master-key"}


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The stack `relay`, of which only the outputs, the table and the secret are there."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(Stack, "outputs", lambda _: OUTPUTS)
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


def run(*arguments: str) -> None:
    assert main([*arguments, "--stack", "relay"]) == 0


def items(dynamodb: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = dynamodb.scan(TableName="api_keys")["Items"]
    return found


def test_a_plain_key_is_printed_once_and_its_hash_is_stored(dynamodb: Any, capsys: pytest.CaptureFixture[str]) -> None:
    run("create", "--tenant", "acme")
    (key,) = capsys.readouterr().out.split()
    assert [item["key_sha256"]["S"] for item in items(dynamodb)] == [hashlib.sha256(key.encode()).hexdigest()]
    assert key not in json.dumps(items(dynamodb))


def test_a_pair_is_printed_once_and_its_secret_key_is_derived(dynamodb: Any, capsys: pytest.CaptureFixture[str]) -> None:
    run("create", "--tenant", "acme", "--kind", "pair", "--submits-per-minute", "30")
    access_key, secret_key = capsys.readouterr().out.split()
    secrets = Secrets(aws.client("secretsmanager"), 300)
    assert HmacKeyPairs(secrets, "client-master-key").secret_of(access_key) == secret_key
    (item,) = items(dynamodb)
    assert (item["id"]["S"], item["kind"]["S"], item["submits_per_minute"]["N"]) == (access_key, "pair", "30")
    assert secret_key not in json.dumps(item)


def test_keys_are_listed_and_one_is_revoked(dynamodb: Any, capsys: pytest.CaptureFixture[str]) -> None:
    keys = Keys(OUTPUTS, aws.client)
    plain = keys.create("acme", submits_per_minute=0).key
    pair = keys.create("acme", KeyKind.PAIR).key
    other = keys.create("umbrella", submits_per_minute=5).key
    assert {key.id for key in keys.all()} == {plain.id, pair.id, other.id}
    assert {key.id for key in keys.all("acme")} == {plain.id, pair.id}

    run("revoke", pair.id)
    revoked = {key.id: key.revoked_at for key in keys.all()}
    assert revoked.pop(pair.id)
    assert set(revoked.values()) == {None}
    capsys.readouterr()

    run("list")
    shown = {line.split("\t")[0]: line for line in capsys.readouterr().out.splitlines()}
    assert "\trevoked " in shown[pair.id]
    assert "\tactive\t" in shown[plain.id]
    for key, limit in ((plain, "no limit"), (pair, "default limit"), (other, "5 submits per minute")):
        assert shown[key.id].endswith(limit)
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
def test_an_unknown_key_cannot_be_revoked(key_id: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert Keys(OUTPUTS, aws.client).revoke(key_id) is None
    with pytest.raises(SystemExit) as ended:
        run("revoke", key_id)
    assert ended.value.code == 2
    assert "there is no key" in capsys.readouterr().err


@pytest.mark.usefixtures("dynamodb")
@pytest.mark.parametrize("tenant", ["", "-a", "a b", "a/b", "a" * 65, "ä", "a\n"])
def test_a_tenants_name_is_checked(tenant: str) -> None:
    with pytest.raises(ValueError, match="tenant: expected"):
        Keys(OUTPUTS, aws.client).create(tenant)


@pytest.mark.usefixtures("dynamodb")
def test_a_bad_name_or_limit_ends_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, told in ((["a b"], "tenant: expected"), (["a", "--submits-per-minute", "-1"], "submits_per_minute: expected")):
        with pytest.raises(SystemExit) as ended:
            run("create", "--tenant", *arguments)
        assert ended.value.code == 2
        assert told in capsys.readouterr().err


def test_the_command_says_how_it_is_used() -> None:
    shown = subprocess.run([sys.executable, "-m", "relay.keys", "--help"], capture_output=True, text=True, check=True)
    assert "python -m relay.keys" in shown.stdout
