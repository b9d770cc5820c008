"""The tasks that the demo submits: one of each kind, and one that fails at the provider."""

from dataclasses import dataclass
from typing import Any

_PERSON = "https://example.com/person.jpg"
_COAT = "https://example.com/coat.png"


@dataclass(frozen=True, slots=True)
class Step:
    """One task of the demo."""

    title: str
    operation: str
    body: dict[str, Any]
    final_status: str = "succeed"


FIRST = (
    Step("Generating images", "images/generations", {"prompt": "A ginger cat on a window sill, watercolour", "n": 2}),
    Step("Text to video", "videos/text2video", {"prompt": "A ginger cat watches the rain", "duration": "5"}),
    Step("Image to video", "videos/image2video", {"image": "https://example.com/cat.png", "prompt": "It yawns"}),
    Step("Virtual try-on", "images/kolors-virtual-try-on", {"human_image": _PERSON, "cloth_image": _COAT}),
    Step("Text to audio", "audio/text-to-audio", {"prompt": "Rain on a window, a cat purrs", "duration": 5.0}),
    Step("Failed by the provider", "videos/text2video", {"prompt": "[risk] what its risk control stops"}, "failed"),
)


def second(video_id: str) -> tuple[Step, ...]:
    """The tasks that use a video of a first task."""
    speech = {"video_id": video_id, "mode": "text2video", "text": "It rains again.", "voice_id": "girlfriend_1_speech02"}
    return (
        Step("Video extension", "videos/video-extend", {"video_id": video_id, "prompt": "The sun comes out"}),
        Step("Lip sync", "videos/lip-sync", {"input": {**speech, "voice_language": "en"}}),
    )
