"""Kling's operations on faces, motions and parts of videos that are there already, with their synchronous helpers."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from relay.providers.kling.requests.body import Element, KlingBody, KlingObject, KlingRequest, VideoSource, one_of
from relay.providers.kling.requests.fields import (
    Duration,
    Fraction,
    Integer,
    Milliseconds,
    NegativePrompt,
    Prompt,
    Speech,
    Speed,
    UpToTwo,
)
from relay.providers.kling.requests.media import Audio, AudioUrl, Image, ImageOfAnyRatio, Images, Sound, VideoUrl
from relay.providers.kling.requests.refusals import shown, wrong

SHORTEST_SOUND_MS = 2000


class LipSyncInput(VideoSource):
    """A video, and either a text with a voice or an audio file."""

    mode: Literal["text2video", "audio2video"]
    text: Speech | None = None
    voice_id: str | None = None
    voice_language: Literal["zh", "en"] | None = None
    voice_speed: Speed | None = None
    audio_type: Literal["file", "url"] | None = None
    audio_file: Audio | None = None
    audio_url: AudioUrl | None = None

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

    input: LipSyncInput


class IdentifyFace(KlingBody, VideoSource):
    """Kling API reference, videos/identify-face: answers `session_id` and `face_data`."""


class FaceChoice(KlingObject):
    """A face of the session, the sound that it speaks and when."""

    face_id: str
    audio_id: str | None = None
    sound_file: Sound | None = None
    sound_start_time: Milliseconds
    sound_end_time: Milliseconds
    sound_insert_time: Milliseconds
    sound_volume: UpToTwo | None = None
    original_audio_volume: UpToTwo | None = None

    @model_validator(mode="after")
    def _one_sound(self) -> Self:
        one_of(self, "audio_id", "sound_file")
        length = self.sound_end_time - self.sound_start_time
        if length < SHORTEST_SOUND_MS:
            raise wrong(f"at least {SHORTEST_SOUND_MS} ms after sound_start_time", f"{length} ms", at="sound_end_time")
        return self


class AdvancedLipSync(KlingRequest):
    """Kling API reference, videos/advanced-lip-sync."""

    session_id: str
    face_choose: Annotated[list[FaceChoice], Field(min_length=1, max_length=1)]


class Avatar(KlingRequest):
    """Kling API reference, videos/avatar/image2video: a picture that speaks."""

    image: Image
    audio_id: str | None = None
    sound_file: Sound | None = None
    prompt: Prompt | None = None
    mode: Literal["std", "pro"] | None = None

    @model_validator(mode="after")
    def _one_sound(self) -> Self:
        one_of(self, "audio_id", "sound_file")
        return self


class MotionControl(KlingRequest):
    """Kling API reference, videos/motion-control: a picture that moves as in a video."""

    image_url: Image
    video_url: VideoUrl
    character_orientation: Literal["image", "video"]
    mode: Literal["std", "pro"]
    prompt: Prompt | None = None
    keep_original_sound: Literal["yes", "no"] | None = None
    element_list: Annotated[list[Element], Field(max_length=1)] | None = None


class EffectsInput(KlingObject):
    """One picture, or the two persons of `hug`, `kiss`, `heart_gesture` and `fight` (the documents name both fields)."""

    image: Images | None = None
    images: Images | None = None
    duration: Duration
    model_name: str | None = None
    mode: Literal["std", "pro"] | None = None

    @model_validator(mode="after")
    def _pictured(self) -> Self:
        if not (self.image or self.images):
            raise wrong("an image, or a list of them", "nothing", at="image")
        return self


class Effects(KlingRequest):
    """Kling API reference, videos/effects. The scenes are too many, and too new, to be listed here."""

    effect_scene: str
    input: EffectsInput


class InitSelection(KlingBody, VideoSource):
    """Kling API reference, videos/multi-elements/init-selection: answers the `session_id` of the others."""


class Selection(KlingBody):
    """Kling API reference, videos/multi-elements/clear-selection and preview-selection."""

    session_id: str


class RelativePoint(KlingObject):
    """From the top left corner, as parts of width and height."""

    x: Fraction
    y: Fraction


class PointSelection(Selection):
    """Kling API reference, videos/multi-elements/add-selection and delete-selection."""

    frame_index: Integer
    points: Annotated[list[RelativePoint], Field(min_length=1, max_length=10)]


class EditPicture(KlingObject):
    """What is put into the video."""

    image: ImageOfAnyRatio


class MultiElements(KlingRequest):
    """Kling API reference, videos/multi-elements: parts of a video added, swapped or removed."""

    session_id: str
    edit_mode: Literal["addition", "swap", "removal"]
    image_list: list[EditPicture] | None = None
    prompt: Prompt
    negative_prompt: NegativePrompt | None = None
    mode: Literal["std", "pro"] | None = None
    duration: Duration | None = None

    @model_validator(mode="after")
    def _pictures_of_the_mode(self) -> Self:
        expected, most = {"addition": ("1 or 2 images", 2), "swap": ("one image", 1), "removal": ("no image", 0)}[self.edit_mode]
        given = len(self.image_list or ())
        if not min(most, 1) <= given <= most:
            raise wrong(f"{expected}, because edit_mode is {shown(self.edit_mode)}", str(given), at="image_list")
        return self
