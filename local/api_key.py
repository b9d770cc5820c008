"""`make api-key`: an API key for a tenant of the stack that is up, or an access key and a secret key, printed once."""

import argparse
import sys

from local.deploy import create_api_key, create_key_pair
from local.stack import TENANT, NoStackError, Stack


def main(arguments: list[str] | None = None) -> int:
    """Create the key and print it."""
    parser = argparse.ArgumentParser(prog="python -m local.api_key", description=__doc__)
    parser.add_argument("--tenant", default=TENANT)
    parser.add_argument("--pair", action="store_true", help="an access key and a secret key instead, as at Kling")
    options = parser.parse_args(arguments)
    try:
        stack = Stack.load()
    except NoStackError as error:
        print(error, file=sys.stderr)
        return 1
    if options.pair:
        pair = create_key_pair(stack.aws_endpoint_url, stack.outputs, options.tenant)
        print(f"{pair.key.id}\n{pair.secret}")
    else:
        print(create_api_key(stack.aws_endpoint_url, stack.outputs, options.tenant))
    return 0


if __name__ == "__main__":
    sys.exit(main())
