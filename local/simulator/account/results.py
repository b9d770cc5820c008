"""The results that a successful task makes, and the signature of their URLs."""

import hashlib
from collections.abc import Callable

from local.simulator.account.tasks import Medium, Result, Task
from local.simulator.common.randomness import Randomness
from local.simulator.common.settings import Settings

type MakeUrl = Callable[[Task, Medium], str]

_EXTENSION_SECONDS = 5


def make_results(task: Task, settings: Settings, randomness: Randomness) -> tuple[Result, ...]:
    """The results of a successful task."""
    if task.fault("result_none"):
        return ()
    return tuple(_result(task, index, settings, randomness) for index in range(task.operation.count(task.body)))


def signature(seed: int, task_id: str, name: str, generation: int) -> str:
    """The part of a result URL that cannot be guessed."""
    return hashlib.sha256(f"{seed}/{task_id}/{name}/{generation}".encode()).hexdigest()[:24]


def _result(task: Task, index: int, settings: Settings, randomness: Randomness) -> Result:
    match task.operation.kind:
        case "image":
            extension = {"png": "png", "jpeg": "jpg"}[settings.image_type]
            files, size = {"url": f"{index}.{extension}"}, settings.image_bytes
        case "video":
            files, size = {"url": f"{index}.mp4"}, settings.video_bytes
        case "voice":
            files, size = {"trial_url": f"{index}.mp3"}, settings.audio_bytes
        case _:
            files, size = {"url_mp3": f"{index}.mp3", "url_wav": f"{index}.wav"}, settings.audio_bytes
    if (task.body.get("watermark_info") or {}).get("enabled") in (True, "true") and "url" in files:
        files["watermark_url"] = files["url"].replace(".", "-watermark.")
    if fault := task.fault("result_size"):
        size = fault.params["bytes"]
    media = {field: Medium(name, f"{task.id}:{name}", size) for field, name in files.items()}
    return Result(index, randomness.uuid(f"result {task.id} {index}"), _duration(task), media)


def _duration(task: Task) -> str:
    """The duration in seconds, as a decimal string."""
    if task.operation.extends and task.parent:
        return f"{float(task.parent[1].duration) + _EXTENSION_SECONDS:g}"
    nested = task.body.get("input")
    asked = task.body.get("duration") or (nested.get("duration") if isinstance(nested, dict) else None)
    return str(asked or (task.parent[1].duration if task.parent else "5"))
