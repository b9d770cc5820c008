"""`make api-key`: an API key for a tenant of the stack that is up, printed once."""

import argparse
import sys

from local.deploy import create_api_key
from local.stack import TENANT, NoStackError, Stack


def main(arguments: list[str] | None = None) -> int:
    """Create the key and print it."""
    parser = argparse.ArgumentParser(prog="python -m local.api_key", description=__doc__)
    parser.add_argument("--tenant", default=TENANT)
    options = parser.parse_args(arguments)
    try:
        stack = Stack.load()
    except NoStackError as error:
        print(error, file=sys.stderr)
        return 1
    print(create_api_key(stack.aws_endpoint_url, stack.api_keys_table, options.tenant))
    return 0


if __name__ == "__main__":
    sys.exit(main())
