"""A task at the provider: its request, status and results."""

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
    """One result file: its name in the URL, and the seed and size (bytes) from which its content is generated."""

    name: str
    seed: str
    size: int

    def open(self) -> MediaFile:
        """Generate the file."""
        return make_media(self.name.rpartition(".")[2], self.seed, self.size)


@dataclass(frozen=True)
class Result:
    """One entry of task_result. `media` maps each field that contains a URL to its file."""

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
    """A task. Times are in ms. `generation` counts the sets of URLs issued. Those below `dead_below` do not work."""

    id: str
    operation: Operation
    body: Mapping[str, Any]
    created_at: int
    updated_at: int = 0
    status: str = "submitted"
    message: str = ""
    failure_draw: float = 1.0  # the task fails if this is below the failure rate
    parent: "tuple[Task, Result] | None" = None
    faults: list[Fault] = field(default_factory=list)
    inputs: list[Input] = field(default_factory=list)
    results: tuple[Result, ...] = ()
    generation: int = 0
    dead_below: int = 0
    dead_status: int = 404

    @property
    def external_task_id(self) -> str:
        """The client's own id, or ""."""
        return str(self.body.get("external_task_id") or "")

    @property
    def is_terminal(self) -> bool:
        """True if the status is final."""
        return RANKS[self.status] == RANKS["succeed"]

    def fault(self, name: str, status: str = "") -> Fault | None:
        """The task's first fault of this name that applies to this status, or None."""
        return next((each for each in self.faults if each.name == name and each.applies_to(status)), None)

    def move_to(self, status: str, message: str, now: int) -> bool:
        """Change to a later status. Returns False and changes nothing if the status is not later."""
        if RANKS[status] <= RANKS[self.status]:
            return False
        self.status, self.message, self.updated_at = status, message, max(now, self.updated_at)
        return True

    def medium(self, name: str) -> Medium | None:
        """The result file with this name, or None."""
        return next((each for result in self.results for each in result.media.values() if each.name == name), None)

    def kill_urls(self, status: int = 404, times: int = 1) -> None:
        """Make the URLs issued so far respond with `status`, and the next `times` - 1 generations too."""
        self.dead_below, self.dead_status = self.generation + times, status

    def refresh_urls(self) -> None:
        """Issue new URLs if the current ones do not work. A query does this."""
        if self.generation < self.dead_below:
            self.generation += 1
