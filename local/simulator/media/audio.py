"""Valid MP3 and WAV files of any size."""

import struct

from local.simulator.media.file import MediaFile, Part, noise, whole

_FRAME = b"\xff\xfb\x90\xc4" + bytes(413)  # MPEG-1 layer III, 128 kbit/s, 44.1 kHz, mono, silence: 417 bytes
_FRAMES = _FRAME * 157
_FEWEST_FRAMES = 38  # about one second: enough for every reader to recognise the format
_TAG_HEADER = 10
_WAV_HEADER = 44
_LARGEST_RIFF = 2**32 - 1


def mp3(seed: str, size: int) -> MediaFile:
    """Silent frames after an ID3v2.4 tag. The tag contains the seed, and padding that makes the size exact."""
    text = b"\x03" + seed.encode()
    title = b"TIT2" + _synchsafe(len(text)) + b"\0\0" + text
    frames, odd = divmod(max(size - _TAG_HEADER - len(title), _FEWEST_FRAMES * len(_FRAME)), len(_FRAME))
    tag = b"ID3\x04\0\0" + _synchsafe(len(title) + odd) + title + bytes(odd)
    return MediaFile("audio/mpeg", (whole(tag), Part(_FRAMES, frames * len(_FRAME))))


def wav(seed: str, size: int) -> MediaFile:
    """16-bit mono PCM. An odd size is rounded down. Above 4 GiB the header is RF64 (EBU Tech 3306)."""
    data = max(size - _WAV_HEADER, 2) & ~1
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 44_100, 88_200, 2, 16)
    if data + _WAV_HEADER > _LARGEST_RIFF:
        data -= 36
        sizes = struct.pack("<4sIQQQI", b"ds64", 28, data + 72, data, data // 2, 0)
        head = struct.pack("<4sI4s", b"RF64", 2**32 - 1, b"WAVE") + sizes + form + struct.pack("<4sI", b"data", 2**32 - 1)
    else:
        head = struct.pack("<4sI4s", b"RIFF", data + 36, b"WAVE") + form + struct.pack("<4sI", b"data", data)
    return MediaFile("audio/wav", (whole(head), Part(noise(seed), data)))


def _synchsafe(number: int) -> bytes:
    return bytes((number >> shift) & 0x7F for shift in (21, 14, 7, 0))
