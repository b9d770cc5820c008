"""The type of a file by its first bytes: the announced type is not trusted."""

_PREFIXES = (
    (b"\x89PNG\r\n\x1a\n", "image/png", "png"),
    (b"\xff\xd8\xff", "image/jpeg", "jpg"),
    (b"GIF8", "image/gif", "gif"),
    (b"ID3", "audio/mpeg", "mp3"),
    (b"OggS", "audio/ogg", "ogg"),
    (b"fLaC", "audio/flac", "flac"),
    (b"\x1a\x45\xdf\xa3", "video/webm", "webm"),
)
_RIFF = {b"WAVE": ("audio/wav", "wav"), b"WEBP": ("image/webp", "webp"), b"AVI ": ("video/x-msvideo", "avi")}
_BRANDS = {b"M4A ": ("audio/mp4", "m4a"), b"qt  ": ("video/quicktime", "mov"), b"avif": ("image/avif", "avif"),
           b"heic": ("image/heic", "heic")}  # fmt: skip


def sniffed(head: bytes) -> tuple[str, str] | None:
    """Media type and extension of a file that begins with `head` (16 bytes are enough); None if it is not a media file."""
    for prefix, media_type, extension in _PREFIXES:
        if head.startswith(prefix):
            return media_type, extension
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12])
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], ("video/mp4", "mp4"))
    return _mpeg_audio(head)


def _mpeg_audio(head: bytes) -> tuple[str, str] | None:
    """MP3 and AAC frames without a tag begin with eleven or twelve set bits, and valid fields after them.

    Layer I does not count as audio: it is not in use, and the byte order mark of UTF-16 looks like it.
    """
    if len(head) < 2 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    if head[1] & 0xF6 == 0xF0:
        return "audio/aac", "aac"
    return ("audio/mpeg", "mp3") if head[1] & 0x06 in {0x02, 0x04} and head[1] & 0x18 != 0x08 else None
