"""Kling's operations that make a new video: from text, from pictures, from a mixture, and from the end of another video."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from relay.providers.kling.requests.body import Element, KlingObject, KlingRequest
from relay.providers.kling.requests.camera import CameraControl, DynamicMask
from relay.providers.kling.requests.fields import (
    Duration,
    Flag,
    Fraction,
    Integer,
    NegativePrompt,
    Prompt,
    ShotDuration,
    ShotPrompt,
)
from relay.providers.kling.requests.media import Image, ImageOfAnyRatio, VideoUrl, image_size
from relay.providers.kling.requests.refusals import shown, wrong

RATIO_TOLERANCE = 0.01
MAX_OMNI_REFERENCES = 7
MAX_OMNI_REFERENCES_WITH_VIDEO = 4

ClipRatio = Literal["16:9", "9:16", "1:1"]


class Voice(KlingObject):
    """A voice that the prompt names `<<<voice_1>>>`."""

    voice_id: str


class Shot(KlingObject):
    """One scene of a multi-shot video."""

    index: Integer
    prompt: ShotPrompt
    duration: ShotDuration


class MultiShot(KlingRequest):
    """A prompt, or several scenes with prompts of their own."""

    prompt: Prompt | None = None
    multi_shot: Flag | None = None
    shot_type: Literal["customize", "intelligence"] | None = None
    multi_prompt: Annotated[list[Shot], Field(max_length=6)] | None = None
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

    def _check_prompted(self) -> None:
        if not self.prompt and not self.is_customized:
            raise wrong("a text, unless shot_type is 'customize'", "nothing", at="prompt")


class Clip(MultiShot):
    """The fields that text2video and image2video share."""

    negative_prompt: NegativePrompt | None = None
    voice_list: Annotated[list[Voice], Field(max_length=2)] | None = None
    sound: Literal["on", "off"] | None = None
    cfg_scale: Fraction | None = None
    mode: Literal["std", "pro", "4k"] | None = None
    camera_control: CameraControl | None = None

    @model_validator(mode="after")
    def _voices_need_sound(self) -> Self:
        if self.voice_list and self.sound != "on":
            raise wrong("'on', because voice_list is set", shown(self.sound), at="sound")
        return self


class TextToVideo(Clip):
    """Kling API reference, videos/text2video."""

    aspect_ratio: ClipRatio | None = None

    @model_validator(mode="after")
    def _prompted(self) -> Self:
        self._check_prompted()
        return self


class ImageToVideo(Clip):
    """Kling API reference, videos/image2video."""

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


class PictureItem(KlingObject):
    """An entry of `image_list`."""

    image: ImageOfAnyRatio


class MultiImageToVideo(KlingRequest):
    """Kling API reference, videos/multi-image2video."""

    image_list: Annotated[list[PictureItem], Field(min_length=1, max_length=4)]
    prompt: Prompt
    negative_prompt: NegativePrompt | None = None
    mode: Literal["std", "pro"] | None = None
    duration: Duration | None = None
    aspect_ratio: ClipRatio | None = None


class OmniImageItem(KlingObject):
    """A picture that the prompt names `<<<image_1>>>`, or a frame of the video."""

    image_url: Image
    type: Literal["first_frame", "end_frame"] | None = None


class OmniVideoItem(KlingObject):
    """A video that the prompt names `<<<video_1>>>`: `feature` to take after, `base` to edit."""

    video_url: VideoUrl
    refer_type: Literal["feature", "base"] | None = None
    keep_original_sound: Literal["yes", "no"] | None = None


class OmniVideo(MultiShot):
    """Kling API reference, videos/omni-video."""

    image_list: list[OmniImageItem] | None = None
    element_list: list[Element] | None = None
    video_list: Annotated[list[OmniVideoItem], Field(max_length=1)] | None = None
    sound: Literal["on", "off"] | None = None
    mode: Literal["std", "pro", "4k"] | None = None
    aspect_ratio: ClipRatio | None = None

    @model_validator(mode="after")
    def _prompted(self) -> Self:
        self._check_prompted()
        return self

    @model_validator(mode="after")
    def _frames_and_references(self) -> Self:
        frames = [picture.type for picture in self.image_list or ()]
        if "end_frame" in frames and "first_frame" not in frames:
            raise wrong("a first_frame, because there is an end_frame", "nothing", at="image_list")
        most = MAX_OMNI_REFERENCES_WITH_VIDEO if self.video_list else MAX_OMNI_REFERENCES
        references = len(self.image_list or ()) + len(self.element_list or ())
        if references > most:
            raise wrong(f"at most {most} images and elements", str(references), at="image_list")
        return self

    def warnings(self, operation: str) -> list[str]:
        """What depends on whether there is a video, or a first frame."""
        found = super().warnings(operation)
        if self.video_list and self.sound == "on":
            found.append("sound 'on': not documented together with video_list")
        framed = any(picture.type == "first_frame" for picture in self.image_list or ())
        edited = any(video.refer_type != "feature" for video in self.video_list or ())
        if not (self.aspect_ratio or framed or edited):
            found.append("aspect_ratio: documented as required without a first frame or a video to edit")
        return found


class VideoExtension(KlingRequest):
    """Kling API reference, videos/video-extend. `video_id` comes from `task_result.videos[].id`."""

    video_id: str
    prompt: Prompt | None = None
    negative_prompt: NegativePrompt | None = None
    cfg_scale: Fraction | None = None
