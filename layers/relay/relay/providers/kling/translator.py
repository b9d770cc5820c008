"""Kling, spoken through CometAPI: paths, the envelope, the callback protocol and what its errors mean."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from relay.domain.errors import (
    NoTaskError,
    OperatorFaultError,
    OutcomeUnknownError,
    ProviderRefusedError,
    ProviderTaskMissingError,
    UnknownOperationError,
    UnreadableSnapshotError,
)
from relay.domain.task import Failure, FailureCode, Snapshot, Task
from relay.providers.base import (
    Checked,
    Operation,
    PromptLimits,
    ProviderRequest,
    ProviderResponse,
    SynchronousOperation,
)
from relay.providers.kling.envelope import document_of, error_of, names_a_task, reported_in, says_missing, task_in
from relay.providers.kling.tasks import snapshot_of, view_of

PREFIX = "/kling/v1/"
ACCOUNT_PREFIX = "/kling/"  # Kling's paths of the account have no version

# One line per asynchronous create endpoint: its path and its model, as module.Class in requests/.
_OPERATIONS = (
    Operation("images/generations", "images.ImageGeneration"),
    Operation("images/multi-image2image", "images.MultiImageToImage"),
    Operation("images/omni-image", "images.OmniImage"),
    Operation("images/editing/expand", "images.ImageExpansion"),
    Operation("images/kolors-virtual-try-on", "images.VirtualTryOn"),
    Operation("videos/text2video", "videos.TextToVideo"),
    Operation("videos/image2video", "videos.ImageToVideo"),
    Operation("videos/multi-image2video", "videos.MultiImageToVideo"),
    Operation("videos/omni-video", "videos.OmniVideo"),
    Operation("videos/video-extend", "videos.VideoExtension"),
    Operation("videos/motion-control", "edits.MotionControl"),
    Operation("videos/effects", "edits.Effects"),
    Operation("videos/avatar/image2video", "edits.Avatar"),
    Operation("videos/lip-sync", "edits.LipSync"),
    Operation("videos/advanced-lip-sync", "edits.AdvancedLipSync"),
    Operation("videos/multi-elements", "edits.MultiElements"),
    Operation("audio/text-to-audio", "audio.TextToAudio"),
    Operation("audio/video-to-audio", "audio.VideoToAudio"),
)

# One line per endpoint that answers at once.
_SYNCHRONOUS = (
    SynchronousOperation("videos/identify-face", "edits.IdentifyFace"),
    SynchronousOperation("videos/multi-elements/init-selection", "edits.InitSelection"),
    SynchronousOperation("videos/multi-elements/add-selection", "edits.PointSelection"),
    SynchronousOperation("videos/multi-elements/delete-selection", "edits.PointSelection"),
    SynchronousOperation("videos/multi-elements/clear-selection", "edits.Selection"),
    SynchronousOperation("videos/multi-elements/preview-selection", "edits.Selection"),
    SynchronousOperation("audio/tts", "audio.TextToSpeech"),
    SynchronousOperation("account/costs", method="GET", is_account_wide=True),
)

# What an operation is called that Kling may have and we do not know yet: two or three segments below one of its categories.
_UNTYPED = r"(?:images|videos|audio|general)(?:/[a-z0-9][a-z0-9._-]{0,63}){1,2}"  # compiled on first use


class Kling:
    """The Kling translator. Facts: the Kling API reference and CometAPI's pages on it."""

    name = "kling"
    operations: Mapping[str, Operation] = {operation.name: operation for operation in _OPERATIONS}
    synchronous: Mapping[str, SynchronousOperation] = {operation.name: operation for operation in _SYNCHRONOUS}

    def operation(self, name: str) -> Operation:
        """From the table, or untyped where the name could be one of Kling's."""
        known = self.operations.get(name)
        if known is None and (name in self.synchronous or not re.fullmatch(_UNTYPED, name)):
            raise UnknownOperationError(f"no operation {name[:80]}: the operations are {', '.join(self.operations)}")
        return known or Operation(name, is_account_wide=name.startswith("general/delete-"))

    def checked(self, operation: Operation | SynchronousOperation, body: Mapping[str, Any], limits: PromptLimits) -> Checked:
        """Check a body against the operation's model. The models load pydantic, which only submitting needs."""
        from relay.providers.kling.requests.body import checked, model_of

        return checked(operation.name, model_of(operation.model), body, limits)

    def named_ids(self, body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """The ids of files, voices, elements and sessions."""
        from relay.providers.kling.ids import named_in

        return named_in(body)

    def given_ids(self, task: Task) -> list[str]:
        """The ids of its files, and all others in its document."""
        from relay.providers.kling.ids import given_in, is_serial

        return sorted(given_in(task.document) | {result.id for result in task.results if result.id and is_serial(result.id)})

    def given_in_response(self, response: ProviderResponse) -> list[str]:
        """The ids in the response of a synchronous operation: sessions and sounds."""
        from relay.providers.kling.ids import given_in

        return sorted(given_in(document_of(response.body)))

    def create_request(
        self, operation: Operation, body: Mapping[str, Any], *, task_id: str, callback_url: str
    ) -> ProviderRequest:
        """`POST /kling/v1/{operation}` with our id as `external_task_id` and our `callback_url`."""
        return ProviderRequest(
            "POST", PREFIX + operation.name, {**body, "external_task_id": task_id, "callback_url": callback_url}
        )

    def read_created(self, response: ProviderResponse) -> Snapshot:
        """The task object of a create envelope."""
        document = document_of(response.body)
        error = error_of(response.status, document)
        if error:
            raise error
        try:
            return snapshot_of(task_in(document))
        except UnreadableSnapshotError as unreadable:
            if "code" in document and not names_a_task(document):
                raise NoTaskError("a success without a task", status=response.status, document=document) from None
            raise OutcomeUnknownError(f"the create answer has no task: {unreadable}", status=response.status) from None

    def query_request(self, operation: Operation, reference: str) -> ProviderRequest:
        """`GET /kling/v1/{operation}/{task_id or external_task_id}`."""
        return ProviderRequest("GET", f"{PREFIX}{operation.name}/{quote(reference, safe='')}")

    def read_queried(self, response: ProviderResponse) -> Snapshot:
        """The task object of a query envelope, native or in CometAPI's older wrapping."""
        document = document_of(response.body)
        error = error_of(response.status, document)
        if error is None:
            return snapshot_of(reported_in(document))
        if says_missing(error):
            raise ProviderTaskMissingError(error.message, status=error.status, code=error.code)
        raise error

    def read_callback(self, body: bytes) -> Snapshot:
        """The callback protocol's task object; an envelope around it is tolerated."""
        return snapshot_of(reported_in(document_of(body)))

    def view(self, task: Task, urls: Mapping[str, str]) -> dict[str, Any]:
        """The task object of a query, with our ids and times."""
        return view_of(task, urls)

    def forward_request(self, operation: SynchronousOperation, body: Mapping[str, Any] | None, query: str) -> ProviderRequest:
        """The same path as the client's, but for the account's, which has no version at Kling."""
        prefix = ACCOUNT_PREFIX if operation.name.startswith("account/") else PREFIX
        return ProviderRequest(operation.method, f"{prefix}{operation.name}{'?' if query else ''}{query}", body)

    def read_forwarded(self, response: ProviderResponse) -> ProviderResponse:
        """The provider's own response, except where it tells a client nothing: about the relay's account, or no JSON."""
        document = document_of(response.body)
        error = error_of(response.status, document)
        if isinstance(error, OutcomeUnknownError | OperatorFaultError):
            raise error
        if error is None or isinstance(document, dict):
            return response
        failure = Failure(code=FailureCode.REJECTED, message=error.message, http_status=error.status)
        status, code, message = self.refusal(failure)
        raise ProviderRefusedError(message, status=status, code=code)

    def refusal(self, failure: Failure) -> tuple[int, int, str]:
        """The envelope that the provider refused with. Its own troubles (5xx) are no status for a refused request."""
        if failure.http_status == 401:  # stored by version 0.2.0: about the relay's key, which the client does not have
            return 502, 5000, "the relay's own key was not valid then: send the request again"
        status = failure.http_status if 400 <= failure.http_status < 500 else 400
        return status, max(failure.provider_code, 0) or 1200, failure.message
