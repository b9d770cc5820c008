"""`relay keys create|list|revoke`: manage the keys of clients."""

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from relay_cli.failures import NotFound
from relay_cli.session import OPERATOR, Session, command
from relay_cli.tables import utc_time

if TYPE_CHECKING:
    from relay.domain.keys import ClientKey
    from relay_cli.operator.keys import Keys

app = typer.Typer(no_args_is_help=True, help="Create, list and revoke the keys of clients.")
_LIMITS = {None: "default", 0: "none"}


@command(app, "create", OPERATOR)
def create(
    session: Session,
    *,
    tenant: Annotated[str, typer.Option(help="Owner of the key: 1 to 64 letters, digits, '.', '_' or '-'.")],
    pair: Annotated[bool, typer.Option("--pair", help="Create an access key and a secret key that signs JWTs.")] = False,
    submits_per_minute: Annotated[
        int | None,
        typer.Option(min=0, help="Billable requests per minute. 0: no limit. Default: the stack's SubmitsPerMinute."),
    ] = None,
    account: Annotated[
        bool,
        typer.Option(
            "--account/--no-account", help="Allow operations on the provider's account: its costs, deleting shared elements."
        ),
    ] = True,
) -> None:
    """Create a key and print it once. For a pair, print the access key and then the secret key."""
    from relay.domain.keys import KeyKind

    kind = KeyKind.PAIR if pair else KeyKind.PLAIN
    try:
        issued = _keys(session).create(tenant, kind, submits_per_minute=submits_per_minute, account=account)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--tenant") from None
    session.output.print_message(f"created key {issued.key.id} for {tenant}; store it now, it cannot be shown again", style="dim")
    secrets = [issued.key.id, issued.secret] if pair else [issued.secret]
    session.output.print_result({**_document(issued.key), "secret": issued.secret}, *secrets)


@command(app, "list", OPERATOR)
def list_keys(session: Session, *, tenant: Annotated[str | None, typer.Option(help="Only keys of this tenant.")] = None) -> None:
    """List all keys, oldest first, including revoked ones. The list contains no secrets."""
    keys = _keys(session).all(tenant)
    table = Table("key", "tenant", "kind", "created", "revoked", "submits per minute", "account", box=None, pad_edge=False)
    for key in keys:
        revoked = "" if key.revoked_at is None else utc_time(key.revoked_at)
        limit = _LIMITS.get(key.submits_per_minute, str(key.submits_per_minute))
        account = "yes" if key.account else "no"
        row = (key.id, key.tenant, key.kind.value, utc_time(key.created_at), revoked, limit, account)
        table.add_row(*row, style="dim" if revoked else "")
    session.output.print_result([_document(key) for key in keys], table)


@command(app, "revoke", OPERATOR)
def revoke(
    session: Session, key: Annotated[str, typer.Argument(help="The id from `relay keys list`; for a pair, its access key.")]
) -> None:
    """Revoke a key permanently. The relay rejects it within a minute."""
    revoked = _keys(session).revoke(key)
    if revoked is None:
        raise NotFound(f"there is no key {key}", "list the keys: relay keys list")
    session.output.print_message(f"revoked {key} of {revoked.tenant}")
    session.output.print_result(_document(revoked))


def _keys(session: Session) -> "Keys":
    from relay.adapters.aws import client
    from relay_cli.operator.keys import Keys

    return Keys(session.outputs, client)


def _document(key: "ClientKey") -> dict[str, Any]:
    return {
        "id": key.id,
        "tenant": key.tenant,
        "kind": key.kind.value,
        "created_at": key.created_at,
        "revoked_at": key.revoked_at,
        "submits_per_minute": key.submits_per_minute,
        "account": key.account,
    }
