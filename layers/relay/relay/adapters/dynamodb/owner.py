"""Owner tokens: how a conditional write recognises itself when the SDK repeats it after a lost response.

The SDK repeats a request whose response was lost. If the first one was written, the condition of the second one fails. See
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html#Programming.Errors.RetryAndBackoff.

Each write therefore stores a random token, and its condition excludes an item that has the same token. A failed condition
returns the stored item, and the same token in it proves that the write was ours.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.exceptions import ClientError


def new_owner() -> dict[str, str]:
    """A token for one write. 48 random bits are enough, since it must differ only from concurrent writes of the same item."""
    return {"S": uuid.uuid4().hex[:12]}


def own_write(error: ClientError, owner: Mapping[str, str], *, name: str = "owner") -> Mapping[str, Any] | None:
    """The stored item if a failed condition was caused by the write of `owner` itself; else None."""
    item = cast("Mapping[str, Any]", error.response).get("Item")
    return item if item and item.get(name) == owner else None
