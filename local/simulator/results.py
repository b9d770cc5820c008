"""What a succeeding task makes, and the URLs under which it is handed out."""

import hashlib
from collections.abc import Callable
from typing import Any

from local.simulator.dice import Dice
from local.simulator.operations import is_series
from local.simulator.settings import Settings
from local.simulator.tasks import Medium, Result, Task

type MakeUrl = Callable[[Task, Medium], str]

_EXTENSION_SECONDS = 5


def make_results(task: Task, settings: Settings, dice: Dice) -> tuple[Result, ...]:
    """The results that the task's request asks for."""
    if task.fault("result_none"):
        return ()
    return tuple(_result(task, index, settings, dice) for index in range(task.operation.count(task.body)))


def signature(seed: int, task_id: str, name: str, generation: int) -> str:
    """What makes a result URL unguessable."""
    return hashlib.sha256(f"{seed}/{task_id}/{name}/{generation}".encode()).hexdigest()[:24]


def task_result(task: Task, make_url: MakeUrl, *, watermark: bool) -> dict[str, Any]:
    """The task_result object of the protocol: images, videos, audios or voices."""
    if not task.results:
        return {}
    entries = [_entry(task, result, make_url, watermark=watermark) for result in task.results]
    if task.operation.path == "images/omni-image":
        kind = "series" if is_series(task.body) else "single"
        return {"result_type": kind, "series_images" if kind == "series" else "images": entries}
    return {f"{task.operation.kind}s": entries}


def parent_video(task: Task, make_url: MakeUrl) -> dict[str, str]:
    """The earlier video that the task was built upon."""
    if task.parent is None:
        return {}
    parent, result = task.parent
    return {"id": result.id, "url": make_url(parent, result.media["url"]), "duration": result.duration}


def _entry(task: Task, result: Result, make_url: MakeUrl, *, watermark: bool) -> dict[str, Any]:
    shown = {name: medium for name, medium in result.media.items() if watermark or name != "watermark_url"}
    urls = {name: make_url(task, medium) for name, medium in shown.items()}
    match task.operation.kind:
        case "image":
            return {"index": result.index, **urls}
        case "video":
            return {"id": result.id, **urls, "duration": result.duration}
        case "voice":
            return {"voice_id": result.id, "voice_name": task.body["voice_name"], **urls, "owned_by": "kling"}
    durations = {"duration_mp3": result.duration, "duration_wav": result.duration}
    source = {"video_id": task.parent[1].id} if task.parent else {}
    return {"id": result.id, **urls, **durations, **source}


def _result(task: Task, index: int, settings: Settings, dice: Dice) -> Result:
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
    return Result(index, dice.uuid(f"result {task.id} {index}"), _duration(task), media)


def _duration(task: Task) -> str:
    """Seconds as the provider writes them: a decimal string."""
    if task.operation.extends and task.parent:
        return f"{float(task.parent[1].duration) + _EXTENSION_SECONDS:g}"
    nested = task.body.get("input")
    asked = task.body.get("duration") or (nested.get("duration") if isinstance(nested, dict) else None)
    return str(asked or (task.parent[1].duration if task.parent else "5"))
