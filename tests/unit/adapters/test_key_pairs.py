"""Secret keys of pairs: derived from the master secret, the same today and tomorrow."""

import jwt
import pytest

from relay.adapters.secrets.cached import Secrets
from relay.adapters.secrets.key_pairs import HmacKeyPairs
from relay.domain.errors import AuthenticationError
from tests.support.fakes.secrets import FakeSecretsManager

LATER = 4_102_444_800  # in the year 2100


def pairs(manager: FakeSecretsManager) -> HmacKeyPairs:
    return HmacKeyPairs(Secrets(manager, 300), "client")


def token(access_key: str, secret: str) -> str:
    return jwt.encode({"iss": access_key, "exp": LATER}, secret, algorithm="HS256")


def test_a_secret_key_is_the_hmac_of_its_access_key() -> None:
    """Computed with `printf %s cra_one | openssl dgst -sha256 -hmac master -binary | basenc --base64url`."""
    assert pairs(FakeSecretsManager("master")).secret_of("cra_one") == "YNYeAECf70302UjIiKhX3bZLzFhOrC3AC2_L3F5uIl0"


def test_each_access_key_and_each_master_secret_gives_another_secret_key() -> None:
    made = {pairs(FakeSecretsManager(master)).secret_of(key) for master in "ab" for key in ("cra_1", "cra_2")}
    assert len(made) == 4


def test_a_secret_key_is_good_for_its_own_access_key_only() -> None:
    both = pairs(FakeSecretsManager())
    both.verify(token("cra_1", both.secret_of("cra_1")), "cra_1")
    with pytest.raises(AuthenticationError) as caught:
        both.verify(token("cra_1", both.secret_of("cra_2")), "cra_1")
    assert caught.value.code == 1000


def test_an_empty_master_secret_signs_nothing() -> None:
    empty = pairs(FakeSecretsManager(" "))
    with pytest.raises(ValueError, match="empty"):
        empty.secret_of("cra_1")
    with pytest.raises(AuthenticationError):
        empty.verify(token("cra_1", "x" * 32), "cra_1")


def test_forged_signatures_read_the_secret_no_more_than_it_may_change() -> None:
    manager = FakeSecretsManager()
    checked = pairs(manager)
    for _ in range(50):
        with pytest.raises(AuthenticationError):
            checked.verify(token("cra_1", "y" * 43), "cra_1")
    assert manager.reads <= 4
