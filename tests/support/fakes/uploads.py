"""FakeUploads: clients' files as bytes in a dictionary."""

from relay.adapters.s3.media import sniffed
from relay.ports import PresignedPut, UploadedFile


class FakeUploads:
    """UploadStore; `files` by key, put there by whoever plays the client."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def put(self, key: str, *, media_type: str, size: int, sha256: str | None, seconds: int) -> PresignedPut:
        """Recognisably signed."""
        return PresignedPut(f"https://uploads.example/{key}?{size}&{sha256}&{seconds}", {"Content-Type": media_type})

    def look(self, key: str) -> UploadedFile | None:
        """By the first bytes."""
        if key not in self.files:
            return None
        kind = sniffed(self.files[key][:16])
        return UploadedFile(len(self.files[key]), kind[0] if kind else None)

    def url(self, key: str, *, seconds: int) -> str:
        """Recognisably signed."""
        return f"https://uploads.example/{key}?{seconds}"

    def read(self, key: str) -> bytes | None:
        """The file itself."""
        return self.files.get(key)
