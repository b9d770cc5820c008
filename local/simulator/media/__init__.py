"""Generated media files for results."""

from functools import lru_cache

from local.simulator.media.audio import mp3, wav
from local.simulator.media.file import MediaFile
from local.simulator.media.images import jpeg, png
from local.simulator.media.video import mp4

__all__ = ["MediaFile", "make_media"]

_MAKERS = {"png": png, "jpg": jpeg, "mp4": mp4, "mp3": mp3, "wav": wav}


@lru_cache(maxsize=128)
def make_media(extension: str, seed: str, size: int) -> MediaFile:
    """The file with this extension and seed. It has `size` bytes, or more if the format needs more."""
    return _MAKERS[extension](seed, size)
