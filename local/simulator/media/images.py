"""Valid PNG and JPEG files of any size, padded where each format allows it."""

import hashlib
import struct
import zlib

from local.simulator.media.file import MediaFile, noise, padding, whole

_PNG_CHUNK_OVERHEAD = 12
_JPEG_COMMENT_OVERHEAD = 4
_JPEG_LARGEST_COMMENT = 65_537  # marker (2) and a 16-bit length that counts itself
_SIDE = 512


def png(seed: str, size: int) -> MediaFile:
    """A 512x512 RGB picture. The padding consists of private ancillary `raNd` chunks with correct checksums."""
    red, green, blue = _colour(seed)
    rows = b"".join(b"\0" + bytes((red, (green + row) % 256, blue)) * _SIDE for row in range(_SIDE))
    header = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 2, 0, 0, 0)
    head = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows, 1))
    tail = _chunk(b"IEND", b"")
    filler = noise(seed)
    pad = padding(
        size - len(head) - len(tail),
        len(filler) + _PNG_CHUNK_OVERHEAD,
        _PNG_CHUNK_OVERHEAD,
        lambda wanted: _chunk(b"raNd", filler[: wanted - _PNG_CHUNK_OVERHEAD]),
    )
    return MediaFile("image/png", (whole(head), *pad, whole(tail)))


def jpeg(seed: str, size: int) -> MediaFile:
    """A 512x512 grey picture. The padding consists of comment segments."""
    frame = jpeg_frame(seed, _SIDE, _SIDE)
    filler = noise(seed)
    pad = padding(
        size - len(frame),
        _JPEG_LARGEST_COMMENT,
        _JPEG_COMMENT_OVERHEAD,
        lambda wanted: _segment(0xFE, filler[: wanted - _JPEG_COMMENT_OVERHEAD]),
    )
    return MediaFile("image/jpeg", (whole(frame[:2]), *pad, whole(frame[2:])))


def jpeg_frame(seed: str, width: int, height: int) -> bytes:
    """A baseline JPEG of one shade of grey. Width and height, in pixels, must be multiples of 8."""
    level = 1 + _colour(seed)[0] % 127  # above mid-grey, so the difference is positive
    category = level.bit_length()
    blocks = (width // 8) * (height // 8)
    bits = "10" + format(level, "b") + "0" + "00" * (blocks - 1)
    bits += "1" * (-len(bits) % 8)
    scan = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
    return b"".join(
        (
            b"\xff\xd8",
            _segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"),
            _segment(0xDB, b"\0" + b"\x08" * 64),
            _segment(0xC0, struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\0"),
            _segment(0xC4, b"\0" + bytes((1, 1)) + bytes(14) + bytes((0, category))),
            _segment(0xC4, b"\x10" + bytes((1,)) + bytes(15) + b"\0"),
            _segment(0xDA, b"\x01\x01\0\0\x3f\0"),
            scan,
            b"\xff\xd9",
        )
    )


def _colour(seed: str) -> bytes:
    return hashlib.sha256(seed.encode()).digest()[:3]


def _chunk(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))


def _segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload
