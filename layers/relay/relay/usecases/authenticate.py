"""Authenticate a request: by a key of this relay, or by a JWT that the secret key of a pair signed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relay.domain.errors import AuthenticationError
from relay.domain.keys import ClientKey, KeyKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from relay.ports import Relay

_DOTS_OF_A_JWT = 2


def authenticate(authorization: str, relay: Relay, *, schemes: Sequence[str] = ("bearer",)) -> ClientKey:
    """The key behind an Authorization header of one of these schemes, which are in lower case.

    Raises AuthenticationError with the code: 1000 signature, 1001 empty, 1002 unknown, 1003 not yet valid, 1004 expired.
    """
    scheme, _, credential = authorization.strip().partition(" ")
    if not scheme:
        raise AuthenticationError("Authorization: expected `Bearer` and a key of this relay", 1001)
    if scheme.lower() not in schemes:
        raise AuthenticationError("Authorization: expected `Bearer`, a space, and a key of this relay or a JWT", 1002)
    credential = credential.strip()
    if credential.count(".") == _DOTS_OF_A_JWT:
        return _signer(credential, relay)
    return _known(relay.api_keys.find(credential), KeyKind.PLAIN)


def _signer(token: str, relay: Relay) -> ClientKey:
    pairs = relay.key_pairs
    key = _known(relay.api_keys.find(pairs.issuer_of(token)), KeyKind.PAIR)
    pairs.verify(token, key.id)
    return key


def _known(key: ClientKey | None, kind: KeyKind) -> ClientKey:
    if key is None or key.kind is not kind:
        raise AuthenticationError("Authorization: this relay does not know the key, or has revoked it", 1002)
    return key
