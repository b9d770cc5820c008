"""What a file is, by its first bytes."""

import pytest

from relay.adapters.s3.media import sniffed

KNOWN = {
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR": ("image/png", "png"),
    b"\xff\xd8\xff\xe0\0\x10JFIF": ("image/jpeg", "jpg"),
    b"GIF89a": ("image/gif", "gif"),
    b"GIF87a": ("image/gif", "gif"),
    b"RIFF\x24\0\0\0WEBPVP8 ": ("image/webp", "webp"),
    b"RIFF\x24\0\0\0WAVEfmt ": ("audio/wav", "wav"),
    b"RIFF\x24\0\0\0AVI LIST": ("video/x-msvideo", "avi"),
    b"\0\0\0\x18ftypmp42\0\0\0\0": ("video/mp4", "mp4"),
    b"\0\0\0\x20ftypisom\0\0\x02\0": ("video/mp4", "mp4"),
    b"\0\0\0\x14ftypqt  \0\0\0\0": ("video/quicktime", "mov"),
    b"\0\0\0\x20ftypM4A \0\0\0\0": ("audio/mp4", "m4a"),
    b"\0\0\0\x20ftypavif\0\0\0\0": ("image/avif", "avif"),
    b"\0\0\0\x20ftypheic\0\0\0\0": ("image/heic", "heic"),
    b"\x1a\x45\xdf\xa3\x9fB\x86\x81": ("video/webm", "webm"),
    b"ID3\x04\0\0\0\0\0\x21": ("audio/mpeg", "mp3"),
    b"\xff\xfb\x90\x64\0\0": ("audio/mpeg", "mp3"),
    b"\xff\xf3\x84\xc4": ("audio/mpeg", "mp3"),
    b"\xff\xf1\x50\x80\x2f\xff": ("audio/aac", "aac"),
    b"\xff\xf9\x50\x80": ("audio/aac", "aac"),
    b"OggS\0\x02": ("audio/ogg", "ogg"),
    b"fLaC\0\0\0\x22": ("audio/flac", "flac"),
}
UNKNOWN = [
    b"",
    b"\0",
    b"\xff",
    b"\xff\xff",
    b"\xff\xfe<\0h\0t\0m\0l\0",  # UTF-16 text
    b"\xff\xe0\0\0",
    b"\xff\xea\0\0",
    b"<html><body>",
    b"<!DOCTYPE html>",
    b"<svg xmlns=",
    b"<?xml version=",
    b'{"code": 1203}',
    b"%PDF-1.7",
    b"PK\x03\x04\x14\0",
    b"\x1f\x8b\x08\0\0\0\0\0",
    b"\x7fELF\x02\x01\x01",
    b"MZ\x90\0",
    b"RIFF\x24\0\0\0ACON",
    b"RIFF",
    b"\0\0\0\x18fty",
    b"\x89PNG\n",
    b"#!/bin/sh\n",
]


@pytest.mark.parametrize(("head", "expected"), KNOWN.items())
def test_media_files_are_known_by_their_first_bytes(head: bytes, expected: tuple[str, str]) -> None:
    assert sniffed(head) == expected
    assert sniffed(head + b"anything after it") == expected


@pytest.mark.parametrize("head", UNKNOWN)
def test_anything_else_is_no_media_file(head: bytes) -> None:
    assert sniffed(head) is None
