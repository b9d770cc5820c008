"""Kling's operations that make images."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from relay.providers.kling.requests.body import Element, KlingObject, KlingRequest
from relay.providers.kling.requests.fields import Count, Fraction, NegativePrompt, Prompt, SeriesAmount, UpToTwo
from relay.providers.kling.requests.media import Image, ImageOfAnyRatio
from relay.providers.kling.requests.refusals import shown, wrong

MAX_REFERENCES = 10
MAX_GROWTH = 3

PictureRatio = Literal["16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9"]


class ImageGeneration(KlingRequest):
    """Kling API reference, images/generations."""

    prompt: Prompt
    negative_prompt: NegativePrompt | None = None
    image: Image | None = None
    image_reference: Literal["subject", "face"] | None = None
    image_fidelity: Fraction | None = None
    human_fidelity: Fraction | None = None
    element_list: list[Element] | None = None
    resolution: Literal["1k", "2k"] | None = None
    n: Count | None = None
    aspect_ratio: PictureRatio | None = None

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


class VirtualTryOn(KlingRequest):
    """Kling API reference, images/kolors-virtual-try-on."""

    human_image: ImageOfAnyRatio
    cloth_image: ImageOfAnyRatio


class Subject(KlingObject):
    """An entry of `subject_image_list`."""

    subject_image: ImageOfAnyRatio


class MultiImageToImage(KlingRequest):
    """Kling API reference, images/multi-image2image: subjects in a scene, in a style."""

    subject_image_list: Annotated[list[Subject], Field(min_length=1, max_length=4)]
    scene_image: ImageOfAnyRatio | None = None
    style_image: ImageOfAnyRatio | None = None
    prompt: Prompt | None = None
    n: Count | None = None
    aspect_ratio: PictureRatio | None = None


class OmniImageItem(KlingObject):
    """A picture that the prompt names `<<<image_1>>>`."""

    image: Image


class OmniImage(KlingRequest):
    """Kling API reference, images/omni-image. The result is `images`, or `series_images` for a series."""

    prompt: Prompt
    image_list: Annotated[list[OmniImageItem], Field(max_length=MAX_REFERENCES)] | None = None
    element_list: list[Element] | None = None
    resolution: Literal["1k", "2k", "4k"] | None = None
    result_type: Literal["single", "series"] | None = None
    series_amount: SeriesAmount | None = None
    n: Count | None = None
    aspect_ratio: Literal["auto", "16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9"] | None = None


class ImageExpansion(KlingRequest):
    """Kling API reference, images/editing/expand: each ratio is of the side that it lengthens."""

    image: ImageOfAnyRatio
    up_expansion_ratio: UpToTwo
    down_expansion_ratio: UpToTwo
    left_expansion_ratio: UpToTwo
    right_expansion_ratio: UpToTwo
    prompt: Prompt | None = None
    n: Count | None = None

    @model_validator(mode="after")
    def _not_too_large(self) -> Self:
        height = 1 + self.up_expansion_ratio + self.down_expansion_ratio
        growth = height * (1 + self.left_expansion_ratio + self.right_expansion_ratio)
        if growth > MAX_GROWTH + 1e-9:
            raise wrong(f"a new area of at most {MAX_GROWTH} times the old one", f"{growth:.2f}", at="up_expansion_ratio")
        return self
