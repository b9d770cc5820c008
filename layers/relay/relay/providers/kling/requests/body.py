"""What Kling's request bodies have in common: checked before money is spent, normalised, unknown fields left alone.

The models of the operations are in videos.py, edits.py, images.py and audio.py.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Self, cast

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from relay.domain.errors import InvalidRequestError
from relay.providers.base import Checked, PromptLimits, encodable
from relay.providers.kling.requests import capabilities
from relay.providers.kling.requests.fields import CallbackUrl, ExternalTaskId, Flag, Integer64
from relay.providers.kling.requests.media import VideoUrl
from relay.providers.kling.requests.refusals import shown, told, wrong


class KlingObject(BaseModel):
    """A JSON object. Null and empty text mean "absent", as in Kling's own examples; unknown fields pass through."""

    model_config = ConfigDict(extra="allow", hide_input_in_errors=True, protected_namespaces=())

    @model_validator(mode="before")
    @classmethod
    def _without_empty_fields(cls, body: object) -> object:
        if not isinstance(body, Mapping):
            return body
        return {name: value for name, value in body.items() if name not in cls.model_fields or not _is_empty(value)}


class KlingBody(KlingObject):
    """The body of an operation. No refusal depends on the model: see capabilities.py."""

    def upstream(self) -> dict[str, object]:
        """The body for the provider: known fields normalised, absent ones left out, unknown ones where they were."""
        return self.model_dump(exclude_unset=True)

    def warnings(self, operation: str) -> list[str]:
        """What Kling is not documented to do with this request; it is sent all the same."""
        return capabilities.broken_rules(operation, self.upstream())


class WatermarkInfo(KlingObject):
    """Whether a watermarked copy is made too."""

    enabled: Flag


class Element(KlingObject):
    """A subject from the element library."""

    element_id: Integer64


class KlingRequest(KlingBody):
    """What every asynchronous create has in common."""

    model_name: str | None = None
    callback_url: CallbackUrl | None = None
    external_task_id: ExternalTaskId | None = None
    watermark_info: WatermarkInfo | None = None

    def warnings(self, operation: str) -> list[str]:
        """The field `model` too, which Kling takes and ignores."""
        found = ["model: Kling ignores it; name the model in model_name"] if "model" in (self.model_extra or {}) else []
        return found + super().warnings(operation)


class UntypedRequest(KlingRequest):
    """The body of an operation that this relay does not know: only what all have in common is checked."""

    def warnings(self, operation: str) -> list[str]:
        """Nobody here can say more about it."""
        return [f"{operation} is not known to this relay: it is sent unchecked, and never twice"]


class VideoSource(KlingObject):
    """A video that is there already: one of Kling's (`task_result.videos[].id`), or a file."""

    video_id: str | None = None
    video_url: VideoUrl | None = None

    @model_validator(mode="after")
    def _one_video(self) -> Self:
        one_of(self, "video_id", "video_url")
        return self


def one_of(body: KlingObject, *names: str) -> None:
    """Exactly one of two fields has a value; raises the refusal."""
    having = [name for name in names if getattr(body, name)]
    if len(having) != 1:
        raise wrong(f"one of {' and '.join(names)}", "both" if having else "neither", at=names[0])


def model_of(name: str) -> type[KlingBody]:
    """The model that a line of the operations' table names, as `module.Class`; without a name the untyped one."""
    if not name:
        return UntypedRequest
    module, _, model = name.partition(".")
    return cast("type[KlingBody]", getattr(import_module(f"relay.providers.kling.requests.{module}"), model))


def checked(operation: str, model: type[KlingBody], body: Mapping[str, object], limits: PromptLimits) -> Checked:
    """Check and normalise the body of a request.

    Raises InvalidRequestError with code 1200 when it is not a JSON object, else with code 1201. The message of the latter names
    the first wrong field, what was expected there, and a shortened form of what came.
    """
    if not isinstance(body, Mapping):
        raise InvalidRequestError(f"expected a JSON object; got {shown(body)}", code=1200)
    context = {"prompt_limit": limits.prompt, "negative_prompt_limit": limits.negative_prompt}
    try:
        request = model.model_validate(body, context=context)
    except ValidationError as error:
        raise InvalidRequestError(told(error)) from None
    return Checked(body=encodable(request.upstream()), warnings=tuple(request.warnings(operation)))


def _is_empty(value: object) -> bool:
    return value is None or (isinstance(value, str) and (not value or value.isspace()))
