"""`relay call OPERATION`: call a synchronous operation of the provider."""

import json
from typing import Any

from relay.providers.base import Provider, SynchronousOperation
from relay_cli.bodies import build_body
from relay_cli.commands.submit import BodyFile, Fields
from relay_cli.fields import Field
from relay_cli.session import Session, own_parameters
from relay_cli.uploading import uploader


def call(
    session: Session,
    entry: tuple[Provider, SynchronousOperation],
    values: list[tuple[Field, Any]],
    *,
    field: Fields = None,
    body: BodyFile = None,
) -> None:
    """Call the operation and print the `data` of the provider's response. It may be billed, so it is never sent twice."""
    document = build_body(body, values, field or [], upload=uploader(session))
    provider, operation = entry
    path = provider.forward_request(operation, None, "").path
    data = session.api.call(operation.method, path, document)
    session.output.print_result(data, json.dumps(data, indent=2, ensure_ascii=False))


OPTIONS = own_parameters(call)[2:]
"""The options that the command of every synchronous operation has."""
