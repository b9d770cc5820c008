"""Kling's synchronous operations: faces, selections, speech, recognition, and the account's costs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from local.simulator.account.account import Account
from local.simulator.protocol.kling import bodies
from local.simulator.protocol.kling.rules import Body, Rule, choice, image, items, needed, number, text

type MakeData = Callable[[Account, Body], dict[str, Any]]

_SESSION = (needed("session_id"), text("session_id"))
_POINTS = (
    *_SESSION,
    needed("frame_index", "points"),
    number("frame_index", 0, 100_000, whole=True),
    items("points", 1, 10, needed("x", "y"), number("x", 0, 1), number("y", 0, 1)),
)
_SPEECH = (
    needed("text", "voice_id", "voice_language"),
    text("text", limit=1000),
    choice("voice_language", "zh", "en"),
    number("voice_speed", 0.8, 2.0),
)


@dataclass(frozen=True)
class Endpoint:
    """The rules for a request body, and the function that makes `data` of the response."""

    rules: tuple[Rule, ...]
    make_data: MakeData

    def call(self, account: Account, body: Body) -> dict[str, Any]:
        """Check the body and return `data` of the response. Raises ProviderError."""
        for rule in self.rules if account.settings.strict else ():
            rule(body)
        account.answered_at_once += 1
        return self.make_data(account, body)


def costs(account: Account, asked: Mapping[str, str]) -> dict[str, Any]:
    """The account's resource pack: a thousand units, minus one for each task."""
    pack = {
        "resource_pack_name": "simulator",
        "resource_pack_id": "sim-pack",
        "resource_pack_type": "decreasing_total",
        "total_quantity": 1000.0,
        "remaining_quantity": 1000.0 - len(account.ledger.tasks),
        "effective_time": int(asked.get("start_time", 0)),
        "invalid_time": int(asked.get("end_time", 0)),
        "status": "online",
    }
    return {"code": 0, "msg": "success", "resource_pack_subscribe_infos": [pack]}


def _id(account: Account, kind: str) -> str:
    return account.randomness.uuid(f"{kind} {account.answered_at_once}")


def _faces(account: Account, _: Body) -> dict[str, Any]:
    face = {"face_id": "0", "face_image": f"{account.base_url}/faces/0.png", "start_time": 0, "end_time": 5000}
    return {"session_id": _id(account, "session"), "face_data": [face]}


def _session(account: Account, _: Body) -> dict[str, Any]:
    clip = {"fps": 24, "original_duration": 5000, "width": 1280, "height": 720, "total_frame": 120}
    return {"status": 0, "session_id": _id(account, "session"), **clip}


def _selected(_: Account, body: Body) -> dict[str, Any]:
    return {"status": 0, "session_id": body["session_id"], "res": {"frame_index": body.get("frame_index", 0)}}


def _speech(account: Account, body: Body) -> dict[str, Any]:
    identifier = _id(account, "speech")
    audio = {"id": identifier, "url": f"{account.base_url}/speech/{identifier}.mp3", "duration": str(len(body["text"]) / 10)}
    return {"task_result": {"audios": [audio]}}


def _recognized(account: Account, _: Body) -> dict[str, Any]:
    found = {"type": "object_seg", "is_contain": True, "url": f"{account.base_url}/recognized/{_id(account, 'part')}.png"}
    return {"task_result": {"images": [found]}}


SYNCHRONOUS: Final[dict[str, Endpoint]] = {
    "videos/identify-face": Endpoint(bodies.SOURCE, _faces),
    "videos/multi-elements/init-selection": Endpoint(bodies.SOURCE, _session),
    "videos/multi-elements/add-selection": Endpoint(_POINTS, _selected),
    "videos/multi-elements/delete-selection": Endpoint(_POINTS, _selected),
    "videos/multi-elements/clear-selection": Endpoint(_SESSION, _selected),
    "videos/multi-elements/preview-selection": Endpoint(_SESSION, _selected),
    "videos/image-recognize": Endpoint((needed("image"), image("image")), _recognized),
    "audio/tts": Endpoint(_SPEECH, _speech),
}
"""By path. The relay does not know videos/image-recognize: tests use it as an unknown synchronous operation."""
