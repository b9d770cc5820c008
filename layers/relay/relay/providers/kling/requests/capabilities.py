"""Which Kling model can do what: one table. Breaking a rule is a warning, for models come faster than tables."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from relay.providers.kling.requests.refusals import shown

TEXT_TO_VIDEO = "videos/text2video"
IMAGE_TO_VIDEO = "videos/image2video"
VIDEO_EXTENSION = "videos/video-extend"
IMAGE_GENERATION = "images/generations"
VIRTUAL_TRY_ON = "images/kolors-virtual-try-on"
LIP_SYNC = "videos/lip-sync"
MULTI_IMAGE_TO_VIDEO = "videos/multi-image2video"
OMNI_VIDEO = "videos/omni-video"
MOTION_CONTROL = "videos/motion-control"
MULTI_ELEMENTS = "videos/multi-elements"
MULTI_IMAGE_TO_IMAGE = "images/multi-image2image"
OMNI_IMAGE = "images/omni-image"

V1, V1_5, V1_6, V2_1 = "kling-v1", "kling-v1-5", "kling-v1-6", "kling-v2-1"
V2_MASTER, V2_1_MASTER, V2_5_TURBO, V2_6, V3 = (
    "kling-v2-master",
    "kling-v2-1-master",
    "kling-v2-5-turbo",
    "kling-v2-6",
    "kling-v3",
)
MODELS: Mapping[str, tuple[str, ...]] = {
    IMAGE_GENERATION: (V1, V1_5, "kling-v2", "kling-v2-new", V2_1, V3),
    TEXT_TO_VIDEO: (V1, V1_6, V2_MASTER, V2_1_MASTER, V2_5_TURBO, V2_6, V3),
    IMAGE_TO_VIDEO: (V1, V1_5, V1_6, V2_MASTER, V2_1, V2_1_MASTER, V2_5_TURBO, V2_6, V3),
    VIDEO_EXTENSION: (V1, V1_5, V1_6),
    VIRTUAL_TRY_ON: ("kolors-virtual-try-on-v1", "kolors-virtual-try-on-v1-5"),
    MULTI_IMAGE_TO_VIDEO: (V1_6,),
    OMNI_VIDEO: ("kling-video-o1", "kling-v3-omni"),
    MOTION_CONTROL: (V2_6, V3),
    MULTI_ELEMENTS: (V1_6,),
    MULTI_IMAGE_TO_IMAGE: ("kling-v2", V2_1),
    OMNI_IMAGE: ("kling-image-o1", "kling-v3-omni"),
}
"""The documented values of `model_name` per operation; the others document none."""

ASSUMED: Mapping[str, Mapping[str, object]] = {
    TEXT_TO_VIDEO: {"model_name": V1, "mode": "std", "duration": "5", "sound": "off"},
    IMAGE_TO_VIDEO: {"model_name": V1, "mode": "std", "duration": "5", "sound": "off"},
    MULTI_IMAGE_TO_VIDEO: {"model_name": V1_6},
    MULTI_ELEMENTS: {"model_name": V1_6},
}
"""What Kling assumes for an absent field. For images/generations the documents disagree about the model."""


@dataclass(frozen=True, slots=True)
class Rule:
    """With one of `models` (none named: any), the field at `path` works only with `needs` (none named: never).

    Where `values` are named, the rule is about these values of the field alone. A path may be dotted.
    """

    operations: tuple[str, ...]
    models: tuple[str, ...]
    path: str
    values: tuple[object, ...] = ()
    needs: Mapping[str, tuple[object, ...]] = field(default_factory=dict)


VIDEOS = (TEXT_TO_VIDEO, IMAGE_TO_VIDEO)
MULTI_SHOT = (*VIDEOS, OMNI_VIDEO)
MASTERS = (V2_MASTER, V2_1_MASTER)
BEFORE_V2_6 = (V1, V1_5, V1_6, *MASTERS, V2_1, V2_5_TURBO)
BEFORE_V3 = (*BEFORE_V2_6, V2_6)
FROM_V1_6 = (V1_6, *MASTERS, V2_1, V2_5_TURBO, V2_6, V3)
NEITHER_5_NOR_10 = tuple(str(number) for number in range(3, 16) if number not in {5, 10})
PRO, FIVE_SECONDS = {"mode": ("pro",)}, {"duration": ("5",)}

RULES = (
    Rule(VIDEOS, BEFORE_V3, "duration", NEITHER_5_NOR_10),
    Rule((MULTI_IMAGE_TO_VIDEO, MULTI_ELEMENTS), (V1_6,), "duration", NEITHER_5_NOR_10),
    Rule(VIDEOS, MASTERS, "mode"),
    Rule(VIDEOS, (V1, V1_5, V1_6, V2_1, V2_5_TURBO, V2_6), "mode", ("4k",)),
    Rule(VIDEOS, (*MASTERS, V2_1, V2_5_TURBO, V2_6), "cfg_scale"),
    Rule(VIDEOS, BEFORE_V2_6, "sound", ("on",)),
    Rule(VIDEOS, (V2_6,), "sound", ("on",), PRO),
    Rule(VIDEOS, BEFORE_V3, "multi_shot", (True,)),
    Rule(MULTI_SHOT, (), "shot_type", needs={"multi_shot": (True,)}),
    Rule(MULTI_SHOT, (), "multi_prompt", needs={"multi_shot": (True,), "shot_type": ("customize",)}),
    Rule((TEXT_TO_VIDEO,), (V1,), "camera_control", needs={"mode": ("std",), **FIVE_SECONDS}),
    Rule((TEXT_TO_VIDEO,), FROM_V1_6, "camera_control"),
    Rule((IMAGE_TO_VIDEO,), (V1_5,), "camera_control", needs={"camera_control.type": ("simple",), **PRO, **FIVE_SECONDS}),
    Rule((IMAGE_TO_VIDEO,), (V1, *FROM_V1_6), "camera_control"),
    Rule((IMAGE_TO_VIDEO,), (V1,), "image_tail", needs=FIVE_SECONDS),
    Rule((IMAGE_TO_VIDEO,), (V1_5, V1_6, V2_1, V2_5_TURBO), "image_tail", needs=PRO),
    Rule((IMAGE_TO_VIDEO,), (V2_6,), "image_tail", needs={"sound": ("off",), **PRO}),
    Rule((IMAGE_TO_VIDEO,), MASTERS, "image_tail"),
    Rule((IMAGE_TO_VIDEO,), (V1,), "static_mask", needs=FIVE_SECONDS),
    Rule((IMAGE_TO_VIDEO,), (V1,), "dynamic_masks", needs=FIVE_SECONDS),
    Rule((IMAGE_TO_VIDEO,), (V1_5,), "static_mask", needs={**PRO, **FIVE_SECONDS}),
    Rule((IMAGE_TO_VIDEO,), (V1_5,), "dynamic_masks", needs={**PRO, **FIVE_SECONDS}),
    Rule((IMAGE_TO_VIDEO,), FROM_V1_6, "static_mask"),
    Rule((IMAGE_TO_VIDEO,), FROM_V1_6, "dynamic_masks"),
    Rule((IMAGE_TO_VIDEO,), BEFORE_V3, "element_list"),
    Rule((IMAGE_GENERATION,), (V1,), "aspect_ratio", ("21:9",)),
    Rule((IMAGE_GENERATION,), (V1_5,), "image", needs={"image_reference": ("subject", "face")}),
    Rule((IMAGE_GENERATION,), (V1, "kling-v2", "kling-v2-new"), "image_reference"),
    Rule((IMAGE_GENERATION,), (), "human_fidelity", needs={"image_reference": ("subject",)}),
    Rule((VIDEO_EXTENSION,), (V1,), "negative_prompt"),
    Rule((VIDEO_EXTENSION,), (V1,), "cfg_scale"),
    Rule((OMNI_IMAGE,), (), "series_amount", needs={"result_type": ("series",)}),
    Rule((LIP_SYNC,), (), "input.text", needs={"input.voice_language": ("zh", "en")}),
)


def broken_rules(operation: str, body: Mapping[str, object]) -> list[str]:
    """A sentence for each rule that a checked body breaks, and for a model_name that the documents do not know."""
    effective = {**ASSUMED.get(operation, {}), **body}
    model = effective.get("model_name")
    known = MODELS.get(operation, ())
    found = []
    if known and model and model not in known:
        found.append(f"model_name: {shown(model)} is not documented for {operation} ({', '.join(known)}); sent as it is")
    applying = (rule for rule in RULES if operation in rule.operations and (not rule.models or model in rule.models))
    found.extend(_sentence(rule, effective) for rule in applying if _breaks(effective, rule))
    return found


def _breaks(body: Mapping[str, object], rule: Rule) -> bool:
    value = _value(body, rule.path)
    if value in (None, []) or (rule.values and value not in rule.values):
        return False
    return not rule.needs or any(_value(body, path) not in allowed for path, allowed in rule.needs.items())


def _value(body: object, path: str) -> object:
    for name in path.split("."):
        body = body.get(name) if isinstance(body, Mapping) else None
    return body


def _sentence(rule: Rule, body: Mapping[str, object]) -> str:
    subject = f"{rule.path} {shown(_value(body, rule.path))}" if rule.values else rule.path
    model = f" with model_name {shown(body.get('model_name'))}" if rule.models else ""
    needs = " and ".join(f"{path} {' or '.join(shown(value) for value in allowed)}" for path, allowed in rule.needs.items())
    return f"{subject}: documented{model} only together with {needs}" if needs else f"{subject}: not documented{model}"
