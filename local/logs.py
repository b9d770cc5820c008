"""`make logs`: prints what the functions logged, oldest line first."""

import argparse
import sys
from collections.abc import Iterable
from typing import Any

from local.stack import NoStackError, Stack

_LIFECYCLE = ("START RequestId", "END RequestId", "REPORT RequestId", "INIT_START")


class UnknownFunctionError(Exception):
    """The stack has no function with this name."""

    def __init__(self, function: str, names: Iterable[str]) -> None:
        super().__init__(f"there is no function {function}; the functions are: {', '.join(sorted(names))}")


def main(arguments: list[str] | None = None) -> int:
    """Print the lines of one function or of all. Returns 1 without a stack, 2 for an unknown function."""
    parser = argparse.ArgumentParser(prog="python -m local.logs", description=__doc__)
    parser.add_argument("--function", default="", help="for example receive_callback or ReceiveCallback (default: all)")
    parser.add_argument("--lifecycle", action="store_true", help="print START, END and REPORT lines, too")
    options = parser.parse_args(arguments)
    try:
        found = read_lines(Stack.load(), options.function)
    except (NoStackError, UnknownFunctionError) as error:
        print(error, file=sys.stderr)
        return 1 if isinstance(error, NoStackError) else 2
    for _, function, message in found:
        if options.lifecycle or not message.startswith(_LIFECYCLE):
            print(f"{function}: {message}")
    return 0


def read_lines(stack: Stack, function: str = "") -> list[tuple[int, str, str]]:
    """Time in ms, function and text of each line, ordered by time. Raises UnknownFunctionError."""
    logs, found = stack.client("logs"), []
    groups = _log_groups(logs, stack.stack_name)
    wanted = [name for name in groups if not function or _normalise(name) == _normalise(function)]
    if function and not wanted:
        raise UnknownFunctionError(function, groups)
    for name in wanted:
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=groups[name]):
            found += [(event["timestamp"], name, event["message"].rstrip()) for event in page["events"]]
    return sorted(found, key=lambda line: line[0])


def _log_groups(logs: Any, stack_name: str) -> dict[str, str]:
    """The log group of each function, by the function's name."""
    groups = logs.describe_log_groups(logGroupNamePrefix=f"/{stack_name}/")["logGroups"]
    return {group["logGroupName"].rpartition("/")[2]: group["logGroupName"] for group in groups}


def _normalise(function: str) -> str:
    """The same text for receive_callback and ReceiveCallback."""
    return function.replace("_", "").lower()


if __name__ == "__main__":
    sys.exit(main())
