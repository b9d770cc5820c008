"""The simulated result host: each file has bytes of its own, and URLs that die."""

from hashlib import sha256
from typing import Any

from relay.domain.errors import ResultError, ResultGoneError
from tests.simulation.faults import Decisions, Fault
from tests.simulation.scheduler import Scheduler
from tests.support.fakes.provider import ProviderTask
from tests.support.fakes.results import FakeOpenResult, FakeResultSource

_HTML = b"<html>please wait</html>" * 100
_CHANCES = (
    (Fault.URL_EXPIRED, 0.12),
    (Fault.BROKEN_OFF, 0.06),
    (Fault.TRUNCATED, 0.06),
    (Fault.WRONG_TYPE, 0.06),
    (Fault.HOST_DOWN, 0.06),
    (Fault.TAKES_LONG, 0.06),
)


class SimulatedResults(FakeResultSource):
    """FakeResultSource with faults."""

    def __init__(self, decisions: Decisions, scheduler: Scheduler) -> None:
        super().__init__()
        self.truth: dict[tuple[str, int], bytes] = {}
        """The bytes by our task's id and the number of the file."""
        self.entries: dict[str, dict[str, Any]] = {}
        """The entry of the provider's document that names a URL."""
        self.lost: set[str] = set()
        """Tasks of ours with a file that can never be stored."""
        self._decisions = decisions
        self._scheduler = scheduler

    def made(self, task: ProviderTask, number: int) -> str:
        """A new file of a task; returns its URL."""
        name = f"{task.external_task_id[:6]}-{number}"
        url = f"https://results.example/{name}"
        mark = sha256(f"{task.external_task_id} {number}".encode()).digest()
        body = b"\x00\x00\x00\x18ftypisom" + mark * 40
        if self._decisions.strikes(Fault.NO_MEDIA, name, 0.05):
            body = _HTML
            self.lost.add(task.external_task_id)
        self.truth[task.external_task_id, number] = body
        if self._decisions.strikes(Fault.FILE_GONE, name, 0.05):
            self.lost.add(task.external_task_id)
        else:
            self.files[url] = body
        return url

    def open(self, url: str, *, seconds: float | None = None) -> FakeOpenResult:
        """With at most one fault."""
        place = self._decisions.visit(f"fetch {url}")
        fault = self._decisions.one_of(_CHANCES, place) if url in self.files else None
        body = self.files.get(url, b"")
        match fault:
            case Fault.URL_EXPIRED:
                self._expire(url)
                raise ResultGoneError("HTTP 403")
            case Fault.HOST_DOWN:
                raise ResultError("the host is down")
            case Fault.TAKES_LONG:
                self._scheduler.pause(round(self._decisions.between(f"length of {place}", 60_000, 240_000)))
            case Fault.WRONG_TYPE:
                return FakeOpenResult(_HTML, len(_HTML), None)
            case Fault.TRUNCATED if isinstance(body, bytes):
                return FakeOpenResult(body[:1000], len(body), None)
            case Fault.BROKEN_OFF if isinstance(body, bytes):
                return FakeOpenResult(body, len(body), 1000)
        return super().open(url, seconds=seconds)

    def _expire(self, url: str) -> None:
        """The provider has the file at another URL from now on."""
        entry = self.entries.pop(url)
        entry["url"] = f"{url}+"
        self.entries[entry["url"]] = entry
        self.files[entry["url"]] = self.files.pop(url)
