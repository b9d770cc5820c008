"""The table of Kling's asynchronous operations. To add an operation, add an entry."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from local.simulator.account.tasks import Kind, Result, Task
from local.simulator.common.errors import ProviderError
from local.simulator.protocol.kling import bodies
from local.simulator.protocol.kling.rules import Body, Rule, given

_SERIES = 4
_EXTENDABLE = ("videos/text2video", "videos/image2video", "videos/video-extend")
_EXTENDABLE_MODELS = ("kling-v1", "kling-v1-5", "kling-v1-6", "")
_LONGEST_SECONDS = 180.0


@dataclass(frozen=True)
class Operation:
    """What a create path accepts and makes. Implements `account.tasks.Operation`."""

    path: str
    kind: Kind
    rules: tuple[Rule, ...]
    models: tuple[str, ...] = ()  # the first is the default; empty: the operation has no model
    pool: str = ""  # the resource pack whose slots the tasks hold; empty: that of the kind
    source: tuple[str, ...] = ()  # the path of the field that names an earlier video
    extends: bool = False  # the earlier video must be one that can be extended

    @property
    def action(self) -> str:
        """The name of the operation in wrapped responses, such as TEXT2VIDEO."""
        return self.path.rpartition("/")[2].upper().replace("-", "_")

    def count(self, body: Body) -> int:
        """How many results a task has, which is also how many slots it holds."""
        if is_series(body):
            amount = body.get("series_amount") or "auto"
            return _SERIES if amount == "auto" else int(amount)
        return int(body.get("n") or 1) if self.kind == "image" else 1

    def model(self, body: Body) -> str:
        """The model that the body names, or the default, or "" if the operation has no model."""
        return str(body.get("model_name") or (self.models[0] if self.models else ""))

    def check(self, body: Body) -> None:
        """Raise ProviderError for a body that the provider refuses."""
        for rule in (*bodies.COMMON, *self.rules):
            rule(body)
        if self.models and self.model(body) not in self.models:
            raise ProviderError(1203, f"model {self.model(body)} does not exist or is not supported by {self.path}")

    def source_id(self, body: Body) -> object | None:
        """The id of the earlier video that the body names; None: it names none."""
        for name in self.source[:-1]:
            body = body[name]
        return body[self.source[-1]] if self.source and given(body, self.source[-1]) else None

    def check_source(self, task: Task, result: Result) -> None:
        """Raise ProviderError if this operation extends videos and the result cannot be extended."""
        if not self.extends:
            return
        earlier = OPERATIONS[task.operation.path]
        if earlier.path not in _EXTENDABLE or earlier.model(task.body) not in _EXTENDABLE_MODELS:
            raise ProviderError(1201, f"Video {result.id} is not of an operation and model that can be extended")
        if float(result.duration) >= _LONGEST_SECONDS:
            raise ProviderError(1201, f"Video {result.id} is too long to be extended")


def is_series(body: Body) -> bool:
    """True if the task makes a series of pictures (images/omni-image)."""
    return body.get("result_type") == "series"


def _table(operations: Iterable[Operation]) -> dict[str, Operation]:
    return {operation.path: operation for operation in operations}


OPERATIONS: Final = _table(
    (
        Operation("images/generations", "image", bodies.IMAGES, bodies.IMAGE_MODELS),
        Operation("images/kolors-virtual-try-on", "image", bodies.TRY_ON, bodies.TRY_ON_MODELS, pool="try-on"),
        Operation(
            "images/multi-image2image",
            "image",
            bodies.IMAGES_OF_SUBJECTS,
            ("kling-v2", "kling-v2-1"),
        ),
        Operation("images/omni-image", "image", bodies.OMNI_IMAGE, ("kling-image-o1", "kling-v3-omni")),
        Operation("images/editing/expand", "image", bodies.EXPAND),
        Operation("videos/text2video", "video", bodies.TEXT_VIDEO, bodies.VIDEO_MODELS),
        Operation("videos/image2video", "video", bodies.IMAGE_VIDEO, (*bodies.VIDEO_MODELS, "kling-v1-5", "kling-v2-1")),
        Operation("videos/multi-image2video", "video", bodies.MANY_IMAGES, ("kling-v1-6",)),
        Operation("videos/video-extend", "video", bodies.EXTEND, source=("video_id",), extends=True),
        Operation("videos/lip-sync", "video", bodies.LIP_SYNC, source=("input", "video_id")),
        Operation("videos/advanced-lip-sync", "video", bodies.ADVANCED),
        Operation("videos/omni-video", "video", bodies.OMNI, ("kling-video-o1", "kling-v3-omni")),
        Operation("videos/motion-control", "video", bodies.MOTION, ("kling-v2-6", "kling-v3")),
        Operation("videos/effects", "video", bodies.EFFECTS),
        Operation("videos/avatar/image2video", "video", bodies.AVATAR),
        Operation("videos/multi-elements", "video", bodies.ELEMENTS_EDIT, ("kling-v1-6",)),
        Operation("audio/text-to-audio", "audio", bodies.TO_AUDIO),
        Operation("audio/video-to-audio", "audio", bodies.SOUND_OF_VIDEO, source=("video_id",)),
        # The relay does not know this operation and forwards it untyped.
        Operation("general/custom-voices", "voice", bodies.VOICE, pool="audio"),
    )
)
