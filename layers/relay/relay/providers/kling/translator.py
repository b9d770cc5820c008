"""Kling, spoken through CometAPI: paths, the envelope, the callback protocol and what its errors mean."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from relay.domain.errors import (
    InvalidRequestError,
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
    LAST_PAGE,
    LONGEST_PAGE,
    Action,
    Checked,
    Operation,
    OurId,
    Paging,
    PromptLimits,
    Provider,
    ProviderDefaults,
    ProviderRequest,
    ProviderResponse,
    Route,
    SynchronousOperation,
    whole_number,
)
from relay.providers.documents import document_of
from relay.providers.kling.envelope import error_of, names_a_task, reported_in, says_missing, task_in
from relay.providers.kling.tasks import snapshot_of, view_of
from relay.providers.reply import Reply

PREFIX = "/kling/v1/"
ACCOUNT_PREFIX = "/kling/"  # Kling's paths of the account have no version

# One line per asynchronous create endpoint: its path and its model, as module.Class in requests/.
_OPERATIONS = (
    ("images/generations", "images.ImageGeneration"),
    ("images/multi-image2image", "images.MultiImageToImage"),
    ("images/omni-image", "images.OmniImage"),
    ("images/editing/expand", "images.ImageExpansion"),
    ("images/kolors-virtual-try-on", "images.VirtualTryOn"),
    ("videos/text2video", "videos.TextToVideo"),
    ("videos/image2video", "videos.ImageToVideo"),
    ("videos/multi-image2video", "videos.MultiImageToVideo"),
    ("videos/omni-video", "videos.OmniVideo"),
    ("videos/video-extend", "videos.VideoExtension"),
    ("videos/motion-control", "edits.MotionControl"),
    ("videos/effects", "edits.Effects"),
    ("videos/avatar/image2video", "edits.Avatar"),
    ("videos/lip-sync", "edits.LipSync"),
    ("videos/advanced-lip-sync", "edits.AdvancedLipSync"),
    ("videos/multi-elements", "edits.MultiElements"),
    ("audio/text-to-audio", "audio.TextToAudio"),
    ("audio/video-to-audio", "audio.VideoToAudio"),
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
# Videos below /v1/ are those of other providers.
_UNTYPED = r"(?:images|videos|audio|general)(?:/[a-z0-9][a-z0-9._-]{0,63}){1,2}"  # compiled on first use
_VIDEOS = "videos/"
_PREFIXES = (PREFIX, "/v1/", ACCOUNT_PREFIX, "/")


class Kling(ProviderDefaults):
    """The Kling translator. Facts: the Kling API reference and CometAPI's pages on it."""

    name = "kling"
    operations: Mapping[str, Operation] = {name: Operation(name, model, OurId.ALWAYS) for name, model in _OPERATIONS}
    synchronous: Mapping[str, SynchronousOperation] = {operation.name: operation for operation in _SYNCHRONOUS}
    callback_field = "callback_url"
    external_id_field = "external_task_id"

    def route(self, method: str, path: str, parameters: Mapping[str, str]) -> Route:
        """`/kling/v1/…` and `/v1/…`; below the latter, videos only of known operations. The account has no version at Kling."""
        prefix = next(prefix for prefix in _PREFIXES if path.startswith(prefix))
        name = path.removeprefix(prefix)
        synchronous = self.synchronous.get(name)
        is_account = prefix in {ACCOUNT_PREFIX, "/"}
        if not name or (is_account and not (synchronous and synchronous.is_account_wide)):
            raise UnknownOperationError(f"no such path: send operations to {PREFIX}… or /v1/…")
        if synchronous and synchronous.method == method:
            return Route(action=Action.FORWARD, synchronous=synchronous)
        if method == "GET":
            return self._query(name, parameters, is_shared=prefix == "/v1/")
        if method != "POST":
            raise UnknownOperationError("the provider deletes nothing: cancel a task with DELETE /tasks/{task_id}")
        return Route(action=Action.CREATE, operation=self._served(name, is_shared=prefix == "/v1/"))

    def _query(self, path: str, parameters: Mapping[str, str], *, is_shared: bool) -> Route:
        """Split a path into an operation and a task's id; without an id it is the list of tasks.

        The longest known operation name that begins the path wins; a task's id may hold slashes. Below an unknown name the last
        of more than two segments is an id, unless the client asks for a page.
        """
        is_page = bool({"pageNum", "pageSize"} & set(parameters))
        known = [name for name in self.operations if path == name or path.startswith(f"{name}/")]
        if known:
            name = max(known, key=len)
            reference = path[len(name) + 1 :]
        elif is_page or path.count("/") < 2:
            name, reference = path, ""
        else:
            name, _, reference = path.rpartition("/")
        operation = self._served(name, is_shared=is_shared)
        if reference:
            return Route(action=Action.QUERY, operation=operation, reference=reference)
        return Route(action=Action.LIST, operation=operation, paging=_paging(parameters))

    def _served(self, name: str, *, is_shared: bool) -> Operation:
        operation = self.operation(name)
        if is_shared and not operation.is_known and name.startswith(_VIDEOS):
            raise UnknownOperationError(f"no operation {name[:80]} below /v1/: send it to {PREFIX}{name[:80]}")
        return operation

    def operation(self, name: str) -> Operation:
        """From the table, or untyped where the name could be one of Kling's."""
        known = self.operations.get(name)
        if known is None and (name in self.synchronous or not re.fullmatch(_UNTYPED, name)):
            raise UnknownOperationError(f"no operation {name[:80]}: the operations are {', '.join(self.operations)}")
        return known or Operation(
            name,
            our_id=OurId.MAYBE,
            is_known=False,
            is_account_wide=name.startswith("general/delete-"),
            has_files=not name.startswith("general/"),
        )

    def checked(self, operation: Operation | SynchronousOperation, body: Mapping[str, Any], limits: PromptLimits) -> Checked:
        """Check a body against the operation's model. The models load pydantic, which only submitting needs."""
        from relay.providers.kling.requests.body import checked, model_of

        return checked(operation.name, model_of(operation.model), body, limits)

    def request_model(self, operation: Operation | SynchronousOperation) -> type[Any] | None:
        """The model in requests/, if the operation has one."""
        from relay.providers.kling.requests.body import model_of

        return model_of(operation.model) if operation.model else None

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

    def read_created(self, operation: Operation, response: ProviderResponse) -> Snapshot:
        """The task object of a create envelope."""
        document = document_of(response.body)
        error = error_of(response.status, document)
        if error:
            raise error
        try:
            return snapshot_of(task_in(document), has_files=operation.has_files)
        except UnreadableSnapshotError as unreadable:
            if "code" in document and not names_a_task(document):
                raise NoTaskError("a success without a task", status=response.status, document=document) from None
            raise OutcomeUnknownError(f"the create answer has no task: {unreadable}", status=response.status) from None

    def query_request(self, operation: Operation, reference: str) -> ProviderRequest:
        """`GET /kling/v1/{operation}/{task_id or external_task_id}`."""
        return ProviderRequest("GET", f"{PREFIX}{operation.name}/{quote(reference, safe='')}")

    def read_queried(self, operation: Operation, response: ProviderResponse) -> Snapshot:
        """The task object of a query envelope, native or in CometAPI's older wrapping."""
        document = document_of(response.body)
        error = error_of(response.status, document)
        if error is None:
            return snapshot_of(reported_in(document), has_files=operation.has_files)
        if says_missing(error):
            raise ProviderTaskMissingError(error.message, status=error.status, code=error.code)
        raise error

    def read_callback(self, body: bytes, headers: Mapping[str, str] | None = None) -> Snapshot:
        """The callback protocol's task object; an envelope around it is tolerated."""
        return snapshot_of(reported_in(document_of(body)))

    def view(self, task: Task, urls: Mapping[str, str], base_url: str = "") -> dict[str, Any]:
        """The task object of a query, with our ids and times."""
        return view_of(task, urls)

    def created_reply(self, view: dict[str, Any], warnings: Sequence[str], request_id: str) -> Reply:
        """The envelope around the task; what is doubtful stands in `message`."""
        return _enveloped(view, request_id, "; ".join(["SUCCEED", *(f"warning: {warning}" for warning in warnings)]))

    def queried_reply(self, view: dict[str, Any], request_id: str) -> Reply:
        """The envelope around the task."""
        return _enveloped(view, request_id)

    def listed_reply(self, views: list[dict[str, Any]], cursor: str | None, base_url: str, request_id: str) -> Reply:
        """The envelope around the tasks."""
        return _enveloped(views, request_id)

    def error_reply(self, status: int, code: int, message: str, request_id: str) -> Reply:
        """The envelope without a task. The relay's own codes are Kling's."""
        return Reply(status, {"code": code, "message": message, "request_id": request_id})

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
        """The envelope that the provider refused with."""
        if failure.http_status == 401:  # stored by version 0.2.0: about the relay's key, which the client does not have
            return 502, 5000, "the relay's own key was not valid then: send the request again"
        return super().refusal(failure)


def _enveloped(data: Any, request_id: str, message: str = "SUCCEED") -> Reply:
    return Reply(200, {"code": 0, "message": message, "request_id": request_id, "data": data})


def _paging(parameters: Mapping[str, str]) -> Paging:
    number, size = whole_number(parameters, "pageNum", 1), whole_number(parameters, "pageSize", Paging().size)
    if not 1 <= number <= LAST_PAGE:
        raise InvalidRequestError(f"pageNum: expected 1 to {LAST_PAGE}; got {number}")
    if not 1 <= size <= LONGEST_PAGE:
        raise InvalidRequestError(f"pageSize: expected 1 to {LONGEST_PAGE}; got {size}")
    return Paging(number, size)


PROVIDER: Provider = Kling()
