"""HmacKeyPairs: the secret keys of pairs, derived and never stored, and the JWTs that they sign."""

from __future__ import annotations

import base64
import hmac
from typing import TYPE_CHECKING, Any

import jwt

from relay.domain.errors import AuthenticationError

if TYPE_CHECKING:
    from relay.adapters.secrets.cached import Secrets

_LEEWAY = 30
"""Seconds that a client's clock may be off."""
_LONGEST_TOKEN = 4096
_STAGES = ("AWSCURRENT", "AWSPREVIOUS")
# Clients' tokens have the claims `iss`, `exp` and `nbf`. All others are ignored, whatever they contain.
_OPTIONS: Any = {
    "require": ["iss", "exp"],
    "verify_aud": False,
    "verify_iat": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}
_MALFORMED = (jwt.InvalidTokenError, ValueError, TypeError, OverflowError, RecursionError)


class HmacKeyPairs:
    """KeyPairs: a secret key is HMAC-SHA256 of its access key, base64url, keyed by a generated master secret.

    While the master secret rotates, secret keys derived from its previous version stay valid.
    """

    def __init__(self, secrets: Secrets, secret_id: str) -> None:
        self._secrets = secrets
        self._secret_id = secret_id

    def secret_of(self, access_key: str) -> str:
        """The secret key of a new pair."""
        return _derived(self._secrets.get(self._secret_id) or "", access_key)

    def issuer_of(self, token: str) -> str:
        """The access key that a token names, before the token is verified; raises AuthenticationError."""
        try:
            issuer = jwt.decode(token[: _LONGEST_TOKEN + 1], options={"verify_signature": False}).get("iss")
        except _MALFORMED:
            issuer = None
        if not isinstance(issuer, str) or len(token) > _LONGEST_TOKEN:
            raise AuthenticationError("Authorization: the JWT cannot be read, or has no `iss`", 1002)
        return issuer

    def verify(self, token: str, access_key: str) -> None:
        """Checks signature, `exp` and `nbf`; raises AuthenticationError."""
        while True:
            for stage in _STAGES:
                master = self._secrets.get(self._secret_id, stage)
                if master and _is_signed(token, _derived(master, access_key)):
                    return
            if not self._secrets.renew(self._secret_id):
                raise AuthenticationError("Authorization: the JWT is not signed with the secret key of its `iss`", 1000)


def _is_signed(token: str, secret: str) -> bool:
    """False if another key signed the token; raises AuthenticationError for any other fault."""
    try:
        jwt.decode(token, secret, algorithms=["HS256"], options=_OPTIONS, leeway=_LEEWAY)
    except jwt.InvalidSignatureError:
        return False
    except jwt.ExpiredSignatureError:
        raise AuthenticationError("Authorization: the JWT has expired (`exp`): sign a new one", 1004) from None
    except jwt.ImmatureSignatureError:
        raise AuthenticationError("Authorization: the JWT is not valid yet (`nbf`): check the clock", 1003) from None
    except _MALFORMED:
        raise AuthenticationError("Authorization: expected a JWT with HS256, `iss` and `exp`", 1002) from None
    return True


def _derived(master: str, access_key: str) -> str:
    if not master:
        raise ValueError("the master secret of the key pairs is empty: generate it again")
    digest = hmac.digest(master.encode(), access_key.encode("utf-8", "replace"), "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
