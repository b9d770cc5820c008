"""A valid MP4 of any size: ftyp, moov and an mdat whose filler follows one Motion-JPEG frame (ISO/IEC 14496-12)."""

import struct

from local.simulator.media.file import MediaFile, Part, noise, whole
from local.simulator.media.images import jpeg_frame

_WIDTH, _HEIGHT = 1280, 720
_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_LARGEST_SHORT_BOX = 2**32 - 1


def mp4(seed: str, size: int, seconds: int = 5) -> MediaFile:
    """A video of `seconds` samples, one second each. All show the same frame, which is at the start of mdat."""
    frame = jpeg_frame(seed, _WIDTH, _HEIGHT)
    start = _box(b"ftyp", b"isom", struct.pack(">I", 512), b"isomiso2mp41")
    before = len(start) + len(_moov(len(frame), 0, seconds))
    long = size - before > _LARGEST_SHORT_BOX
    data_at = before + (16 if long else 8)
    filler = max(size - data_at - len(frame), 0)
    length = data_at - before + len(frame) + filler
    opening = struct.pack(">I4sQ", 1, b"mdat", length) if long else struct.pack(">I4s", length, b"mdat")
    head = start + _moov(len(frame), data_at, seconds) + opening + frame
    return MediaFile("video/mp4", (whole(head), Part(noise(seed), filler)))


def _moov(frame_bytes: int, offset: int, seconds: int) -> bytes:
    header = _full(b"mvhd", 0, struct.pack(">5IH10x", 0, 0, 1, seconds, 0x10000, 0x100), _MATRIX, bytes(24), b"\0\0\0\x02")
    return _box(b"moov", header, _track(frame_bytes, offset, seconds))


def _track(frame_bytes: int, offset: int, seconds: int) -> bytes:
    sides = struct.pack(">II", _WIDTH << 16, _HEIGHT << 16)
    header = _full(b"tkhd", 3, struct.pack(">3I4xI8x8x", 0, 0, 1, seconds), _MATRIX, sides)
    media = _box(
        b"mdia",
        _full(b"mdhd", 0, struct.pack(">4IHH", 0, 0, 1, seconds, 0x55C4, 0)),
        _full(b"hdlr", 0, bytes(4), b"vide", bytes(12), b"VideoHandler\0"),
        _box(
            b"minf",
            _full(b"vmhd", 1, bytes(8)),
            _box(b"dinf", _full(b"dref", 0, b"\0\0\0\x01", _full(b"url ", 1))),
            _samples(frame_bytes, offset, seconds),
        ),
    )
    return _box(b"trak", header, media)


def _samples(frame_bytes: int, offset: int, seconds: int) -> bytes:
    return _box(
        b"stbl",
        _full(b"stsd", 0, b"\0\0\0\x01", _sample_entry(frame_bytes)),
        _full(b"stts", 0, struct.pack(">III", 1, seconds, 1)),
        _full(b"stsc", 0, struct.pack(">IIII", 1, 1, 1, 1)),
        _full(b"stsz", 0, struct.pack(">II", frame_bytes, seconds)),
        _full(b"co64", 0, struct.pack(">I", seconds), struct.pack(">Q", offset) * seconds),
    )


def _sample_entry(frame_bytes: int) -> bytes:
    picture = struct.pack(">6xH16xHHII4xH32xHH", 1, _WIDTH, _HEIGHT, 0x480000, 0x480000, 1, 24, 0xFFFF)
    config = (
        struct.pack(">BB", 0x6C, 0x11) + frame_bytes.to_bytes(3, "big") + struct.pack(">II", frame_bytes * 8, frame_bytes * 8)
    )
    stream = struct.pack(">HB", 1, 0) + _descriptor(4, config) + _descriptor(6, b"\x02")
    return _box(b"mp4v", picture, _full(b"esds", 0, _descriptor(3, stream)))


def _descriptor(tag: int, payload: bytes) -> bytes:
    return bytes((tag, len(payload))) + payload


def _box(kind: bytes, *payload: bytes) -> bytes:
    content = b"".join(payload)
    return struct.pack(">I4s", len(content) + 8, kind) + content


def _full(kind: bytes, flags: int, *payload: bytes) -> bytes:
    return _box(kind, struct.pack(">I", flags), *payload)
