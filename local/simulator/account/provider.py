"""What the account needs from a provider's protocol. Each package of `protocol/` implements it."""

from collections.abc import Collection, Mapping
from random import Random
from typing import Any, Protocol

from local.simulator.account.results import MakeUrl
from local.simulator.account.tasks import Task
from local.simulator.common.errors import ProviderError


class Provider(Protocol):
    """One provider's protocol, as far as the account uses it."""

    @property
    def operations(self) -> Collection[str]:
        """The paths of all operations, synchronous ones too: the names that a fault rule may match."""

    @property
    def prefixes(self) -> tuple[str, ...]:
        """What the paths of its API begin with."""

    @property
    def status_field(self) -> str:
        """The field of a callback that holds the status."""

    @property
    def words(self) -> Mapping[str, str]:
        """The provider's words for submitted, processing, succeed and failed."""

    def make_id(self, random: Random) -> str:
        """The id of a new task."""

    def callback_url(self, task: Task, options: Mapping[str, Any]) -> str:
        """Where to send a callback about the task as it is now; empty: nowhere. `options`: the setting of that name."""

    def make_callback(self, task: Task, make_url: MakeUrl, options: Mapping[str, Any]) -> dict[str, Any]:
        """The body of a callback about the task as it is now."""

    def error_body(self, error: ProviderError, request_id: str) -> dict[str, Any]:
        """The body of an error response."""
