"""The result files are valid, deterministic, of exactly the requested size, and readable by other programs."""

import struct
import zlib
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.simulator.media import MediaFile, make_media
from local.simulator.media.file import padding

KINDS = ("png", "jpg", "mp4", "mp3", "wav")
CONTAINERS = (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"stbl")


def content(media: MediaFile) -> bytes:
    return b"".join(media.read())


def boxes(data: bytes) -> dict[bytes, bytes]:
    """Every box by its type, walking down; fails unless the boxes fill their parents exactly."""
    found: dict[bytes, bytes] = {}
    at = 0
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        header = 8
        if size == 1:
            size, header = struct.unpack_from(">Q", data, at + 8)[0], 16
        assert header <= size <= len(data) - at
        inside = data[at + header : at + size]
        found |= {kind: inside} | (boxes(inside) if kind in CONTAINERS else {})
        at += size
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [60_000, 131_098, 1_000_002])
def test_a_file_is_exactly_as_large_as_asked_for(kind: str, size: int) -> None:
    assert len(content(make_media(kind, "t", size))) == make_media(kind, "t", size).size == size


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_depends_on_its_seed_and_on_nothing_else(kind: str) -> None:
    first = make_media(kind, "t:0", 30_000)
    make_media.cache_clear()
    assert make_media(kind, "t:0", 30_000).sha256() == first.sha256()
    assert make_media(kind, "t:1", 30_000).sha256() != first.sha256()


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_any_range_is_the_same_bytes_as_in_the_whole(kind: str, data: st.DataObject) -> None:
    media = make_media(kind, "t", 200_000)
    start = data.draw(st.integers(0, media.size))
    stop = data.draw(st.integers(start, media.size))
    assert b"".join(media.read(start, stop)) == content(media)[start:stop]


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_six_gigabytes_is_never_whole_in_memory(kind: str) -> None:
    media = make_media(kind, "t", 6 << 30)
    assert media.size == 6 << 30
    assert all(len(piece) <= 70_000 for piece in islice(media.read(), 200))
    assert sum(len(part.unit) for part in media.parts) < 1_000_000
    assert len(b"".join(media.read(media.size - 1_000))) == 1_000


@given(total=st.integers(0, 5_000), largest=st.integers(24, 400))
def test_padding_is_legal_pieces_that_add_up(total: int, largest: int) -> None:
    sizes: list[int] = []

    def wrap(size: int) -> bytes:
        sizes.append(size)
        return bytes(size)

    parts = padding(total, largest, 12, wrap)
    assert sum(part.length for part in parts) == (total if total >= 12 else 0)
    assert all(12 <= size <= largest for size in sizes)


def test_a_png_has_correct_checksums_and_all_its_pixels() -> None:
    data = content(make_media("png", "t", 200_000))
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    chunks, at = [], 8
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        payload = data[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", data, at + 8 + length)[0] == zlib.crc32(kind + payload)
        chunks.append((kind, payload))
        at += length + 12
    assert [kind for kind, _ in chunks] == [b"IHDR", b"IDAT", b"raNd", b"raNd", b"raNd", b"IEND"]
    assert len(zlib.decompress(chunks[1][1])) == 512 * (1 + 3 * 512)


def test_a_jpeg_is_segments_from_start_to_end_of_image() -> None:
    data = content(make_media("jpg", "t", 200_000))
    assert data[:2] == b"\xff\xd8"
    assert data[-2:] == b"\xff\xd9"
    markers: list[int] = []
    at = 2
    while not markers or markers[-1] != 0xDA:
        prefix, marker, length = struct.unpack_from(">BBH", data, at)
        assert prefix == 0xFF
        markers.append(marker)
        at += 2 + length
    assert markers == [0xFE] * 4 + [0xE0, 0xDB, 0xC0, 0xC4, 0xC4, 0xDA]
    assert 0xFF not in data[at:-2].replace(b"\xff\0", b"")


@pytest.mark.parametrize("size", [50_000, 1_000_000])
def test_an_mp4_is_boxes_whose_samples_lie_in_mdat(size: int) -> None:
    data = content(make_media("mp4", "t", size))
    found = boxes(data)
    assert list(found)[:2] == [b"ftyp", b"moov"]
    count = struct.unpack_from(">I", found[b"co64"], 4)[0]
    offsets = struct.unpack_from(f">{count}Q", found[b"co64"], 8)
    sample = struct.unpack_from(">I", found[b"stsz"], 4)[0]
    assert count == 5
    for offset in offsets:
        assert data[offset : offset + 3] == b"\xff\xd8\xff"
        assert data[offset + sample - 2 : offset + sample] == b"\xff\xd9"
        assert data.index(b"mdat") < offset <= len(data) - sample


def test_an_mp4_above_four_gigabytes_has_a_64_bit_mdat() -> None:
    media = make_media("mp4", "t", 5 << 30)
    head = b"".join(media.read(0, 20_000))
    at = head.index(b"mdat") - 4
    short, _, length = struct.unpack_from(">I4sQ", head, at)
    assert short == 1
    assert at + length == media.size
    assert head[at + 16 : at + 18] == b"\xff\xd8"


def test_an_mp3_is_a_tag_and_whole_frames() -> None:
    data = content(make_media("mp3", "t", 50_001))
    assert data[:3] == b"ID3"
    size = sum(byte << shift for byte, shift in zip(data[6:10], (21, 14, 7, 0), strict=True))
    frames = data[10 + size :]
    assert len(frames) % 417 == 0
    assert all(frames[at : at + 4] == b"\xff\xfb\x90\xc4" for at in range(0, len(frames), 417))


def test_a_wav_says_how_long_it_is() -> None:
    data = content(make_media("wav", "t", 50_000))
    assert struct.unpack_from("<4sI4s", data) == (b"RIFF", len(data) - 8, b"WAVE")
    assert struct.unpack_from("<4sI", data, 36) == (b"data", len(data) - 44)


def test_a_wav_above_four_gigabytes_says_so_in_its_ds64_chunk() -> None:
    media = make_media("wav", "t", 5 << 30)
    head = b"".join(media.read(0, 80))
    assert head[:4] == b"RF64"
    assert struct.unpack_from("<4sIQQ", head, 12) == (b"ds64", 28, media.size - 8, media.size - 80)
