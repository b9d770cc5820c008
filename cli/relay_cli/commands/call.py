"""`relay call OPERATION`: what the provider answers at once."""

import json
from typing import Any

from relay.providers.kling.translator import Kling
from relay_cli.bodies import body_of
from relay_cli.commands.submit import BodyFile, Fields
from relay_cli.fields import Field
from relay_cli.session import Session, own_parameters
from relay_cli.uploading import uploader


def call(
    session: Session,
    operation: str,
    values: list[tuple[Field, Any]],
    *,
    field: Fields = None,
    body: BodyFile = None,
) -> None:
    """Ask the provider; its answer's `data` is shown. Never asked twice: some of it is charged."""
    document = body_of(body, values, field or [], upload=uploader(session))
    data = session.api.call(Kling.synchronous[operation].method, operation, document)
    session.output.result(data, json.dumps(data, indent=2, ensure_ascii=False))


OPTIONS = own_parameters(call)[2:]
"""Those that every operation's command has."""
