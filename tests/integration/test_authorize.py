"""The authorizer: whose request it is, or why it is nobody's. It refuses nobody: only a function can answer in the envelope."""

import base64
import hashlib
import json
import time
from typing import Any

import jwt
import pytest
from botocore.client import BaseClient
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from relay.adapters.dynamodb import api_keys
from relay.bootstrap import services
from relay.domain.keys import KeyKind
from relay_cli.operator.keys import Keys
from tests.support.moto_world import Json, MotoWorld, event, with_path, with_tenant
from tests.support.tokens import signed

MINUTE = 60
ASKED_FOR = {"provider": "kling", "operation": "videos/text2video"}


def asked(world: MotoWorld, authorization: str | None) -> Json:
    """The context that the authorizer gives to the function behind."""
    payload = event("authorize.missing")
    if authorization is not None:
        payload["headers"]["authorization"] = authorization
    answer = world.call("authorize", payload)
    assert answer["isAuthorized"] is True
    context: Json = answer["context"]
    return context


def code_of(world: MotoWorld, authorization: str | None) -> int:
    """Kling's code of a refusal, as the client gets it from each function."""
    context = asked(world, authorization)
    codes = set()
    for function, payload in (("submit_task", "submit_task.text2video"), ("query_tasks", "query_tasks.single")):
        answer = world.http(function, with_tenant(event(payload), None, **context))
        assert answer.status == 401
        assert "Authorization" in answer.message
        codes.add(answer.code)
    (code,) = codes
    return code


# ── plain keys ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_known_key_brings_its_tenant_and_its_id(world: MotoWorld) -> None:
    key = world.key_for("acme")
    context = asked(world, f"Bearer {key}")
    assert context == {**ASKED_FOR, "tenant": "acme", "key": f"key_{hashlib.sha256(key.encode()).hexdigest()[:16]}"}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/images/generations/order-1", {"provider": "kling", "operation": "images/generations"}),
        ("/kling/v1/general/new-one", {"provider": "kling", "operation": "general/new-one"}),
        ("/v1/unknown", {}),
        ("/tasks/1", {}),
        ('/kling/v1/"x"/1', {}),
    ],
)
def test_the_access_log_learns_what_was_asked_for(world: MotoWorld, path: str, expected: Json) -> None:
    payload = with_path(event("authorize.missing"), path)
    payload["requestContext"]["http"]["method"] = "GET"
    context = world.call("authorize", payload)["context"]
    assert {name: context[name] for name in ("provider", "operation") if name in context} == expected


def test_the_scheme_may_be_written_otherwise(world: MotoWorld) -> None:
    assert asked(world, f"bearer   {world.key_for('acme')} ")["tenant"] == "acme"


def test_the_header_may_be_written_otherwise(world: MotoWorld) -> None:
    """`sam local start-api` leaves the names of headers as the client wrote them."""
    payload = event("authorize.known")
    payload["headers"] = {"Authorization": f"Bearer {world.key_for('acme')}"}
    assert world.call("authorize", payload)["context"]["tenant"] == "acme"


def test_each_key_has_its_own_tenant(world: MotoWorld) -> None:
    for tenant in ("acme", "umbrella"):
        assert asked(world, f"Bearer {world.key_for(tenant)}")["tenant"] == tenant


def test_a_key_that_was_stored_before_keys_had_ids_is_known(world: MotoWorld) -> None:
    digest = hashlib.sha256(b"crk_from-before").hexdigest()
    item = {"key_sha256": {"S": digest}, "tenant": {"S": "acme"}, "created_at": {"N": "7"}}
    world.dynamodb.put_item(TableName="api_keys", Item=item)
    assert asked(world, "Bearer crk_from-before") == {**ASKED_FOR, "tenant": "acme", "key": f"key_{digest[:16]}"}


@pytest.mark.parametrize(
    "value", ["Basic {key}", "{key}", "Bearer", "Bearer {key}x", "Bearer crk_", "Bearer \ud800", "Bearer a.b", "Bearer ..", "x"]
)
def test_an_unknown_key_is_1002(world: MotoWorld, value: str) -> None:
    assert code_of(world, value.format(key=world.key_for("acme"))) == 1002


@pytest.mark.parametrize("value", [None, "", " "])
def test_a_missing_key_is_1001(world: MotoWorld, value: str | None) -> None:
    assert code_of(world, value) == 1001


def test_the_key_itself_is_stored_nowhere(world: MotoWorld) -> None:
    key = world.key_for("acme")
    items = world.dynamodb.scan(TableName="api_keys")["Items"]
    assert len(items) == 1
    assert key.removeprefix("crk_") not in json.dumps(items)


def test_a_key_brings_its_own_limit_or_the_relays(world: MotoWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    register = Keys({"ApiKeysTable": "api_keys"}, lambda _: world.dynamodb)
    own, none, default = (register.create("acme", submits_per_minute=limit).secret for limit in (7, 0, None))
    assert asked(world, f"Bearer {own}")["submits_per_minute"] == "7"
    for key in (none, default):
        assert "submits_per_minute" not in asked(world, f"Bearer {key}")
    monkeypatch.setenv("SUBMITS_PER_MINUTE", "3")
    services.cache_clear()
    assert [asked(world, f"Bearer {key}").get("submits_per_minute") for key in (own, none, default)] == ["7", None, "3"]


# ── what is kept between requests ──────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def reads(world: MotoWorld, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The calls of DynamoDB and Secrets Manager from here on."""
    calls: list[str] = []
    call = BaseClient._make_api_call  # type: ignore[attr-defined]

    def counted(client: Any, name: str, parameters: Any) -> Any:
        calls.append(name)
        return call(client, name, parameters)

    assert world.services
    monkeypatch.setattr(BaseClient, "_make_api_call", counted)
    return calls


def test_a_key_that_was_just_seen_costs_no_read(world: MotoWorld, reads: list[str]) -> None:
    key = world.key_for("acme")
    reads.clear()
    for _ in range(3):
        assert asked(world, f"Bearer {key}")["tenant"] == "acme"
    assert reads == ["GetItem"]


def test_a_plain_key_needs_no_secret_and_a_pair_reads_it_once(world: MotoWorld, reads: list[str]) -> None:
    pair = world.pair_for("acme")
    reads.clear()
    world.services._secrets._kept.clear()
    for _ in range(3):
        assert asked(world, f"Bearer {signed(pair)}")["tenant"] == "acme"
    assert reads == ["GetItem", "GetSecretValue"]


def test_a_revoked_key_is_refused_within_a_minute(world: MotoWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, pair = f"Bearer {world.key_for('acme')}", world.pair_for("acme")
    now = time.monotonic()
    monkeypatch.setattr(world.services.api_keys, "_monotonic", lambda: now)
    for authorization in (plain, f"Bearer {signed(pair)}"):
        assert asked(world, authorization)["tenant"] == "acme"
    keys = Keys({"ApiKeysTable": "api_keys"}, lambda _: world.dynamodb)
    for key in keys.all():
        assert keys.revoke(key.id)
    now += MINUTE
    for authorization in (plain, f"Bearer {signed(pair)}"):
        assert code_of(world, authorization) == 1002


def test_a_key_is_known_as_soon_as_it_is_made(world: MotoWorld) -> None:
    assert code_of(world, "Bearer crk_not-yet") == 1002
    item = {"key_sha256": {"S": hashlib.sha256(b"crk_not-yet").hexdigest()}, "tenant": {"S": "acme"}, "created_at": {"N": "7"}}
    world.dynamodb.put_item(TableName="api_keys", Item=item)
    assert asked(world, "Bearer crk_not-yet")["tenant"] == "acme"


def test_what_is_kept_is_bounded(world: MotoWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_keys, "_KEPT_KEYS", 2)
    for _ in range(4):
        assert asked(world, f"Bearer {world.key_for('acme')}")["tenant"] == "acme"
    assert len(world.services.api_keys._kept) == 2


# ── pairs: JWTs as Kling's clients sign them ───────────────────────────────────────────────────────────────────────


def test_a_signed_token_brings_the_tenant_of_its_pair(world: MotoWorld) -> None:
    pair = world.pair_for("acme")
    assert asked(world, f"Bearer {signed(pair)}") == {**ASKED_FOR, "tenant": "acme", "key": pair.key.id}


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"exp": -31}, 1004),
        ({"exp": -3600}, 1004),
        ({"nbf": 60}, 1003),
        ({"nbf": 3600}, 1003),
        ({"exp": -31, "nbf": 60}, 1003),
    ],
)
def test_a_token_out_of_its_time_is_refused_as_kling_does(world: MotoWorld, claims: dict[str, int], code: int) -> None:
    now = int(time.time())
    token = signed(world.pair_for("acme"), **{name: now + seconds for name, seconds in claims.items()})
    assert code_of(world, f"Bearer {token}") == code


@pytest.mark.parametrize(
    "claims", [{"exp": -15}, {"nbf": 25}, {"exp": 100 * 365 * 86_400}, {"exp": 60, "nbf": None}, {"exp": 60, "iat": 3600}]
)
def test_a_token_within_the_leeway_or_of_a_long_life_is_taken(world: MotoWorld, claims: dict[str, int | None]) -> None:
    now = int(time.time())
    token = signed(world.pair_for("acme"), **{name: at if at is None else now + at for name, at in claims.items()})
    assert asked(world, f"Bearer {token}")["tenant"] == "acme"


def test_claims_that_kling_does_not_have_are_ignored(world: MotoWorld) -> None:
    token = signed(world.pair_for("acme"), aud="somebody", sub=7, jti=[], scope={"a": "b"})
    assert asked(world, f"Bearer {token}")["tenant"] == "acme"


def test_a_token_with_another_signature_is_1000(world: MotoWorld) -> None:
    pair, other = world.pair_for("acme"), world.pair_for("acme")
    forged = signed(type(pair)(pair.key, other.secret))
    assert code_of(world, f"Bearer {forged}") == 1000
    assert code_of(world, f"Bearer {signed(type(pair)(pair.key, other.secret), exp=1)}") == 1000, "nothing of it is believed"


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_no_other_algorithm_than_hs256_is_believed(world: MotoWorld) -> None:
    pair = world.pair_for("acme")
    claims = {"iss": pair.key.id, "exp": int(time.time()) + 60}
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    tokens = [
        jwt.encode(claims, "", algorithm="none"),
        f"{part({'alg': 'None', 'typ': 'JWT'})}.{part(claims)}.",
        f"{part({'alg': 'nOnE', 'typ': 'JWT'})}.{part(claims)}.{part('')}",
        jwt.encode(claims, pem, algorithm="RS256"),
        jwt.encode(claims, pair.secret * 2, algorithm="HS512"),
        jwt.encode(claims, pair.secret * 2, algorithm="HS384"),
    ]
    assert {code_of(world, f"Bearer {token}") for token in tokens} == {1002}


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": None},
        {"iss": None},
        {"exp": "soon"},
        {"exp": []},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"nbf": {}},
        {"pad": "x" * 4096},
    ],
)
def test_a_token_of_another_shape_is_1002(world: MotoWorld, claims: dict[str, Any]) -> None:
    assert code_of(world, f"Bearer {signed(world.pair_for('acme'), **claims)}") == 1002


@pytest.mark.parametrize("issuer", ["cra_unknown", "crk_unknown", "", "\ud800", 7, ["cra_"], {"cra_": 1}])
def test_an_unknown_issuer_is_1002(world: MotoWorld, issuer: Any) -> None:
    body = part({"iss": issuer, "exp": int(time.time()) + 60})
    assert code_of(world, f"Bearer {part({'alg': 'HS256', 'typ': 'JWT'})}.{body}.{part('x')}") == 1002


@pytest.mark.parametrize("token", ["..", "a.b.c", "e30.e30.e30", "eyJhbGciOiJIUzI1NiJ9.W10.x", "é.é.é", "[" * 900 + ".." + "x"])
def test_what_only_looks_like_a_token_is_1002(world: MotoWorld, token: str) -> None:
    assert code_of(world, f"Bearer {token}") == 1002


def test_an_access_key_alone_opens_nothing_and_a_plain_key_signs_nothing(world: MotoWorld) -> None:
    pair, plain = world.pair_for("acme"), world.key_for("acme")
    assert code_of(world, f"Bearer {pair.key.id}") == 1002
    assert code_of(world, f"Bearer {pair.secret}") == 1002
    token = jwt.encode({"iss": plain, "exp": int(time.time()) + 60}, plain, algorithm="HS256")
    assert code_of(world, f"Bearer {token}") == 1002


def test_nothing_in_the_table_gives_the_secret_key(world: MotoWorld) -> None:
    pair = world.pair_for("acme")
    (item,) = world.dynamodb.scan(TableName="api_keys")["Items"]
    assert pair.key.id in json.dumps(item)
    assert pair.secret not in json.dumps(item)
    assert len(pair.secret) == 43


def test_pairs_stay_good_while_the_master_secret_rotates_once(world: MotoWorld) -> None:
    old = world.pair_for("acme")
    for turn, (master, code) in enumerate((("n" * 64, None), ("o" * 64, 1000))):
        world.secrets.put_secret_value(SecretId="client-master-key", SecretString=master)
        world.services._secrets._kept.clear()
        new = world.pair_for(f"tenant-{turn}")
        assert asked(world, f"Bearer {signed(new)}")["tenant"] == f"tenant-{turn}"
        if code is None:
            assert asked(world, f"Bearer {signed(old)}")["tenant"] == "acme"
        else:
            assert code_of(world, f"Bearer {signed(old)}") == code


def test_a_pair_of_a_secret_that_was_just_rotated_is_known_though_the_old_one_is_kept(
    world: MotoWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert asked(world, f"Bearer {signed(world.pair_for('acme'))}")["tenant"] == "acme"
    world.secrets.put_secret_value(SecretId="client-master-key", SecretString="n" * 64)
    clients = {"dynamodb": world.dynamodb, "secretsmanager": world.secrets}
    fresh = Keys({"ApiKeysTable": "api_keys", "ClientMasterKeyArn": "client-master-key"}, clients.__getitem__)
    pair = fresh.create("umbrella", KeyKind.PAIR)
    now = time.monotonic() + 30
    monkeypatch.setattr(world.services._secrets, "_monotonic", lambda: now)
    assert asked(world, f"Bearer {signed(pair)}")["tenant"] == "umbrella"


# ── when the authorizer itself fails ───────────────────────────────────────────────────────────────────────────────


def test_an_authorizer_that_fails_is_a_500_in_the_envelope_and_not_a_401(
    world: MotoWorld, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    key = world.key_for("acme")
    monkeypatch.setattr(world.services.api_keys, "_table", "no-such-table")
    context = asked(world, f"Bearer {key}")
    assert '"InternalErrors"' in capsys.readouterr().out
    for function, payload in (("submit_task", "submit_task.text2video"), ("query_tasks", "query_tasks.single")):
        answer = world.http(function, with_tenant(event(payload), None, **context))
        assert (answer.status, answer.code) == (500, 5000)
    assert world.outside.creates() == []
