"""A task as Kling shows it: in the create response, in queries and in callbacks."""

from typing import Any

from local.simulator.account.results import MakeUrl
from local.simulator.account.tasks import Result, Task
from local.simulator.protocol.kling.operations import OPERATIONS, is_series

_WRAPPED_STATUS = {"submitted": "SUBMITTED", "processing": "IN_PROGRESS", "succeed": "SUCCESS", "failed": "FAILURE"}
_PROGRESS = {"submitted": "0%", "processing": "50%"}


def envelope(request_id: str, data: object) -> dict[str, Any]:
    """The object around `data` in every successful response."""
    return {"code": 0, "message": "SUCCEED", "request_id": request_id, "data": data}


def created(task: Task) -> dict[str, Any]:
    """`data` of the create response. Its status is always submitted."""
    view: dict[str, Any] = {"task_id": task.id, "task_status": "submitted"}
    if task.external_task_id:
        view["task_info"] = {"external_task_id": task.external_task_id}
    return view | {"created_at": task.created_at, "updated_at": task.created_at}


def callback(task: Task, make_url: MakeUrl) -> dict[str, Any]:
    """The body of a callback: the task without envelope and without watermark_url."""
    view: dict[str, Any] = {"task_id": task.id, "task_status": task.status}
    if task.status != "submitted":
        view["task_status_msg"] = task.message
    if info := _info(task, make_url):
        view["task_info"] = info
    view |= {"created_at": task.created_at, "updated_at": task.updated_at}
    if task.status == "succeed":
        view["task_result"] = _task_result(task, make_url, watermark=False)
    return view


def queried(task: Task, make_url: MakeUrl) -> dict[str, Any]:
    """`data` of a query, and one element of `data` of a list query."""
    view: dict[str, Any] = {
        "task_id": task.id,
        "task_status": task.status,
        "task_status_msg": task.message,
        "task_info": _info(task, make_url),
        "task_result": _task_result(task, make_url, watermark=True) if task.status == "succeed" else {},
        "watermark_info": task.body.get("watermark_info") or {"enabled": False},
        "created_at": task.created_at,
        "updated_at": task.updated_at,
    }
    if task.status == "succeed":
        view["final_unit_deduction"] = str(task.operation.count(task.body))
    return view


def wrapped(task: Task, native: dict[str, Any]) -> dict[str, Any]:
    """CometAPI's response to a query until 2026-04-28: an object around Kling's own body. Times are in seconds."""
    started = task.updated_at // 1000 if task.status != "submitted" else 0
    data = {
        "task_id": task.id,
        "action": OPERATIONS[task.operation.path].action,
        "status": _WRAPPED_STATUS[task.status],
        "fail_reason": task.message if task.status == "failed" else "",
        "submit_time": task.created_at // 1000,
        "start_time": started,
        "finish_time": started if task.is_terminal else 0,
        "progress": _PROGRESS.get(task.status, "100%"),
        "data": native,
    }
    return {"code": "success", "message": "", "data": data}


def _info(task: Task, make_url: MakeUrl) -> dict[str, Any]:
    info: dict[str, Any] = {}
    if task.external_task_id:
        info["external_task_id"] = task.external_task_id
    if parent := _parent_video(task, make_url):
        info["parent_video"] = parent
    return info


def _task_result(task: Task, make_url: MakeUrl, *, watermark: bool) -> dict[str, Any]:
    """The object task_result: images, videos, audios or voices."""
    if not task.results:
        return {}
    entries = [_entry(task, result, make_url, watermark=watermark) for result in task.results]
    if task.operation.path == "images/omni-image":
        kind = "series" if is_series(task.body) else "single"
        return {"result_type": kind, "series_images" if kind == "series" else "images": entries}
    return {f"{task.operation.kind}s": entries}


def _parent_video(task: Task, make_url: MakeUrl) -> dict[str, str]:
    """The earlier video that the task uses."""
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
