"""The calls of one invocation: killed before or after, throttled, half done, repeated, or interrupted by others."""

from collections.abc import Callable
from functools import cache
from typing import Any

from relay.domain.errors import ResultError
from tests.simulation.faults import SITES, Decisions, Fault
from tests.simulation.scheduler import Scheduler
from tests.support.fakes.calls import Calls, Crash

TIMEOUTS = {
    "submit": 29,
    "resubmit": 90,
    "receive": 15,
    "publish": 60,
    "archive": 600,
    "reconcile": 55,
    "query": 15,
    "cancel": 15,
    "deliver": 60,
}
"""Seconds, as in the template."""

type Chances = tuple[tuple[Fault, float], ...]
_CHANCES: Chances = (
    (Fault.KILLED_BEFORE, 0.008),
    (Fault.KILLED_AFTER, 0.008),
    (Fault.THROTTLED, 0.01),
    (Fault.ANSWER_LOST, 0.02),
    (Fault.REPEATED_BY_SDK, 0.02),
    (Fault.INTERLEAVED, 0.06),
)
_AIMED: Chances = ((Fault.KILLED_BEFORE, 0.25), (Fault.KILLED_AFTER, 0.25), (Fault.THROTTLED, 0.15), *_CHANCES[3:])
_WRITES = frozenset({
    "tasks.create", "tasks.claim_key", "tasks.change", "tasks.record_acceptance", "tasks.begin_attempt", "tasks.postpone",
    "tasks.schedule_attempt", "tasks.hold_refusal", "ids.record",
    "tasks.record_partial_results", "tasks.record_archive", "tasks.record_delay", "tasks.request_poll", "documents.put_request",
    "documents.put_callback", "documents.quarantine",
    "events.publish", "resubmissions.put", "webhooks.claim_lane", "webhooks.keep_endpoint", "webhooks.begin",
    "webhooks.conclude", "webhook_queue.put", "webhook_queue.bury",
})  # fmt: skip
_LONGEST_PAUSE = 9000

_RARE = (("resubmit documents.put_callback",) * 40) + (("deliver webhook_queue.bury",) * 5)
_ALL_SITES = (*(f"{function} {call}" for function, calls in SITES.items() for call in calls), *_RARE)


class AwsError(Exception):
    """A service threw: whatever botocore raises after its last retry."""


class FaultyCalls(Calls):
    """Calls of one invocation, each with the faults that the seed has for it."""

    def __init__(self, function: str, label: str, decisions: Decisions, scheduler: Scheduler) -> None:
        super().__init__()
        self._function = function
        self.label = decisions.visit(label)
        self._decisions = decisions
        self._scheduler = scheduler
        self._until = scheduler.clock.now + TIMEOUTS[function] * 1000
        self._aim = decisions.pick("aim", _ALL_SITES)
        self._chances_there: Chances = _AIMED
        if decisions.target:
            self._aim, fault = decisions.target
            self._chances_there = ((fault, 0.5), *_CHANCES)

    def made(self, name: str, call: Callable[[], Any]) -> Any:
        """Make one call, or not."""
        self.names.append(name)
        if self._decisions.calm:
            return self._checked(call())
        site = f"{self._function} {name}"
        place = f"{site} in {self.label}, call {len(self.names)}"
        aimed = site == self._aim
        chances = tuple(chance for chance in (self._chances_there if aimed else _CHANCES) if _concerns(chance[0], name))
        fault = self._decisions.one_of(chances, place, heat=1 if aimed else None)
        self._decisions.sites[site, "reached"] += 1
        if fault is None:
            return self._checked(call())
        self._decisions.sites[site, fault] += 1
        self._scheduler.say(f"! {fault}: {name}")
        return self._checked(self._faulty(fault, name, place, call))

    def _faulty(self, fault: Fault, name: str, place: str, call: Callable[[], Any]) -> Any:
        port = name.partition(".")[0]
        match fault:
            case Fault.KILLED_BEFORE:
                raise Crash(name)
            case Fault.KILLED_AFTER:
                call()
                raise Crash(name)
            case Fault.THROTTLED:
                raise _error(port)
            case Fault.ANSWER_LOST:
                call()
                raise _error(port)
            case Fault.REPEATED_BY_SDK:
                first = call()
                return repeated(port, first, call)
            case Fault.INTERLEAVED:
                return self._interleaved(place, call)
        return call()

    def _interleaved(self, place: str, call: Callable[[], Any]) -> Any:
        pause = round(self._decisions.between(f"pause of {place}", 1, _LONGEST_PAUSE))
        if self._decisions.share(f"pause before {place}") < 0.5:
            self._scheduler.pause(pause)
            self._checked(None)  # a function whose time is up makes no further call
            return call()
        answer = call()
        self._scheduler.pause(pause)
        return answer

    def _checked(self, answer: Any) -> Any:
        """The answer, unless the function's time is up."""
        if self._scheduler.clock.now > self._until and not self._decisions.calm:
            self._decisions.counts[Fault.TIMED_OUT] += 1
            self._scheduler.say(f"! {Fault.TIMED_OUT}")
            raise Crash("timeout")
        return answer


@cache
def _concerns(fault: Fault, name: str) -> bool:
    """A read whose answer is lost, or that is repeated, is a read like any other."""
    if fault is Fault.ANSWER_LOST:
        return name in _WRITES or name.startswith("results.")
    return name in _WRITES if fault is Fault.REPEATED_BY_SDK else True


def repeated(port: str, first: Any, call: Callable[[], Any]) -> Any:
    """The second of two equal writes: DynamoDB's recognise their own, as the contract tests prove; the others are made again."""
    return first if port in {"tasks", "webhooks"} else call()


def _error(port: str) -> Exception:
    return ResultError("the connection failed") if port in {"source", "results"} else AwsError(port)
