"""The rules that each operation's request body must satisfy."""

from local.simulator.protocol.kling.rules import (
    Body,
    at_most_one,
    audio,
    choice,
    equals,
    exactly_one,
    flag,
    given,
    has,
    image,
    invalid,
    items,
    needed,
    nested,
    number,
    refuse,
    text,
    url,
    when,
)
from local.simulator.protocol.kling.shots import CAMERA, MOTION_BRUSH, MULTI_SHOT, VOICES, is_customised

COMMON = (
    text("model_name", "external_task_id"),
    url("callback_url"),
    nested("watermark_info", flag("enabled")),
)
_PROMPTS = text("prompt", "negative_prompt")
_PROMPT = (needed("prompt"), _PROMPTS)
_RATIO = choice("aspect_ratio", "16:9", "9:16", "1:1")
_PICTURE_RATIO = choice("aspect_ratio", "16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9")
_COUNT = number("n", 1, 9, whole=True)
_MODE = choice("mode", "std", "pro", "4k")
_CFG = number("cfg_scale", 0, 1)
_FIVE_OR_TEN = choice("duration", "5", "10")
_LONGER = choice("duration", *(str(seconds) for seconds in range(3, 16)))
_BY_MODEL = (
    when(equals("model_name", "kling-v3"), _LONGER),
    when(lambda body: body.get("model_name") != "kling-v3", _FIVE_OR_TEN),
)
_ELEMENTS = needed("element_id")
_CLIP = (_PROMPTS, _MODE, _CFG, choice("sound", "on", "off"), *_BY_MODEL, *MULTI_SHOT, *VOICES, *CAMERA)
SOURCE = (exactly_one("video_id", "video_url"), url("video_url"))
VIDEO_MODELS = tuple(f"kling-{version}" for version in ("v1", "v1-6", "v2-master", "v2-1-master", "v2-5-turbo", "v2-6", "v3"))
IMAGE_MODELS = tuple(f"kling-{version}" for version in ("v1", "v1-5", "v2", "v2-new", "v2-1", "v3"))

IMAGES = (
    *_PROMPT,
    image("image"),
    when(has("image"), when(has("negative_prompt"), refuse("negative_prompt is not supported with image"))),
    when(has("image_reference"), needed("image"), choice("image_reference", "subject", "face")),
    when(equals("model_name", "kling-v1-5"), when(has("image"), needed("image_reference"))),
    number("image_fidelity", 0, 1),
    number("human_fidelity", 0, 1),
    items("element_list", 1, 10, _ELEMENTS),
    choice("resolution", "1k", "2k"),
    _COUNT,
    _PICTURE_RATIO,
)
TEXT_VIDEO = (when(lambda body: not is_customised(body), needed("prompt")), *_CLIP, _RATIO)
IMAGE_VIDEO = (
    when(lambda body: not (given(body, "image") or given(body, "image_tail")), needed("image")),
    image("image", "image_tail", "static_mask"),
    at_most_one(("image_tail",), ("static_mask", "dynamic_masks"), ("camera_control",)),
    *MOTION_BRUSH,
    items("element_list", 1, 3, _ELEMENTS),
    at_most_one(("element_list",), ("voice_list",)),
    *_CLIP,
)
_SPEECH = (
    needed("text", "voice_id", "voice_language"),
    text("text", limit=120),
    choice("voice_language", "zh", "en"),
    number("voice_speed", 0.8, 2.0),
)
_SOUND = (
    needed("audio_type"),
    choice("audio_type", "file", "url"),
    when(equals("audio_type", "file"), needed("audio_file"), audio("audio_file")),
    when(equals("audio_type", "url"), needed("audio_url"), url("audio_url")),
)
_LIP_SYNC_INPUT = (
    *SOURCE,
    needed("mode"),
    choice("mode", "text2video", "audio2video"),
    when(equals("mode", "text2video"), *_SPEECH),
    when(equals("mode", "audio2video"), *_SOUND),
)
LIP_SYNC = (needed("input"), nested("input", *_LIP_SYNC_INPUT))
_FACE = (
    needed("face_id", "sound_start_time", "sound_end_time", "sound_insert_time"),
    exactly_one("audio_id", "sound_file"),
    number("sound_volume", 0, 2),
    number("original_audio_volume", 0, 2),
)
OMNI = (
    *(_PROMPTS, *MULTI_SHOT, _RATIO, _LONGER, _MODE, choice("sound", "on", "off")),
    items("image_list", 1, 7, needed("image_url"), image("image_url"), choice("type", "first_frame", "end_frame")),
    items("video_list", 1, 1, needed("video_url"), url("video_url"), choice("refer_type", "feature", "base")),
)
MOTION = (
    needed("image_url", "video_url", "character_orientation", "mode"),
    *(image("image_url"), url("video_url"), choice("character_orientation", "image", "video"), _MODE, _PROMPTS),
    *(choice("keep_original_sound", "yes", "no"), items("element_list", 1, 1, _ELEMENTS)),
)
EFFECTS = (
    needed("effect_scene", "input"),
    nested("input", exactly_one("image", "images"), needed("duration"), _FIVE_OR_TEN, _MODE),
)
ELEMENTS_EDIT = (
    *(
        needed("session_id", "edit_mode"),
        *_PROMPT,
        choice("edit_mode", "addition", "swap", "removal"),
        _MODE,
        _FIVE_OR_TEN,
    ),
    when(equals("edit_mode", "addition"), needed("image_list"), items("image_list", 1, 2)),
    when(equals("edit_mode", "swap"), needed("image_list"), items("image_list", 1, 1)),
    when(equals("edit_mode", "removal"), when(has("image_list"), refuse("image_list is not supported by removal"))),
)
MANY_IMAGES = (
    needed("image_list"),
    *_PROMPT,
    items("image_list", 1, 4, needed("image"), image("image")),
    _MODE,
    _FIVE_OR_TEN,
    _RATIO,
)
IMAGES_OF_SUBJECTS = (
    needed("subject_image_list"),
    items("subject_image_list", 1, 4, needed("subject_image"), image("subject_image")),
    image("scene_image", "style_image"),
    _PROMPTS,
    _COUNT,
    _PICTURE_RATIO,
)


def _grows_at_most_threefold(body: Body) -> None:
    up, down, left, right = (body[side] for side in _SIDES)
    if (1 + up + down) * (1 + left + right) > 3:
        raise invalid("the expanded image must not be larger than 3 times the original")


_SIDES = tuple(f"{side}_expansion_ratio" for side in ("up", "down", "left", "right"))
OMNI_IMAGE = (
    *(
        *_PROMPT,
        items("image_list", 1, 10, needed("image"), image("image")),
        choice("resolution", "1k", "2k", "4k"),
        _COUNT,
    ),
    *(choice("result_type", "single", "series"), when(lambda body: body.get("aspect_ratio") != "auto", _PICTURE_RATIO)),
)
EXPAND = (
    needed("image", *_SIDES),
    image("image"),
    *(number(side, 0, 2) for side in _SIDES),
    _grows_at_most_threefold,
    _PROMPTS,
    _COUNT,
)
AVATAR = (needed("image"), image("image"), exactly_one("audio_id", "sound_file"), _PROMPTS, _MODE)
SOUND_OF_VIDEO = (*SOURCE, text("sound_effect_prompt", "bgm_prompt", limit=200), flag("asmr_mode"))
VOICE = (needed("voice_name"), text("voice_name", limit=20), exactly_one("video_id", "voice_url"), url("voice_url"))
TO_AUDIO = (needed("prompt", "duration"), text("prompt", limit=200), number("duration", 3, 10))
EXTEND = (needed("video_id"), _PROMPTS, _CFG)
TRY_ON = (needed("human_image", "cloth_image"), image("human_image", "cloth_image"))
TRY_ON_MODELS = ("kolors-virtual-try-on-v1", "kolors-virtual-try-on-v1-5")
ADVANCED = (needed("session_id", "face_choose"), items("face_choose", 1, 1, *_FACE))
