"""A client's key: whose it is, of which kind, and what it may."""

from dataclasses import dataclass
from enum import StrEnum


class KeyKind(StrEnum):
    """How the client proves that it has the key."""

    PLAIN = "plain"
    """The key itself comes with each request."""
    PAIR = "pair"
    """An access key and a secret key, as at Kling: each request carries a JWT that the secret key signed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientKey:
    """What is stored of a key: nothing that opens anything. Times in ms."""

    id: str
    """Names the key where its operator lists and revokes it; of a pair it is the access key."""
    tenant: str
    kind: KeyKind
    created_at: int
    revoked_at: int | None = None
    submits_per_minute: int | None = None
    """None: the relay's default; 0: no limit."""


@dataclass(frozen=True, slots=True)
class SubmissionLimit:
    """How often a key, by its id, may submit in a minute."""

    key_id: str
    per_minute: int


@dataclass(frozen=True, slots=True)
class Issued:
    """A new key and its secret part: the key itself, or the secret key of a pair. Shown once."""

    key: ClientKey
    secret: str
