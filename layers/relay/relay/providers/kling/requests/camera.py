"""How the camera and the parts of a picture move: `camera_control` and `dynamic_masks` of Kling's videos."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from relay.providers.kling.requests.body import KlingObject
from relay.providers.kling.requests.fields import Integer, Movement
from relay.providers.kling.requests.media import Image
from relay.providers.kling.requests.refusals import shown, wrong


class Point(KlingObject):
    """Pixels from the bottom left corner."""

    x: Integer
    y: Integer


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
