"""`relay webhooks test|redeliver` and `relay webhooks secret show|rotate`: clients that are called back."""

from typing import Annotated

import typer

from relay_cli.failures import Failure, Refused
from relay_cli.session import OPERATOR, Session, command

app = typer.Typer(no_args_is_help=True, help="Clients that are called back.")
secret = typer.Typer(no_args_is_help=True, help="The secret that a tenant's webhooks are signed with.")
app.add_typer(secret, name="secret")
_Tenant = Annotated[str, typer.Option(help="Whose webhooks.")]


@command(app, "test", OPERATOR)
def test(session: Session, url: Annotated[str, typer.Argument(help="The client's callback_url.")], *, tenant: _Tenant) -> None:
    """Send a signed webhook from this machine, once, about a task that does not exist."""
    from relay_cli.operator.webhooks import send_test

    answer = send_test(tenant, url, session.outputs, allow_loopback=session.target.is_local)
    told = answer.error or f"HTTP {answer.http_status}"
    document = {"http_status": answer.http_status, "error": answer.error, "took_ms": answer.took_ms}
    session.output.result(document, f"{told} after {answer.took_ms} ms")
    if not answer.is_success:
        raise Failure(f"{url} did not take it: {told}", "2xx is expected: see what the receiver logged, and its secret")


@command(app, "redeliver", OPERATOR)
def redeliver(session: Session, task: Annotated[str, typer.Argument(help="The relay's id of the task.")]) -> None:
    """Announce a task once more as it stands, whatever became of it before."""
    from relay_cli.operator.webhooks import NotDeliverableError, redeliver

    try:
        event_id = redeliver(task, session.outputs)
    except NotDeliverableError as error:
        raise Refused(str(error)) from None
    session.output.result({"event_id": event_id}, f"queued: {event_id}")


@command(secret, "show", OPERATOR)
def show(session: Session, *, tenant: _Tenant) -> None:
    """Print the secrets that are good now, the newest first: what the client verifies with."""
    from relay_cli.operator.webhooks import secrets_of

    secrets = secrets_of(tenant, session.outputs)
    session.output.result({"tenant": tenant, "secrets": secrets}, *secrets)


@command(secret, "rotate", OPERATOR)
def rotate(session: Session, *, tenant: _Tenant) -> None:
    """Make a new secret and print it; the old one stays good for seven days."""
    from relay_cli.operator.webhooks import rotate_secret

    made = rotate_secret(tenant, session.outputs)
    session.output.story(f"give it to {tenant}; webhooks carry both signatures for seven days", style="dim")
    session.output.result({"tenant": tenant, "secret": made}, made)
