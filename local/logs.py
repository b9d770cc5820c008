"""`make logs`: what the functions logged, oldest first."""

import argparse
import sys

from local.stack import NoStackError, Stack

_LIFECYCLE = ("START RequestId", "END RequestId", "REPORT RequestId", "INIT_START")


def main(arguments: list[str] | None = None) -> int:
    """Print the lines of all functions or of one."""
    parser = argparse.ArgumentParser(prog="python -m local.logs", description=__doc__)
    parser.add_argument("--function", default="", help="receive_callback or ReceiveCallback; all by default")
    parser.add_argument("--lifecycle", action="store_true", help="START, END and REPORT lines, too")
    options = parser.parse_args(arguments)
    try:
        stack = Stack.load()
    except NoStackError as error:
        print(error, file=sys.stderr)
        return 1
    for _, function, message in lines(stack, options.function):
        if options.lifecycle or not message.startswith(_LIFECYCLE):
            print(f"{function}: {message}")
    return 0


def lines(stack: Stack, function: str = "") -> list[tuple[int, str, str]]:
    """Time in ms, function and text of each line, in the order of time."""
    logs, found = stack.client("logs"), []
    wanted = function.replace("_", "").lower()
    groups = logs.describe_log_groups(logGroupNamePrefix=f"/{stack.stack_name}/")["logGroups"]
    for group in (group["logGroupName"] for group in groups):
        name = group.rpartition("/")[2]
        if wanted and name.replace("_", "") != wanted:
            continue
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group):
            found += [(event["timestamp"], name, event["message"].rstrip()) for event in page["events"]]
    return sorted(found, key=lambda line: line[0])


if __name__ == "__main__":
    sys.exit(main())
