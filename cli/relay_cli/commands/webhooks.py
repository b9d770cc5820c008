"""`relay webhooks test|redeliver` and `relay webhooks secret show|rotate`: manage the webhooks to clients."""

from typing import Annotated

import typer

from relay_cli.failures import Failure, Refused
from relay_cli.session import OPERATOR, Session, command

app = typer.Typer(no_args_is_help=True, help="Test and redeliver webhooks, and manage their secrets.")
secret = typer.Typer(no_args_is_help=True, help="Show or rotate the secret that signs a tenant's webhooks.")
app.add_typer(secret, name="secret")
_Tenant = Annotated[str, typer.Option(help="The tenant that receives the webhooks.")]


@command(app, "test", OPERATOR)
def test(session: Session, url: Annotated[str, typer.Argument(help="The client's callback_url.")], *, tenant: _Tenant) -> None:
    """Send one signed test webhook from this machine. Its task does not exist."""
    from relay_cli.operator.webhooks import send_test

    answer = send_test(tenant, url, session.outputs, allow_loopback=session.target.is_local)
    response = answer.error or f"HTTP {answer.http_status}"
    document = {"http_status": answer.http_status, "error": answer.error, "took_ms": answer.took_ms}
    session.output.print_result(document, f"{response} after {answer.took_ms} ms")
    if not answer.is_success:
        advice = "the receiver must return HTTP 2xx: check its log and the secret it verifies with"
        raise Failure(f"{url} did not accept the webhook: {response}", advice)


@command(app, "redeliver", OPERATOR)
def redeliver(session: Session, task: Annotated[str, typer.Argument(help="The relay's task id.")]) -> None:
    """Send the webhook for a task's latest status again, even if it was already delivered."""
    from relay_cli.operator.webhooks import NotDeliverableError, redeliver

    try:
        event_id = redeliver(task, session.outputs)
    except NotDeliverableError as error:
        raise Refused(error.message, error.advice) from None
    session.output.print_result({"event_id": event_id}, f"queued: {event_id}")


@command(secret, "show", OPERATOR)
def show(session: Session, *, tenant: _Tenant) -> None:
    """Print the valid secrets, newest first. The client verifies webhooks with them."""
    from relay_cli.operator.webhooks import secrets_of

    secrets = secrets_of(tenant, session.outputs)
    session.output.print_result({"tenant": tenant, "secrets": secrets}, *secrets)


@command(secret, "rotate", OPERATOR)
def rotate(session: Session, *, tenant: _Tenant) -> None:
    """Create a new secret and print it. The old secret remains valid for seven days."""
    from relay_cli.operator.webhooks import rotate_secret

    created = rotate_secret(tenant, session.outputs)
    session.output.print_message(
        f"give this secret to {tenant}; for seven days, webhooks are signed with both secrets", style="dim"
    )
    session.output.print_result({"tenant": tenant, "secret": created}, created)
