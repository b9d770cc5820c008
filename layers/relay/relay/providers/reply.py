"""A response in a provider's format. Callbacks need no more of the interface: loading all of it would slow each cold start."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple


class Reply(NamedTuple):
    """HTTP status, JSON and headers."""

    status: int
    body: Any
    headers: Mapping[str, str] = MappingProxyType({})
