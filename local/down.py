"""`make down`: stops exactly the processes that `make up` started."""

import shutil
import sys

from local import processes
from local.containers import containers
from local.emulator import process as emulator
from local.stack import STACK_FILE, NoStackError, Stack


def main() -> int:
    """Stop the processes, newest first, and remove the stack's files."""
    try:
        stack = Stack.load()
    except NoStackError:
        print("no stack is up")
        return 0
    for name, process in reversed(stack.processes.items()):
        processes.end(process)
        print(f"stopped: {name} ({process.pid})")
    shutil.rmtree(emulator.STATE, ignore_errors=True)
    containers.remove_files()
    STACK_FILE.unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
