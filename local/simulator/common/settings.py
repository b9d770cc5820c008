"""The simulator's settings: their defaults, and how they change while it runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

from local.simulator.common.errors import AdminError


@dataclass(frozen=True)
class Settings:
    """The fields of `POST /_admin/settings`. Sizes are in bytes, times in seconds before they are divided by `speed`."""

    speed: float = 1.0  # 0: tasks move only by POST /_admin/tasks/{id}/advance
    submitted_seconds: float = 1.0
    processing_seconds: float = 4.0
    failure_rate: float = 0.0
    failure_message: str = "Internal generation error"
    verdicts: dict[str, str] = field(default_factory=dict)  # operation or "*" -> succeed | failed
    concurrency: dict[str, int] = field(default_factory=dict)  # video | image | try-on | audio or "*" -> slots
    wrapped_queries: bool = False
    strict: bool = True  # False: every body is accepted
    unique_external_ids: bool = True
    image_type: str = "png"
    image_bytes: int = 60_000
    video_bytes: int = 1_000_000
    audio_bytes: int = 80_000
    seed_video_id: str = "sim-video-0000"
    callback_timeout_seconds: float = 10.0
    callback_hosts: list[str] = field(default_factory=list)  # in addition to loopback, which is always allowed
    options: dict[str, Any] = field(default_factory=dict)  # switches of single providers, by their names
    result_base_url: str = ""  # the start of result URLs; empty: the simulator's own address

    def changed(self, patch: Mapping[str, Any]) -> Self:
        """A copy with the settings in `patch` replaced. Raises AdminError for an unknown name or a wrong value."""
        known = {each.name for each in fields(self)}
        for name, value in patch.items():
            if name not in known:
                raise AdminError(f"unknown setting {name}; known: {', '.join(sorted(known))}")
            _check(name, value, getattr(Settings(), name))
        if patch.get("image_type", "png") not in ("png", "jpeg"):
            raise AdminError("image_type must be png or jpeg")
        return replace(self, **patch)


def _check(name: str, value: object, default: object) -> None:
    """Raise AdminError for a value of another type than the default, and for a negative number."""
    wanted: type | tuple[type, ...] = (int, float) if isinstance(default, float) else type(default)
    if not isinstance(value, wanted) or isinstance(value, bool) is not isinstance(default, bool):
        raise AdminError(f"{name} must be of type {type(default).__name__}")
    if isinstance(value, int | float) and value < 0:
        raise AdminError(f"{name} must not be negative")
