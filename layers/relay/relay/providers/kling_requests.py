"""The request bodies of Kling's operations: checked before money is spent, normalised, unknown fields left alone."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError, model_validator

from relay.domain.errors import InvalidRequestError
from relay.providers import kling_capabilities as capabilities
from relay.providers.kling_fields import (
    Audio,
    AudioUrl,
    CallbackUrl,
    Count,
    Duration,
    ExternalTaskId,
    Flag,
    Fraction,
    Image,
    ImageOfAnyRatio,
    Integer64,
    Movement,
    NegativePrompt,
    Prompt,
    ShotDuration,
    ShotPrompt,
    Speech,
    Speed,
    VideoUrl,
    image_size,
)
from relay.providers.kling_refusals import shown, told, wrong

MAX_REFERENCES = 10
RATIO_TOLERANCE = 0.01


class KlingObject(BaseModel):
    """A JSON object. Null and empty text mean "absent", as in Kling's own examples; unknown fields pass through."""

    model_config = ConfigDict(extra="allow", hide_input_in_errors=True, protected_namespaces=())

    @model_validator(mode="before")
    @classmethod
    def _without_empty_fields(cls, body: object) -> object:
        if not isinstance(body, Mapping):
            return body
        return {name: value for name, value in body.items() if name not in cls.model_fields or not _is_empty(value)}


class WatermarkInfo(KlingObject):
    """Whether a watermarked copy is made too."""

    enabled: Flag


class Element(KlingObject):
    """A subject from the element library."""

    element_id: Integer64


class Voice(KlingObject):
    """A voice that the prompt names `<<<voice_1>>>`."""

    voice_id: str


class Shot(KlingObject):
    """One scene of a multi-shot video."""

    index: StrictInt
    prompt: ShotPrompt
    duration: ShotDuration


class Point(KlingObject):
    """Pixels from the bottom left corner."""

    x: StrictInt
    y: StrictInt


class DynamicMask(KlingObject):
    """An area and the way that it moves."""

    mask: Image
    trajectories: Annotated[list[Point], Field(min_length=2, max_length=77)]


class CameraMovement(KlingObject):
    """Six ways to move, one at a time."""

    horizontal: Movement | None = None
    vertical: Movement | None = None
    pan: Movement | None = None
    tilt: Movement | None = None
    roll: Movement | None = None
    zoom: Movement | None = None

    @model_validator(mode="after")
    def _one_movement(self) -> Self:
        moving = [name for name in type(self).model_fields if getattr(self, name)]
        if len(moving) != 1:
            fields = ", ".join(type(self).model_fields)
            raise wrong(f"exactly one non-zero value among {fields}", ", ".join(moving) or "none")
        return self


class CameraControl(KlingObject):
    """Kling API reference, videos/text2video, camera_control: `config` belongs to `simple`, and to nothing else."""

    type: Literal["simple", "down_back", "forward_up", "right_turn_forward", "left_turn_forward"]
    config: CameraMovement | None = None

    @model_validator(mode="after")
    def _config_if_simple(self) -> Self:
        if self.type == "simple" and self.config is None:
            raise wrong("an object, because type is 'simple'", "nothing", at="config")
        if self.type != "simple" and self.config is not None:
            raise wrong(f"no value, because type is {shown(self.type)}", "an object", at="config")
        return self


class KlingRequest(KlingObject):
    """What every asynchronous create has in common. No refusal depends on the model: see kling_capabilities."""

    operation: ClassVar[str]

    model_name: str | None = None
    callback_url: CallbackUrl | None = None
    external_task_id: ExternalTaskId | None = None
    watermark_info: WatermarkInfo | None = None

    def upstream(self) -> dict[str, object]:
        """The body for the provider: known fields normalised, absent ones left out, unknown ones where they were."""
        return self.model_dump(exclude_unset=True)

    def warnings(self) -> list[str]:
        """What Kling is not documented to do with this request; it is sent all the same."""
        found = capabilities.broken_rules(self.operation, self.upstream())
        if "model" in (self.model_extra or {}):
            found.insert(0, "model: Kling ignores it; name the model in model_name")
        return found


class ImageGeneration(KlingRequest):
    """Kling API reference, images/generations."""

    operation = capabilities.IMAGE_GENERATION

    prompt: Prompt
    negative_prompt: NegativePrompt | None = None
    image: Image | None = None
    image_reference: Literal["subject", "face"] | None = None
    image_fidelity: Fraction | None = None
    human_fidelity: Fraction | None = None
    element_list: list[Element] | None = None
    resolution: Literal["1k", "2k"] | None = None
    n: Count | None = None
    aspect_ratio: Literal["16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9"] | None = None

    @model_validator(mode="after")
    def _around_the_image(self) -> Self:
        if self.image_reference and not self.image:
            raise wrong("an image, because image_reference is set", "nothing", at="image")
        if self.image and self.negative_prompt:
            raise wrong("no value together with image", shown(self.negative_prompt), at="negative_prompt")
        references = len(self.element_list or ()) + bool(self.image)
        if references > MAX_REFERENCES:
            raise wrong(f"at most {MAX_REFERENCES} elements and images", str(references), at="element_list")
        return self


class Video(KlingRequest):
    """The fields that text2video and image2video share."""

    prompt: Prompt | None = None
    negative_prompt: NegativePrompt | None = None
    multi_shot: Flag | None = None
    shot_type: Literal["customize", "intelligence"] | None = None
    multi_prompt: Annotated[list[Shot], Field(max_length=6)] | None = None
    voice_list: Annotated[list[Voice], Field(max_length=2)] | None = None
    sound: Literal["on", "off"] | None = None
    cfg_scale: Fraction | None = None
    mode: Literal["std", "pro", "4k"] | None = None
    camera_control: CameraControl | None = None
    duration: Duration | None = None

    @property
    def is_customized(self) -> bool:
        """Every shot has its own prompt: the common one is ignored."""
        return bool(self.multi_shot) and self.shot_type == "customize"

    @model_validator(mode="after")
    def _shots(self) -> Self:
        if self.multi_shot and not self.shot_type:
            raise wrong("customize or intelligence, because multi_shot is true", "nothing", at="shot_type")
        if not self.is_customized:
            return self
        if not self.multi_prompt:
            raise wrong("1 to 6 shots, because shot_type is 'customize'", "nothing", at="multi_prompt")
        whole, total = int(self.duration or "5"), sum(int(shot.duration) for shot in self.multi_prompt)
        if total != whole:
            raise wrong(f"durations with the sum of duration, {whole}", str(total), at="multi_prompt")
        return self

    @model_validator(mode="after")
    def _voices_need_sound(self) -> Self:
        if self.voice_list and self.sound != "on":
            raise wrong("'on', because voice_list is set", shown(self.sound), at="sound")
        return self


class TextToVideo(Video):
    """Kling API reference, videos/text2video."""

    operation = capabilities.TEXT_TO_VIDEO

    aspect_ratio: Literal["16:9", "9:16", "1:1"] | None = None

    @model_validator(mode="after")
    def _prompted(self) -> Self:
        if not self.prompt and not self.is_customized:
            raise wrong("a text, unless shot_type is 'customize'", "nothing", at="prompt")
        return self


class ImageToVideo(Video):
    """Kling API reference, videos/image2video."""

    operation = capabilities.IMAGE_TO_VIDEO

    image: Image | None = None
    image_tail: ImageOfAnyRatio | None = None
    static_mask: Image | None = None
    dynamic_masks: Annotated[list[DynamicMask], Field(max_length=6)] | None = None
    element_list: Annotated[list[Element], Field(max_length=3)] | None = None

    @model_validator(mode="after")
    def _exclusions(self) -> Self:
        if not self.image and not self.image_tail:
            raise wrong("at least one of image and image_tail", "nothing", at="image")
        groups = ("image_tail", "dynamic_masks", "static_mask", "camera_control")
        used = [name for name in groups if getattr(self, name)]
        if len(used) > 1 and used != ["dynamic_masks", "static_mask"]:
            raise wrong("one of image_tail, dynamic_masks/static_mask and camera_control", " and ".join(used), at=used[0])
        if self.image_tail and self.multi_shot:
            raise wrong("no value together with multi_shot", "an image", at="image_tail")
        if self.element_list and self.voice_list:
            raise wrong("no value together with voice_list", "a list", at="element_list")
        return self

    @model_validator(mode="after")
    def _masks_fit(self) -> Self:
        if not self.static_mask:
            return self
        mask, picture = image_size(self.static_mask), self.image and image_size(self.image)
        if mask and picture and abs(mask[0] * picture[1] / (mask[1] * picture[0]) - 1) > RATIO_TOLERANCE:
            raise wrong(f"the ratio of image, {picture[0]}x{picture[1]}", f"{mask[0]}x{mask[1]}", at="static_mask")
        for index, group in enumerate(self.dynamic_masks or ()):
            size = image_size(group.mask)
            if mask and size and size != mask:
                at = f"dynamic_masks[{index}].mask"
                raise wrong(f"the size of static_mask, {mask[0]}x{mask[1]}", f"{size[0]}x{size[1]}", at=at)
        return self


class VideoExtension(KlingRequest):
    """Kling API reference, videos/video-extend. `video_id` comes from `task_result.videos[].id`."""

    operation = capabilities.VIDEO_EXTENSION

    video_id: str
    prompt: Prompt | None = None
    negative_prompt: NegativePrompt | None = None
    cfg_scale: Fraction | None = None


class VirtualTryOn(KlingRequest):
    """Kling API reference, images/kolors-virtual-try-on."""

    operation = capabilities.VIRTUAL_TRY_ON

    human_image: ImageOfAnyRatio
    cloth_image: ImageOfAnyRatio


class LipSyncInput(KlingObject):
    """A video, and either a text with a voice or an audio file."""

    video_id: str | None = None
    video_url: VideoUrl | None = None
    mode: Literal["text2video", "audio2video"]
    text: Speech | None = None
    voice_id: str | None = None
    voice_language: Literal["zh", "en"] | None = None
    voice_speed: Speed | None = None
    audio_type: Literal["file", "url"] | None = None
    audio_file: Audio | None = None
    audio_url: AudioUrl | None = None

    @model_validator(mode="after")
    def _one_video(self) -> Self:
        if bool(self.video_id) == bool(self.video_url):
            raise wrong("one of video_id and video_url", "both" if self.video_id else "neither", at="video_id")
        return self

    @model_validator(mode="after")
    def _what_is_spoken(self) -> Self:
        needed = {"text2video": ("text", "voice_id"), "audio2video": ("audio_type",)}[self.mode]
        for name in needed:
            if not getattr(self, name):
                raise wrong(f"a value, because mode is '{self.mode}'", "nothing", at=name)
        source = f"audio_{self.audio_type}"
        if self.mode == "audio2video" and not getattr(self, source):
            raise wrong(f"a value, because audio_type is '{self.audio_type}'", "nothing", at=source)
        return self


class LipSync(KlingRequest):
    """Kling API reference, videos/lip-sync."""

    operation = capabilities.LIP_SYNC

    input: LipSyncInput


@dataclass(frozen=True)
class Checked:
    """A body that may go upstream, and what is worth telling the client about it."""

    body: dict[str, object]
    warnings: tuple[str, ...]


def checked(model: type[KlingRequest], body: Mapping[str, object], *, prompt_limit: int, negative_prompt_limit: int) -> Checked:
    """Check and normalise a request body.

    Raises InvalidRequestError: code 1200 when it is not a JSON object, else 1201 with a message that names the first
    wrong field, what was expected there and what came, cut short.
    """
    if not isinstance(body, Mapping):
        raise InvalidRequestError(f"expected a JSON object; got {shown(body)}", code=1200)
    limits = {"prompt_limit": prompt_limit, "negative_prompt_limit": negative_prompt_limit}
    try:
        request = model.model_validate(body, context=limits)
    except ValidationError as error:
        raise InvalidRequestError(told(error)) from None
    return Checked(body=_encodable(request.upstream()), warnings=tuple(request.warnings()))


def _encodable(body: dict[str, object]) -> dict[str, object]:
    """Python reads lone surrogates and NaN from JSON that no strict encoder writes again: better refused than stuck."""
    try:
        json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        expected = "expected a body that JSON can carry: valid Unicode, finite numbers, not nested too deeply"
        raise InvalidRequestError(expected, code=1200) from None
    return body


def _is_empty(value: object) -> bool:
    return value is None or (isinstance(value, str) and (not value or value.isspace()))
