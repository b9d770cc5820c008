"""`python -m relay.keys create --tenant NAME`: make an API key for a tenant and print it, once."""

import argparse
import re

from relay.adapters.api_keys import DynamoApiKeys
from relay.adapters.aws import client
from relay.bootstrap import now

_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def create_key(dynamodb: object, table: str, tenant: str) -> str:
    """A new key, stored as its SHA-256; raises ValueError for a tenant's name that we do not take."""
    if not _TENANT.fullmatch(tenant):
        raise ValueError("tenant: expected 1 to 64 letters, digits, '.', '_' or '-'")
    return DynamoApiKeys(dynamodb, table).create(tenant, at=now())


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m relay.keys", description=__doc__)
    parser.add_argument("command", choices=["create"])
    parser.add_argument("--tenant", required=True)
    parser.add_argument("--table", required=True, help="the table of keys: the stack's output ApiKeysTable")
    arguments = parser.parse_args()
    try:
        print(create_key(client("dynamodb"), arguments.table, arguments.tenant))  # noqa: T201
    except ValueError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
