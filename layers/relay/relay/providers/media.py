"""The mark of a field that takes a file, for request models of all providers."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Media:
    """Stands in the annotation of every field that takes a file: what kind, and the ways to give it besides an upload."""

    kind: Literal["image", "video", "audio"]
    url: bool = True
    base64: bool = True
