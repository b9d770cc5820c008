"""Kling as the account uses it."""

from typing import Any

from local.simulator.account.results import MakeUrl
from local.simulator.account.tasks import Task
from local.simulator.protocol.kling import views
from local.simulator.protocol.kling.operations import OPERATIONS
from local.simulator.protocol.kling.synchronous import SYNCHRONOUS


class Kling:
    """Implements `account.provider.Provider`."""

    operations = (*OPERATIONS, *SYNCHRONOUS)
    seed_operation = OPERATIONS["videos/text2video"]

    def make_callback(self, task: Task, make_url: MakeUrl) -> dict[str, Any]:
        """The body of a callback about the task as it is now."""
        return views.callback(task, make_url)
