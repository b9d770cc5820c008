"""`make logs` prints the lines of one function or of all, and refuses a function that does not exist."""

from typing import Any

import pytest

from local import logs
from local.stack import NoStackError

LINES = {
    "/relay/receive_callback": [(2, "START RequestId: 1"), (3, "callback applied\n")],
    "/relay/submit_task": [(1, "task submitted")],
}


class Logs:
    """CloudWatch Logs with the lines of two functions."""

    def describe_log_groups(self, **_: Any) -> dict[str, Any]:
        """All groups: the stack has no others."""
        return {"logGroups": [{"logGroupName": name} for name in LINES]}

    def get_paginator(self, _: str) -> "Logs":
        """The object itself."""
        return self

    def paginate(self, logGroupName: str) -> list[dict[str, Any]]:  # noqa: N803
        """One page."""
        return [{"events": [{"timestamp": at, "message": text} for at, text in LINES[logGroupName]]}]


class RunningStack:
    """A running stack."""

    stack_name = "relay"

    @classmethod
    def load(cls) -> "RunningStack":
        """The stack."""
        return cls()

    def client(self, _: str) -> Logs:
        """A client of CloudWatch Logs."""
        return Logs()


@pytest.fixture(autouse=True)
def _stack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "Stack", RunningStack)


def test_the_lines_of_all_functions_are_printed_in_the_order_of_time(capsys: pytest.CaptureFixture[str]) -> None:
    assert logs.main([]) == 0
    assert capsys.readouterr().out == "submit_task: task submitted\nreceive_callback: callback applied\n"


@pytest.mark.parametrize("name", ["receive_callback", "ReceiveCallback"])
def test_one_function_is_chosen_by_its_name_in_the_code_or_in_the_template(capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert logs.main(["--function", name, "--lifecycle"]) == 0
    assert capsys.readouterr().out == "receive_callback: START RequestId: 1\nreceive_callback: callback applied\n"


def test_an_unknown_function_is_an_error_that_lists_the_functions(capsys: pytest.CaptureFixture[str]) -> None:
    assert logs.main(["--function", "nosuch"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == "there is no function nosuch; the functions are: receive_callback, submit_task\n"


def test_without_a_stack_the_command_fails_and_names_make_up(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def load() -> RunningStack:
        raise NoStackError("no stack is up: run `make up`")

    monkeypatch.setattr(RunningStack, "load", load)
    assert logs.main([]) == 1
    assert "make up" in capsys.readouterr().err
