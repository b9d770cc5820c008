"""PyPI's klingai-api, unmodified: every operation that it has, created and awaited, and what it makes of a refusal.

Runs in an environment of its own. Reads {url, accessKey, secretKey, wrong, image} as JSON, writes what came of it as JSON.
"""

import base64
import json
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import api
import exceptions
import requests

PROMPT = "A ginger cat watches the rain"
PATIENCE = 90.0

given = json.load(sys.stdin)
api.KlingAiAPI.base = given["url"]  # where its only host is written


def client(access_key: str, secret_key: str) -> Any:
    """A session; entering it asks for the account's costs."""
    return api.KlingAiAPI(access_key, secret_key)


def awaited(created: dict[str, Any], get: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    """The task when it is over: this client polls by hand."""
    end = time.monotonic() + PATIENCE
    while True:
        answer = get(created["data"]["task_id"])
        if answer["data"]["task_status"] in {"succeed", "failed"} or time.monotonic() > end:
            break
        time.sleep(0.25)
    files = [video["url"] for video in answer["data"].get("task_result", {}).get("videos", [])]
    return {"created": created["data"], "code": answer["code"], "data": answer["data"], "files": files}


def raised(act: Callable[[], Any]) -> dict[str, Any]:
    """What the client raises."""
    try:
        return {"answered": act()}
    except exceptions.KlingAPIException as error:
        return {"own": True, "name": type(error).__name__, "message": str(error)}
    except requests.HTTPError as error:
        body = error.response.json()
        return {"own": False, "name": "HTTPError", "httpStatus": error.response.status_code, **body}


def entered(access_key: str, secret_key: str) -> None:
    """Enter and leave a session."""
    with client(access_key, secret_key):
        pass


outcome: dict[str, Any] = {"awaited": {}, "raised": {}, "listed": {}}
image = base64.b64encode(Path(given["image"]).read_bytes()).decode()
with client(given["accessKey"], given["secretKey"]) as kling:
    operations = {
        "videos/text2video": lambda: awaited(
            kling.text2video(PROMPT, negative_prompt="rain", aspect_ratio=api.AspectRatio.portrait), kling.get_text2video
        ),
        "videos/image2video": lambda: awaited(
            kling.image2video(image, prompt=PROMPT, model_name=api.Image2VideoModel.kling_v1_6, cfg_scale=0.4),
            kling.get_image2video,
        ),
    }
    for operation, run in operations.items():
        outcome["awaited"][operation] = run()
    outcome["listed"]["videos/text2video"] = kling.list_text2video(page_num=1, page_size=5)
    outcome["listed"]["videos/image2video"] = kling.list_image2video()
    once = f"interop-{uuid.uuid4().hex}"
    kling.text2video(PROMPT, external_task_id=once)
    outcome["raised"]["taken"] = raised(lambda: kling.text2video(PROMPT, external_task_id=once))
    outcome["raised"]["wrongField"] = raised(lambda: kling.text2video(PROMPT, cfg_scale=7))
    outcome["raised"]["unknownTask"] = raised(lambda: kling.get_image2video("no-such-task"))
    outcome["failedTask"] = awaited(kling.text2video("[risk] nothing that may be shown"), kling.get_text2video)
outcome["raised"]["wrongSecret"] = raised(lambda: entered(given["accessKey"], given["wrong"]))
outcome["raised"]["unknownKey"] = raised(lambda: entered("cra_nobody", given["wrong"]))
outcome["raised"]["noSession"] = raised(lambda: client("a", "b" * 32).get_text2video("x"))
json.dump(outcome, sys.stdout)
