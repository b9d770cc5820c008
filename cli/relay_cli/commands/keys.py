"""`relay keys create|list|revoke`: who may use the relay."""

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from relay_cli.failures import NotFound
from relay_cli.session import OPERATOR, Session, command
from relay_cli.tables import moment

if TYPE_CHECKING:
    from relay.domain.keys import ClientKey
    from relay_cli.operator.keys import Keys

app = typer.Typer(no_args_is_help=True, help="The keys of the relay's clients.")
_LIMITS = {None: "the relay's", 0: "none"}


@command(app, "create", OPERATOR)
def create(
    session: Session,
    *,
    tenant: Annotated[str, typer.Option(help="Whose key it is: 1 to 64 letters, digits, '.', '_' or '-'.")],
    pair: Annotated[bool, typer.Option("--pair", help="An access key and a secret key instead, as at Kling.")] = False,
    submits_per_minute: Annotated[
        int | None, typer.Option(min=0, help="How often it may submit; 0: without a limit; left out: the relay's own limit.")
    ] = None,
) -> None:
    """Make a key and print it, once; of a pair the access key, then the secret key."""
    from relay.domain.keys import KeyKind

    kind = KeyKind.PAIR if pair else KeyKind.PLAIN
    try:
        issued = _keys(session).create(tenant, kind, submits_per_minute=submits_per_minute)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--tenant") from None
    session.output.story(f"key {issued.key.id} of {tenant}: shown now and never again", style="dim")
    secrets = [issued.key.id, issued.secret] if pair else [issued.secret]
    session.output.result({**_document(issued.key), "secret": issued.secret}, *secrets)


@command(app, "list", OPERATOR)
def list_keys(session: Session, *, tenant: Annotated[str | None, typer.Option(help="Only of this tenant.")] = None) -> None:
    """List the keys, revoked ones too, the oldest first. Nothing shown opens anything."""
    keys = _keys(session).all(tenant)
    table = Table("key", "tenant", "kind", "created", "revoked", "submits per minute", box=None, pad_edge=False)
    for key in keys:
        revoked = "" if key.revoked_at is None else moment(key.revoked_at)
        limit = _LIMITS.get(key.submits_per_minute, str(key.submits_per_minute))
        table.add_row(key.id, key.tenant, key.kind.value, moment(key.created_at), revoked, limit, style="dim" if revoked else "")
    session.output.result([_document(key) for key in keys], table)


@command(app, "revoke", OPERATOR)
def revoke(
    session: Session, key: Annotated[str, typer.Argument(help="As `relay keys list` shows it; of a pair, the access key.")]
) -> None:
    """End a key: it is refused within a minute, and for good."""
    revoked = _keys(session).revoke(key)
    if revoked is None:
        raise NotFound(f"there is no key {key}", "`relay keys list` shows them")
    session.output.story(f"{key} of {revoked.tenant} is revoked")
    session.output.result(_document(revoked))


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
    }
