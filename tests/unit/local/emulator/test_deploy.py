"""Creating the stack in the emulator."""

from typing import Any

import pytest

from local.emulator import deploy


class Endless:
    """A CloudFormation that never comes to an end."""

    def create_stack(self, **_: Any) -> None:
        """Nothing comes of it."""

    def describe_stacks(self, **_: Any) -> dict[str, Any]:
        """Still at it."""
        return {"Stacks": [{"StackStatus": "CREATE_IN_PROGRESS"}]}

    def describe_stack_events(self, **_: Any) -> dict[str, Any]:
        """None failed."""
        return {"StackEvents": []}


def test_a_stack_that_is_never_done_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deploy, "_PATIENCE_SECONDS", 0.01)
    monkeypatch.setattr(deploy, "emulator_client", lambda *_: Endless())
    monkeypatch.setattr(deploy, "upload", lambda *_: "")
    with pytest.raises(RuntimeError, match="CREATE_IN_PROGRESS"):
        deploy.create_stack("", "stack", {}, {})
