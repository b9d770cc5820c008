"""A client's key: its tenant, its kind and its limit."""

from dataclasses import dataclass
from enum import StrEnum


class KeyKind(StrEnum):
    """How the client proves that it has the key."""

    PLAIN = "plain"
    """Each request carries the key itself."""
    PAIR = "pair"
    """An access key and a secret key: each request carries a JWT that the secret key signed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientKey:
    """What is stored of a key. It contains nothing that would authenticate a request. Times in ms."""

    id: str
    """The name by which the operator lists and revokes the key; for a pair, the access key."""
    tenant: str
    kind: KeyKind
    created_at: int
    revoked_at: int | None = None
    submits_per_minute: int | None = None
    """None: the relay's default; 0: no limit."""
    account: bool = True
    """The key may use operations that concern the provider's account, which all tenants share."""


@dataclass(frozen=True, slots=True)
class SubmissionLimit:
    """What a key, by its id, may do: requests per minute (0: any number), and operations on the provider's account."""

    key_id: str
    per_minute: int
    account: bool = True


@dataclass(frozen=True, slots=True)
class Issued:
    """A new key and its secret part: the key itself, or the secret key of a pair. Shown once."""

    key: ClientKey
    secret: str
