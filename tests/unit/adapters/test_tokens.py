"""Callback tokens and the secret behind them: rotation, and how much a forger can make us do."""

import hmac
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from relay.adapters.secrets import callback_tokens as tokens_module
from relay.adapters.secrets.cached import Secrets
from relay.adapters.secrets.callback_tokens import HmacCallbackTokens
from relay.domain.errors import CallbackNotAuthenticError, UnavailableError

ID = "callback-key"
TTL = 300


class Vault:
    """Secrets Manager with one secret, its clock, and a count of the reads."""

    def __init__(self, current: str = "k1", previous: str | None = None) -> None:
        self.stages = {"AWSCURRENT": current, "AWSPREVIOUS": previous}
        self.reads: list[str] = []
        self.now = 1000.0
        self.error = "ResourceNotFoundException"
        self.outage: Exception | None = None

    def get_secret_value(self, **request: str) -> dict[str, Any]:
        assert request["SecretId"] == ID
        self.reads.append(request["VersionStage"])
        if self.outage:
            raise self.outage
        value = self.stages[request["VersionStage"]]
        if value is None:
            raise ClientError({"Error": {"Code": self.error, "Message": "no such version"}}, "GetSecretValue")
        return {"SecretString": value}

    def rotate(self, new: str) -> None:
        self.stages = {"AWSCURRENT": new, "AWSPREVIOUS": self.stages["AWSCURRENT"]}


def made(vault: Vault) -> tuple[Secrets, HmacCallbackTokens]:
    secrets = Secrets(vault, TTL, lambda: vault.now)
    return secrets, HmacCallbackTokens(secrets, ID)


def token(vault: Vault, task_id: str = "task-1") -> str:
    return made(vault)[1].path(task_id, "kling").partition("/")[2]


def refused(tokens: HmacCallbackTokens, given: str, task_id: str = "task-1") -> bool:
    with pytest.raises(CallbackNotAuthenticError):
        tokens.provider_of(task_id, given)
    return True


def test_a_token_names_its_provider_and_fits_its_task_only() -> None:
    vault = Vault()
    _, tokens = made(vault)
    path = tokens.path("task-1", "kling")
    assert path.startswith("task-1/kling.")
    assert len(path.rpartition(".")[2]) == 43
    assert tokens.provider_of("task-1", path.partition("/")[2]) == "kling"
    assert refused(tokens, path.partition("/")[2], "task-2")


def test_a_token_tells_provider_and_task_apart() -> None:
    vault = Vault()
    _, tokens = made(vault)
    digest = tokens.path("b/c", "a").rpartition(".")[2]
    assert tokens.provider_of("b/c", f"a.{digest}") == "a"
    assert refused(tokens, f"kling.{digest}", "b/c")


def test_a_secret_is_read_once_within_its_time() -> None:
    vault = Vault()
    secrets, _ = made(vault)
    assert [secrets.get(ID), secrets.get(ID)] == ["k1", "k1"]
    vault.now += TTL - 1
    assert secrets.get(ID) == "k1"
    assert len(vault.reads) == 1
    vault.rotate("k2")
    vault.now += 1
    assert secrets.get(ID) == "k2"
    assert len(vault.reads) == 2


def test_a_good_token_costs_no_read_once_the_secret_is_known() -> None:
    vault = Vault()
    _, tokens = made(vault)
    given = tokens.path("task-1", "kling").partition("/")[2]
    for _ in range(100):
        tokens.provider_of("task-1", given)
    assert vault.reads == ["AWSCURRENT"]


def test_a_token_of_the_previous_key_is_accepted_and_one_of_the_key_before_is_not() -> None:
    vault = Vault("k1")
    oldest = token(vault)
    vault.rotate("k2")
    older = token(vault)
    vault.rotate("k3")
    _, tokens = made(vault)
    assert tokens.provider_of("task-1", token(vault)) == "kling"
    assert tokens.provider_of("task-1", older) == "kling"
    assert refused(tokens, oldest)


def test_a_token_of_a_key_that_just_changed_is_accepted_after_one_renewal() -> None:
    vault = Vault("k1")
    _, tokens = made(vault)
    tokens.provider_of("task-1", token(vault))
    vault.now += 60
    vault.rotate("k2")
    fresh = token(vault)
    vault.reads.clear()
    assert tokens.provider_of("task-1", fresh) == "kling"
    assert vault.reads == ["AWSPREVIOUS", "AWSCURRENT"]


def test_a_rotation_twice_within_the_time_is_survived() -> None:
    vault = Vault("k1")
    _, tokens = made(vault)
    tokens.provider_of("task-1", token(vault))
    vault.now += 60
    vault.rotate("k2")
    between = token(vault)
    vault.rotate("k3")
    assert tokens.provider_of("task-1", between) == "kling"


def test_forged_tokens_cause_at_most_one_reading_in_ten_seconds() -> None:
    vault = Vault("k1", "k0")
    _, tokens = made(vault)
    tokens.path("task-1", "kling")
    start = vault.now
    for step in range(600):
        vault.now = start + step / 10  # a minute of forgeries, ten in a second
        refused(tokens, "kling." + "A" * 43)
    assert vault.reads.count("AWSCURRENT") <= 7
    assert vault.reads.count("AWSPREVIOUS") <= 7


def test_a_missing_previous_version_is_looked_for_no_more_often() -> None:
    vault = Vault("k1", None)
    _, tokens = made(vault)
    for _ in range(50):
        refused(tokens, "kling.forged")
    assert sorted(vault.reads) == ["AWSCURRENT", "AWSPREVIOUS"]


@pytest.mark.parametrize(
    "forged",
    [
        "",
        ".",
        "kling",
        "kling.",
        "kling.A",
        ".kling",
        "kling.." + "A" * 42,
        "kling." + "=" * 43,
        "kling.\ud800",
        "\0" * 200,
        "k." * 5000,
    ],
)
def test_a_forged_token_is_refused(forged: str) -> None:
    _, tokens = made(Vault())
    assert refused(tokens, forged)


def test_every_comparison_is_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def recorded(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return hmac.compare_digest(one, other)

    vault = Vault("k1", "k0")
    given = token(vault)
    _, tokens = made(vault)
    stand_in = SimpleNamespace(compare_digest=recorded, digest=hmac.digest)
    monkeypatch.setattr(tokens_module, "hmac", stand_in)
    tokens.provider_of("task-1", given)
    refused(tokens, given[:-1])
    assert [len(other) for _, other in compared] == [43, 43, 43]
    stand_in.compare_digest = lambda *_: False
    assert refused(tokens, given), "a token is accepted by another comparison"


def test_an_empty_secret_makes_no_tokens() -> None:
    vault = Vault("  ")
    _, tokens = made(vault)
    with pytest.raises(ValueError, match="the callback secret is empty"):
        tokens.path("task-1", "kling")
    assert refused(tokens, "kling." + "A" * 43)


def test_a_line_end_in_the_secret_does_not_count() -> None:
    assert token(Vault("k1\n")) == token(Vault("k1"))


def test_a_secret_that_cannot_be_read_is_an_error_and_not_a_refusal() -> None:
    vault = Vault("k1")
    secrets, tokens = made(vault)
    vault.stages["AWSPREVIOUS"] = None
    vault.error = "ThrottlingException"
    with pytest.raises(ClientError):
        tokens.provider_of("task-1", "kling.forged")
    vault.stages["AWSCURRENT"] = None
    vault.error = "ResourceNotFoundException"
    vault.now += TTL
    with pytest.raises(ClientError):
        secrets.get(ID)


OUTAGES = {
    "no connection": EndpointConnectionError(endpoint_url="https://secretsmanager.us-east-1.amazonaws.com"),
    "throttled": ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "GetSecretValue"),
    "internal": ClientError({"Error": {"Code": "InternalServiceError", "Message": ""}}, "GetSecretValue"),
}


@pytest.mark.parametrize("outage", OUTAGES.values(), ids=OUTAGES)
def test_a_forged_callback_during_an_outage_does_not_drop_the_cached_key(outage: Exception) -> None:
    vault = Vault("k1", "k0")
    good = token(vault)
    _, tokens = made(vault)
    tokens.provider_of("task-1", good)
    vault.now += 60
    vault.outage = outage
    with pytest.raises((UnavailableError, type(outage))):
        tokens.provider_of("task-1", "kling.forged")
    assert tokens.provider_of("task-1", good) == "kling"
    vault.now += TTL
    assert tokens.provider_of("task-1", good) == "kling", (
        "the value that was read last is used for as long as no other can be read"
    )


def test_a_token_that_cannot_be_checked_against_a_new_key_is_not_refused() -> None:
    vault = Vault("k1", "k0")
    _, tokens = made(vault)
    tokens.provider_of("task-1", token(vault))
    tokens.provider_of("task-1", token(Vault("k0")))
    vault.now += 60
    vault.rotate("k2")
    fresh = token(vault)
    vault.outage = OUTAGES["throttled"]
    vault.reads.clear()
    for _ in range(20):
        with pytest.raises(UnavailableError):
            tokens.provider_of("task-1", fresh)
    assert len(vault.reads) == 2, "the outage is not made worse"
    vault.outage = None
    vault.now += 10
    assert tokens.provider_of("task-1", fresh) == "kling"


def test_a_key_that_was_withdrawn_is_not_used_after_its_time() -> None:
    vault = Vault("k1")
    secrets, _ = made(vault)
    secrets.get(ID)
    vault.outage = ClientError({"Error": {"Code": "AccessDeniedException", "Message": ""}}, "GetSecretValue")
    vault.now += TTL
    for _ in range(2):
        with pytest.raises(ClientError):
            secrets.get(ID)


def test_renewing_one_secret_leaves_the_others() -> None:
    class Two(Vault):
        def get_secret_value(self, **request: str) -> dict[str, Any]:
            self.reads.append(request["SecretId"])
            return {"SecretString": request["SecretId"]}

    vault = Two()
    secrets, _ = made(vault)
    secrets.get("one")
    secrets.get("two")
    vault.now += 60
    assert secrets.renew("one")
    assert not secrets.renew("one")
    secrets.get("one")
    secrets.get("two")
    assert vault.reads == ["one", "two", "one"]
