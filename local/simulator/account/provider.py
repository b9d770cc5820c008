"""What the account needs from a provider's protocol. Each package of `protocol/` implements it."""

from collections.abc import Collection
from typing import Any, Protocol

from local.simulator.account.results import MakeUrl
from local.simulator.account.tasks import Operation, Task


class Provider(Protocol):
    """One provider's protocol, as far as the account uses it."""

    @property
    def operations(self) -> Collection[str]:
        """The paths of all operations, synchronous ones too: the names that a fault rule may match."""

    @property
    def seed_operation(self) -> Operation:
        """The operation that made the video that always exists."""

    def make_callback(self, task: Task, make_url: MakeUrl) -> dict[str, Any]:
        """The body of a callback about the task as it is now."""
