"""The provider's callbacks on their way: lost, late, overtaken, doubled, cut; and the forgeries among them."""

from relay.domain.errors import CallbackNotAuthenticError
from relay.usecases.apply import Outcome
from tests.simulation.clients import PUBLIC_URL
from tests.simulation.faults import Decisions, Fault
from tests.simulation.functions import Container, Functions
from tests.simulation.invariants import Invariants, must
from tests.simulation.queues import Ended
from tests.simulation.scheduler import Scheduler
from tests.support.fakes.documents import FakeDocuments
from tests.support.fakes.provider import ProviderTask

_UNRENEWABLE = 10_000
"""Milliseconds: a container that read the secret so recently does not read it again for a token that does not fit."""
_ATTEMPTS = 3


class Callbacks:
    """Carries callbacks from the provider to the function."""

    def __init__(
        self,
        functions: Functions,
        invariants: Invariants,
        documents: FakeDocuments,
        scheduler: Scheduler,
        decisions: Decisions,
    ) -> None:
        self.rotated_at = 0
        """When the secret was rotated last."""
        self._tokens: list[tuple[str, str]] = []
        self._retries = decisions.share("the provider repeats failed callbacks") < 0.5
        self._functions = functions
        self._invariants = invariants
        self._documents = documents
        self._scheduler = scheduler
        self._decisions = decisions

    def send(self, task: ProviderTask, body: bytes) -> None:
        """Send a callback, or not."""
        task_id, token = task.callback_url.removeprefix(f"{PUBLIC_URL}/callbacks/").split("/")
        name = self._decisions.visit(f"callback for {task_id[:6]}: {task.status}")
        self._attack(task_id, token, body)
        strikes, between = self._decisions.strikes, self._decisions.between
        if strikes(Fault.CALLBACK_DROPPED, name, 0.2):
            self._scheduler.say(f"! {Fault.CALLBACK_DROPPED}")
            return
        delay = between(f"way of {name}", 0.05, 2)
        if strikes(Fault.CALLBACK_DELAYED, name, 0.1):
            delay += between(f"delay of {name}", 60, 2400)
        elif strikes(Fault.CALLBACK_OVERTAKEN, name, 0.15):
            delay += between(f"delay of {name}", 30, 300)
        if strikes(Fault.CALLBACK_REPEATED, name, 0.15):
            self._later(delay + between(f"second {name}", 0, 120), task_id, token, body, f"{name}, again")
        if strikes(Fault.CALLBACK_MALFORMED, name, 0.1):
            body = body[: int(len(body) * between(f"cut of {name}", 0, 0.95))]
        self._later(delay, task_id, token, body, name)

    def _later(self, delay: float, task_id: str, token: str, body: bytes, name: str, attempt: int = 1) -> None:
        self._scheduler.after(delay, name, lambda: self._deliver(task_id, token, body, name, attempt))

    def _deliver(self, task_id: str, token: str, body: bytes, name: str, attempt: int) -> None:
        ended, container, _ = self._functions.receive(task_id, token, body, name)
        self._scheduler.say(f"{ended}")
        if isinstance(ended, Ended):
            if self._retries and attempt < _ATTEMPTS:
                self._later(20 * attempt, task_id, token, body, name, attempt + 1)
        elif isinstance(ended, CallbackNotAuthenticError):
            must(self._cannot_know(container), "a genuine callback gets in", f"{name} was refused")
        elif ended is Outcome.QUARANTINED:
            kept = [key for key, entry in self._documents.quarantined.items() if (entry.task_id, entry.body) == (task_id, body)]
            must(kept, "nothing received is lost", f"{name} is not in the quarantine")
            must(self._invariants.quarantined.intersection(kept), "nothing received is lost", f"{name} was not announced")

    def _cannot_know(self, container: Container) -> bool:
        """It read the secret a moment ago, yet before the rotation: forged tokens must not make it read on and on."""
        now = self._scheduler.clock.now
        return any(now - _UNRENEWABLE < read_at <= self.rotated_at for read_at in container.reads.values())

    def _attack(self, task_id: str, token: str, body: bytes) -> None:
        """A forgery in the wake of a callback: it must not get in."""
        name = task_id[:6]
        self._tokens.append((task_id, token))
        foreign = [other for owner, other in self._tokens if owner != task_id]
        if self._decisions.strikes(Fault.CALLBACK_FORGED, name, 0.06):
            self._scheduler.after(1, f"forged callback for {name}", lambda: self._refuse(task_id, f"{token[:-2]}AB", body))
        elif foreign and self._decisions.strikes(Fault.CALLBACK_MISDIRECTED, name, 0.06):
            self._scheduler.after(1, f"misdirected callback for {name}", lambda: self._refuse(task_id, foreign[0], body))

    def _refuse(self, task_id: str, token: str, body: bytes) -> None:
        ended, _, calls = self._functions.receive(task_id, token, body, f"forgery for {task_id[:6]}")
        refused = isinstance(ended, Ended | CallbackNotAuthenticError)
        must(refused, "nobody gets in", f"a forged callback for {task_id[:6]} was {ended}")
        must(calls == ["tokens.provider_of"], "nobody gets in", f"a forged callback led to {calls}")
