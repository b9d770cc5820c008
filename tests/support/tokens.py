"""JWTs as Kling's clients make them."""

import time
from typing import Any

import jwt

from relay.domain.keys import Issued


def signed(pair: Issued, **claims: Any) -> str:
    """The token of a pair, with other claims where they are given; one that is None is left out."""
    now = int(time.time())
    payload = {"iss": pair.key.id, "exp": now + 1800, "nbf": now - 5} | claims
    return jwt.encode({name: value for name, value in payload.items() if value is not None}, pair.secret, algorithm="HS256")
