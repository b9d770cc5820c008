"""Replicate, spoken through CometAPI: predictions of any model. It knows no id of ours, and its callbacks cannot be verified."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from relay.domain.errors import (
    InvalidRequestError,
    OutcomeUnknownError,
    ProviderError,
    ProviderTaskMissingError,
    UnknownOperationError,
    UnreadableSnapshotError,
)
from relay.providers.base import Action, Checked, Operation, Paging, Provider, ProviderDefaults, ProviderRequest, Route, encodable
from relay.providers.documents import document_of
from relay.providers.meanings import error_for, read_error
from relay.providers.replicate.predictions import draft_of, snapshot_of, view_of
from relay.providers.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from relay.domain.task import Snapshot, Task
    from relay.providers.base import PromptLimits, ProviderResponse, SynchronousOperation

PREFIX = "/replicate/v1/"
_PREDICTIONS = "predictions"
_OF_A_MODEL = r"models/[\w][\w.-]{0,63}/[\w][\w.-]{0,127}/predictions"
_POLL_SECONDS = 5
_EVENTS = ("start", "completed")
"""The callbacks that the relay asks for: the first one brings the id of a prediction whose create was lost."""
_PAGE = 100
_INVALID = 1201


class Replicate(ProviderDefaults):
    """The Replicate translator."""

    name = "replicate"
    operations: Mapping[str, Operation] = {_PREDICTIONS: Operation(_PREDICTIONS, has_files=False, poll_seconds=_POLL_SECONDS)}
    callback_field = "webhook"
    confirms_callbacks = True

    def route(self, method: str, path: str, parameters: Mapping[str, str]) -> Route:
        """`predictions` and `models/{owner}/{name}/predictions`; a prediction, and its `cancel`."""
        rest = path.removeprefix(PREFIX)
        reference = rest.removeprefix(f"{_PREDICTIONS}/")
        is_single = reference != rest and reference != ""
        if method == "POST" and is_single and reference.endswith("/cancel"):
            return Route(action=Action.CANCEL, reference=reference.removesuffix("/cancel"))
        if method == "POST":
            return Route(action=Action.CREATE, operation=self.operation(rest))
        if method == "GET" and is_single:
            return Route(action=Action.QUERY, reference=reference)
        if method == "GET" and rest == _PREDICTIONS:
            paging = Paging(size=_PAGE, cursor=parameters.get("cursor"), may_be_shorter=True)
            return Route(action=Action.LIST, paging=paging)
        raise UnknownOperationError(f"no such path: create predictions with POST {PREFIX}{_PREDICTIONS}")

    def operation(self, name: str) -> Operation:
        """Predictions of a version, or of the model that the path names."""
        if name == _PREDICTIONS:
            return self.operations[name]
        if re.fullmatch(_OF_A_MODEL, name, re.ASCII):
            return Operation(name, has_files=False, poll_seconds=_POLL_SECONDS)
        raise UnknownOperationError(f"no operation {name[:80]}: expected {_PREDICTIONS} or models/OWNER/NAME/{_PREDICTIONS}")

    def checked(
        self,
        operation: Operation | SynchronousOperation,
        body: Mapping[str, Any],
        limits: PromptLimits,
    ) -> Checked:
        """The fields that all models share. The schema of `input` is the model's own."""
        if not isinstance(body.get("input"), dict):
            raise InvalidRequestError("input: expected an object with the model's parameters")
        for name in ("version", "model", "webhook"):
            if not isinstance(body.get(name), str | None):
                raise InvalidRequestError(f"{name}: expected a text")
        if operation.name == _PREDICTIONS and not (body.get("version") or body.get("model")):
            raise InvalidRequestError("version: expected a version of a model, or its name in model")
        return Checked(encodable(dict(body)))

    def draft_document(self, body: Mapping[str, Any]) -> dict[str, Any] | None:
        """Clients expect a prediction to name its model, version and input."""
        return draft_of(body)

    def create_request(
        self, operation: Operation, body: Mapping[str, Any], *, task_id: str, callback_url: str
    ) -> ProviderRequest:
        """`POST /replicate/v1/{operation}` with our webhook. Never with `Prefer: wait`, which makes responses late and lost."""
        hooks = {"webhook": callback_url, "webhook_events_filter": list(_EVENTS)}
        return ProviderRequest("POST", PREFIX + operation.name, {**body, **hooks})

    def read_created(self, operation: Operation, response: ProviderResponse) -> Snapshot:
        """The prediction, which may have ended already."""
        try:
            return self._read(response)
        except UnreadableSnapshotError as unreadable:
            raise OutcomeUnknownError(f"the create answer has no prediction: {unreadable}", status=response.status) from None

    def query_request(self, operation: Operation, reference: str) -> ProviderRequest:
        """`GET /replicate/v1/predictions/{id}`."""
        return ProviderRequest("GET", f"{PREFIX}{_PREDICTIONS}/{quote(reference, safe='')}")

    def read_queried(self, operation: Operation, response: ProviderResponse) -> Snapshot:
        """The prediction. An id may be unknown for a while after its create."""
        try:
            return self._read(response)
        except ProviderError as error:
            if error.status == 404 and document_of(response.body) is not None:
                raise ProviderTaskMissingError(error.message, status=404, code=error.code) from None
            raise

    def cancel_request(self, operation: Operation, reference: str) -> ProviderRequest | None:
        """`POST /replicate/v1/predictions/{id}/cancel`. CometAPI does not document it."""
        return ProviderRequest("POST", f"{PREFIX}{_PREDICTIONS}/{quote(reference, safe='')}/cancel")

    def read_callback(self, body: bytes, headers: Mapping[str, str]) -> Snapshot | Reply:
        """The prediction."""
        return snapshot_of(document_of(body))

    def view(self, task: Task, urls: Mapping[str, str], base_url: str) -> dict[str, Any]:
        """The prediction."""
        return view_of(task, urls, base_url, PREFIX)

    def created_reply(self, view: dict[str, Any], warnings: Sequence[str], request_id: str) -> Reply:
        """HTTP 201."""
        return Reply(201, view)

    def queried_reply(self, view: dict[str, Any], request_id: str) -> Reply:
        """The prediction."""
        return Reply(200, view)

    def listed_reply(self, views: list[dict[str, Any]], cursor: str | None, base_url: str, request_id: str) -> Reply:
        """The predictions, with the URL of the next page."""
        following = f"{base_url}{PREFIX}{_PREDICTIONS}?cursor={quote(cursor, safe='')}" if cursor else None
        return Reply(200, {"previous": None, "next": following, "results": views})

    def error_reply(self, status: int, code: int, message: str, request_id: str) -> Reply:
        """Replicate's problem object. What is wrong with the input is 422 there."""
        status = 422 if (status, code) == (400, _INVALID) else status
        return Reply(status, {"title": HTTPStatus(status).phrase, "detail": message, "status": status})

    def _read(self, response: ProviderResponse) -> Snapshot:
        document = document_of(response.body)
        if 200 <= response.status < 300 and isinstance(document, dict) and "id" in document:
            return snapshot_of(document)
        raise error_for(read_error(response.status, document), {})


PROVIDER: Provider = Replicate()
