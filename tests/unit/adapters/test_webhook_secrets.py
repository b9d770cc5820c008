"""The tenants' secrets: derived, rotated, and good for the library that clients verify with."""

import base64
import itertools

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from relay.adapters.secrets.cached import Secrets
from relay.adapters.secrets.webhook_secrets import OVERLAP_SECONDS, WebhookSecrets
from tests.support.fakes.secrets import FakeSecretsManager

DAY = 86_400_000
BODY = '{"task_id":"a","task_status":"succeed","task_status_msg":"成功"}'.encode()


class Tenants:
    """Counts of rotations, and secrets made with them."""

    def __init__(self) -> None:
        self.manager = FakeSecretsManager()
        self.generations: dict[str, tuple[int, dict[int, int]]] = {}
        self.asked: list[str] = []
        self.seconds = 0.0
        self.secrets = WebhookSecrets(
            Secrets(self.manager, 300, lambda: self.seconds), "webhook", self._generation, ttl=300, monotonic=lambda: self.seconds
        )

    def _generation(self, tenant: str) -> tuple[int, dict[int, int]]:
        self.asked.append(tenant)
        return self.generations.get(tenant, (0, {}))

    def rotate(self, tenant: str, *, at: int) -> None:
        """And forget what was read."""
        generation, ended = self.generations.get(tenant, (0, {}))
        self.generations[tenant] = (generation + 1, {**ended, generation: at})
        self.seconds += 301


@pytest.fixture
def tenants() -> Tenants:
    return Tenants()


def now_ms() -> int:
    """The library compares with the real time, five minutes either way."""
    import time

    return time.time_ns() // 1_000_000


def verified(secret: str, headers: dict[str, str], body: bytes = BODY) -> bool:
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        return False
    return True


def test_a_secret_is_32_bytes_and_a_tenants_own(tenants: Tenants) -> None:
    (acme,) = tenants.secrets.of("acme", at=0)
    (rival,) = tenants.secrets.of("rival", at=0)
    assert acme != rival
    assert acme.startswith("whsec_")
    assert len(base64.b64decode(acme.removeprefix("whsec_"))) == 32


def test_the_library_verifies_what_is_signed(tenants: Tenants) -> None:
    headers = tenants.secrets.headers("acme", "a:1", BODY, at=now_ms())
    (secret,) = tenants.secrets.of("acme", at=0)
    assert headers["webhook-id"] == "a:1"
    assert verified(secret, headers)
    assert not verified(secret, headers, BODY + b" ")
    assert not verified(secret, {**headers, "webhook-id": "a:2"})
    assert not verified(tenants.secrets.of("rival", at=0)[0], headers)
    assert not verified(secret, tenants.secrets.headers("acme", "a:1", BODY, at=now_ms() - 301_000))


def test_while_rotating_both_secrets_verify_and_afterwards_the_new_one(tenants: Tenants) -> None:
    now = now_ms()
    (old,) = tenants.secrets.of("acme", at=now)
    tenants.rotate("acme", at=now - 1000)
    new, still = tenants.secrets.of("acme", at=now)
    assert (still, new != old) == (old, True)
    headers = tenants.secrets.headers("acme", "a:1", BODY, at=now)
    assert len(headers["webhook-signature"].split()) == 2
    assert verified(old, headers)
    assert verified(new, headers)
    later = now + OVERLAP_SECONDS * 1000
    assert tenants.secrets.of("acme", at=later - 1001) == [new, old]
    assert tenants.secrets.of("acme", at=later) == [new]


def test_a_second_rotation_does_not_end_the_first_secret_early(tenants: Tenants) -> None:
    now = now_ms()
    (first,) = tenants.secrets.of("acme", at=now)
    tenants.rotate("acme", at=now - 5 * DAY)
    second, _ = tenants.secrets.of("acme", at=now)
    tenants.rotate("acme", at=now - 1 * DAY)
    third, *others = tenants.secrets.of("acme", at=now)
    assert others == [second, first]
    headers = tenants.secrets.headers("acme", "a:1", BODY, at=now)
    assert [verified(secret, headers) for secret in (first, second, third)] == [True] * 3
    assert tenants.secrets.of("acme", at=now + 2 * DAY) == [third, second]
    assert tenants.secrets.of("acme", at=now + 6 * DAY) == [third]


def test_the_generated_secret_can_rotate_too(tenants: Tenants) -> None:
    (old,) = tenants.secrets.of("acme", at=0)
    tenants.manager.rotate("the second secret")
    tenants.seconds += 301
    headers = tenants.secrets.headers("acme", "a:1", BODY, at=now_ms())
    new, still = tenants.secrets.of("acme", at=0)
    assert still == old
    assert verified(old, headers)
    assert verified(new, headers)


def test_no_two_tenants_and_generations_share_a_secret(tenants: Tenants) -> None:
    found = []
    for tenant, rotations in itertools.product(("a", "a/1", "1/a", "1"), range(3)):
        tenants.generations[tenant] = (rotations, {rotations - 1: -OVERLAP_SECONDS * 1000})
        tenants.seconds += 301
        found += tenants.secrets.of(tenant, at=1)
    assert len(set(found)) == len(found) == 12


def test_a_tenants_count_is_read_once_in_a_while(tenants: Tenants) -> None:
    for _ in range(3):
        tenants.secrets.of("acme", at=0)
    assert tenants.asked == ["acme"]
    tenants.seconds = 300
    tenants.secrets.of("acme", at=0)
    assert tenants.asked == ["acme", "acme"]


def test_an_empty_secret_signs_nothing(tenants: Tenants) -> None:
    tenants.manager.stages = {"AWSCURRENT": " "}
    with pytest.raises(ValueError, match="generate it again"):
        tenants.secrets.headers("acme", "a:1", BODY, at=0)
