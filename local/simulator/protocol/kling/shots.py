"""Rules for video requests that involve several fields: multi-shot, voices, camera and motion brush."""

from typing import Final

from local.simulator.common.errors import ProviderError
from local.simulator.protocol.kling.rules import (
    Body,
    Rule,
    choice,
    equals,
    flag,
    has,
    image,
    invalid,
    items,
    needed,
    number,
    refuse,
    text,
    when,
)

_MOVES = ("horizontal", "vertical", "pan", "tilt", "roll", "zoom")


def is_customised(body: Body) -> bool:
    """True if each shot has its own prompt, so that the request needs none."""
    return body.get("multi_shot") in (True, "true") and body.get("shot_type") == "customize"


def _shots_fill_the_clip(body: Body) -> None:
    """Each shot must last at least one second, and all together as long as the clip."""
    try:
        seconds = [int(shot.get("duration", 0)) for shot in body["multi_prompt"]]
        whole = int(body.get("duration") or 5)
    except (TypeError, ValueError):
        raise ProviderError(1200, "multi_prompt duration must be a number") from None
    if min(seconds) < 1 or sum(seconds) != whole:
        raise invalid("multi_prompt durations must be at least 1 and add up to duration")


def _camera(body: Body) -> None:
    control = body["camera_control"]
    if not isinstance(control, dict):
        raise ProviderError(1200, "camera_control must be an object")
    needed("type")(control)
    choice("type", "simple", "down_back", "forward_up", "right_turn_forward", "left_turn_forward")(control)
    config = control.get("config")
    if control["type"] != "simple":
        if config is not None:
            raise invalid("camera_control.config is only for type simple")
        return
    if not isinstance(config, dict):
        raise ProviderError(1200, "camera_control.config is required")
    for move in _MOVES:
        number(move, -10, 10)(config)
    if sum(bool(config.get(move)) for move in _MOVES) != 1:
        raise invalid("camera_control.config must have exactly one value that is not zero")


MULTI_SHOT: Final[tuple[Rule, ...]] = (
    flag("multi_shot"),
    when(
        equals("multi_shot", True),
        needed("shot_type"),
        choice("shot_type", "customize", "intelligence"),
        when(has("image_tail"), refuse("image_tail is not supported with multi_shot")),
    ),
    when(
        is_customised,
        needed("multi_prompt"),
        items("multi_prompt", 1, 6, needed("prompt", "duration"), text("prompt", limit=512)),
        _shots_fill_the_clip,
    ),
)
VOICES: Final[tuple[Rule, ...]] = (
    items("voice_list", 1, 2, needed("voice_id")),
    when(has("voice_list"), when(lambda body: body.get("sound") != "on", refuse("voice_list needs sound on"))),
)
CAMERA: Final[tuple[Rule, ...]] = (when(has("camera_control"), _camera),)
_POINT = (needed("x", "y"), number("x", 0, 100_000, whole=True), number("y", 0, 100_000, whole=True))
MOTION_BRUSH: Final[tuple[Rule, ...]] = (
    items("dynamic_masks", 1, 6, needed("mask", "trajectories"), image("mask"), items("trajectories", 2, 77, *_POINT)),
)
