"""`python -m relay.keys create|list|revoke --stack NAME`: the keys of a relay's clients.

create prints the key, or the access key and the secret key of a pair, once. list shows what is stored of each. revoke ends a
key; it is refused within a minute.
"""

import argparse
import re
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from relay.adapters.aws import client
from relay.adapters.key_register import DynamoKeyRegister
from relay.adapters.stack import Stack
from relay.bootstrap import now
from relay.domain.keys import ClientKey, Issued, KeyKind

_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class Keys:
    """The keys of one stack, for its operator: by its outputs, with the clients that `client` makes."""

    def __init__(self, outputs: Mapping[str, str], client: Callable[[str], Any] = client) -> None:
        self._outputs = outputs
        self._client = client
        self._register = DynamoKeyRegister(client("dynamodb"), outputs["ApiKeysTable"])

    def create(self, tenant: str, kind: KeyKind = KeyKind.PLAIN, *, submits_per_minute: int | None = None) -> Issued:
        """A new key; None is the relay's own limit, 0 none. Raises ValueError for a name or a limit that we do not take."""
        if not _TENANT.fullmatch(tenant):
            raise ValueError("tenant: expected 1 to 64 letters, digits, '.', '_' or '-'")
        if submits_per_minute is not None and submits_per_minute < 0:
            raise ValueError("submits_per_minute: expected a whole number from 0 on")
        if kind is KeyKind.PLAIN:
            return self._register.create(tenant, at=now(), submits_per_minute=submits_per_minute)
        return self._register.create_pair(tenant, self._secret_of, at=now(), submits_per_minute=submits_per_minute)

    def all(self, tenant: str | None = None) -> list[ClientKey]:
        """Every key, or those of a tenant, revoked ones too, oldest first."""
        return self._register.all(tenant)

    def revoke(self, key_id: str) -> ClientKey | None:
        """The key, refused from now on; None when there is no such key. Again, it changes nothing."""
        return self._register.revoke(key_id, at=now())

    def _secret_of(self, access_key: str) -> str:
        from relay.adapters.key_pairs import HmacKeyPairs
        from relay.adapters.secrets import Secrets

        secrets = Secrets(self._client("secretsmanager"), ttl=0)
        return HmacKeyPairs(secrets, self._outputs["ClientMasterKeyArn"]).secret_of(access_key)


def _shown(key: ClientKey) -> str:
    revoked = f"revoked {_day(key.revoked_at)}" if key.revoked_at is not None else "active"
    limit = {None: "default limit", 0: "no limit"}.get(key.submits_per_minute, f"{key.submits_per_minute} submits per minute")
    return "\t".join([key.id, key.tenant, key.kind.value, f"created {_day(key.created_at)}", revoked, limit])


def _day(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d")


def _create(keys: Keys, options: argparse.Namespace) -> list[str]:
    issued = keys.create(options.tenant, options.kind, submits_per_minute=options.submits_per_minute)
    return [issued.secret] if issued.key.kind is KeyKind.PLAIN else [issued.key.id, issued.secret]


def _revoke(keys: Keys, options: argparse.Namespace) -> list[str]:
    key = keys.revoke(options.id)
    if key is None:
        raise ValueError(f"there is no key {options.id}: `list` shows them")
    return [_shown(key)]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m relay.keys", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    create = commands.add_parser("create", help="a new key, printed once")
    create.add_argument("--tenant", required=True)
    create.add_argument("--kind", type=KeyKind, choices=list(KeyKind), default=KeyKind.PLAIN)
    create.add_argument("--submits-per-minute", type=int, help="0: no limit; left out: the stack's SubmitsPerMinute")
    create.set_defaults(run=_create)
    listing = commands.add_parser("list", help="what is stored of every key")
    listing.add_argument("--tenant")
    listing.set_defaults(run=lambda keys, options: [_shown(key) for key in keys.all(options.tenant)])
    revoke = commands.add_parser("revoke", help="end a key")
    revoke.add_argument("id", help="as `list` shows it; of a pair, the access key")
    revoke.set_defaults(run=_revoke)
    for command in (create, listing, revoke):
        command.add_argument("--stack", required=True, help="the name of the CloudFormation stack")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        lines = options.run(Keys(Stack(options.stack, client).outputs()), options)
    except ValueError as error:
        parser.error(str(error))
    print("\n".join(lines))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
