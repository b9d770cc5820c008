"""One task of the provider: what was asked, how far it is, what it made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

from local.simulator.account.inputs import Input
from local.simulator.faults.rules import Fault
from local.simulator.media import MediaFile, make_media

type Kind = Literal["image", "video", "audio", "voice"]

RANKS: Final = {"submitted": 0, "processing": 1, "succeed": 2, "failed": 2}


@dataclass(frozen=True)
class Medium:
    """One result file: its name in the URL, and what it takes to make its bytes again."""

    name: str
    seed: str
    size: int

    def open(self) -> MediaFile:
        """The file itself."""
        return make_media(self.name.rpartition(".")[2], self.seed, self.size)


@dataclass(frozen=True)
class Result:
    """One entry of task_result; `media` maps the field that carries a URL to the file behind it."""

    index: int
    id: str
    duration: str
    media: Mapping[str, Medium]


class Operation(Protocol):
    """What the account needs to know about an operation of a provider."""

    @property
    def path(self) -> str:
        """The name, such as videos/text2video."""

    @property
    def kind(self) -> Kind:
        """What its tasks make."""

    @property
    def pool(self) -> str:
        """The resource pack whose concurrency slots its tasks hold; empty: that of the kind."""

    @property
    def extends(self) -> bool:
        """Whether its tasks lengthen an earlier video."""

    def count(self, body: Mapping[str, Any]) -> int:
        """How many results a task has, which is also how many slots it holds."""

    def check(self, body: Mapping[str, Any]) -> None:
        """Raise ProviderError for a body that the provider refuses."""

    def source_id(self, body: Mapping[str, Any]) -> object | None:
        """The id of the earlier video that the body names; None: it names none."""

    def check_source(self, task: "Task", result: Result) -> None:
        """Raise ProviderError if the operation cannot use this result of an earlier task."""


@dataclass
class Task:
    """A task in progress. Times are ms; `generation` numbers the URLs issued, those below `dead_below` are dead."""

    id: str
    operation: Operation
    body: Mapping[str, Any]
    created_at: int
    updated_at: int = 0
    status: str = "submitted"
    message: str = ""
    luck: float = 1.0  # below the failure rate, the task fails
    parent: "tuple[Task, Result] | None" = None
    faults: list[Fault] = field(default_factory=list)
    inputs: list[Input] = field(default_factory=list)
    results: tuple[Result, ...] = ()
    generation: int = 0
    dead_below: int = 0
    dead_status: int = 404

    @property
    def external_task_id(self) -> str:
        """The caller's own id, or ""."""
        return str(self.body.get("external_task_id") or "")

    @property
    def is_terminal(self) -> bool:
        """True once nothing more will happen."""
        return RANKS[self.status] == RANKS["succeed"]

    def fault(self, name: str, status: str = "") -> Fault | None:
        """The first fault of this name that the task has met, if it touches this status."""
        return next((each for each in self.faults if each.name == name and each.touches(status)), None)

    def moved(self, status: str, message: str, now: int) -> bool:
        """Move on to a later status; False and no change if it is not later."""
        if RANKS[status] <= RANKS[self.status]:
            return False
        self.status, self.message, self.updated_at = status, message, max(now, self.updated_at)
        return True

    def medium(self, name: str) -> Medium | None:
        """The result file of this name."""
        return next((each for result in self.results for each in result.media.values() if each.name == name), None)

    def kill_urls(self, status: int = 404, times: int = 1) -> None:
        """From now on the URLs issued answer `status`, and so do the next times - 1 generations."""
        self.dead_below, self.dead_status = self.generation + times, status

    def refresh_urls(self) -> None:
        """Issue a fresh generation of URLs if the present one is dead, as a query does."""
        if self.generation < self.dead_below:
            self.generation += 1
