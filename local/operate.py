"""`make redrive`, `make replay`: the operator's commands on the stack that is up."""

import argparse
import os
import sys

from local.stack import ACCESS_KEY, NoStackError, Stack
from relay import redrive, replay

_COMMANDS = {"redrive": redrive.main, "replay": replay.main}


def main(arguments: list[str] | None = None) -> int:
    """Point the AWS clients at the emulator, and hand over."""
    parser = argparse.ArgumentParser(prog="python -m local.operate", description=__doc__)
    parser.add_argument("command", choices=_COMMANDS)
    parser.add_argument("argument", help="the queue to redrive, or the key to replay")
    options = parser.parse_args(arguments)
    try:
        stack = Stack.load()
    except NoStackError as error:
        print(error, file=sys.stderr)
        return 1
    os.environ.update(environment(stack))
    return _COMMANDS[options.command]([options.argument, "--stack", stack.stack_name])


def environment(stack: Stack) -> dict[str, str]:
    """What leads a client of AWS to the emulator."""
    return {
        "AWS_ENDPOINT_URL": stack.aws_endpoint_url,
        "AWS_DEFAULT_REGION": stack.region,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": ACCESS_KEY,
    }


if __name__ == "__main__":
    sys.exit(main())
