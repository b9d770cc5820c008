"""FakeDocuments: what is kept verbatim, in dictionaries."""

from dataclasses import dataclass

BUCKET = "results"


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A callback that could not be understood. `at` in ms."""

    task_id: str
    body: bytes
    reason: str
    at: int


class FakeDocuments:
    """DocumentStore."""

    def __init__(self) -> None:
        self.requests: dict[str, bytes] = {}
        self.callbacks: dict[str, bytes] = {}
        self.quarantined: dict[str, Quarantined] = {}

    def put_request(self, name: str, body: bytes) -> str:
        """`requests/{name}.json`."""
        key = f"requests/{name}.json"
        self.requests[key] = body
        return key

    def get_request(self, key: str) -> bytes:
        """KeyError for one that was never kept."""
        return self.requests[key]

    def put_callback(self, task_id: str, body: bytes) -> None:
        """The first document stays."""
        self.callbacks.setdefault(task_id, body)

    def quarantine(self, task_id: str, body: bytes, *, reason: str, at: int) -> tuple[str, str]:
        """A key for each."""
        key = f"quarantine/{task_id}/{at}-{len(self.quarantined):016x}"
        self.quarantined[key] = Quarantined(task_id, body, reason, at)
        return BUCKET, key
