"""Everything that goes wrong, and the decisions when it does: a seed determines both."""

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from hashlib import blake2b


class Fault(StrEnum):
    """The kinds of faults; each is counted, and none may be missing over a thousand seeds."""

    KILLED_BEFORE = "function: killed before a call"
    KILLED_AFTER = "function: killed after a call"
    TIMED_OUT = "function: killed by its timeout"
    INTERLEAVED = "function: others work during a call"
    THROTTLED = "call: throttled, no effect"
    ANSWER_LOST = "call: committed, answer lost"
    REPEATED_BY_SDK = "call: committed, repeated by the SDK"
    ENTRY_NOT_TAKEN = "bus: an entry of PutEvents not taken"
    BATCH_REDELIVERED = "stream: a batch delivered again"
    RULE_REPEATED = "rule: an event delivered twice"
    RULE_FAILED = "rule: an event goes to the dead letters"
    MESSAGE_REPEATED = "queue: a message delivered twice"
    RECEIVE_THROTTLED = "queue: deliveries throttled for hours, and counted"
    DELETE_LOST = "queue: a processed message comes again"
    TICK_MISSED = "schedule: a tick missed"
    TICK_REPEATED = "schedule: a tick delivered twice"
    CALLBACK_DROPPED = "callback: dropped"
    CALLBACK_DELAYED = "callback: delayed by minutes"
    CALLBACK_OVERTAKEN = "callback: overtaken by the next"
    CALLBACK_REPEATED = "callback: delivered twice"
    CALLBACK_MALFORMED = "callback: malformed"
    CALLBACK_FORGED = "callback: forged token"
    CALLBACK_MISDIRECTED = "callback: token of another task"
    SECRET_ROTATED = "secret: rotated while containers are warm"
    REQUEST_REPEATED = "client: repeats an answered request"
    KEY_REUSED = "client: an Idempotency-Key with another body"
    EXTERNAL_ID_REUSED = "client: an external_task_id again"
    CANCELLED = "client: cancels a task"
    INTRUSION = "client: asks for another tenant's task"
    LOST_ANSWER = "provider: accepts and loses the answer"
    LOST_REQUEST = "provider: request lost on the way"
    HANGS_WITH_IT = "provider: accepts and hangs"
    HANGS_WITHOUT_IT = "provider: hangs"
    ACCEPTS_WITH_500 = "provider: accepts and answers 500"
    UNREADABLE_ANSWER = "provider: handles it, answers no JSON"
    RATE = "provider: 1302 too many requests"
    PARALLEL = "provider: 1303 too many tasks"
    BALANCE = "provider: 1102 no balance"
    POLICY = "provider: 1301 content policy"
    WRONG = "provider: 1200 wrong parameters"
    INTERNAL = "provider: 5000 without accepting"
    MAINTENANCE = "provider: 5001 maintenance"
    UNREACHABLE = "provider: connection refused"
    OUTAGE = "provider: dies for a while"
    OLD_ANSWER = "provider: a query answers an older state"
    SLOW_INDEX = "provider: finds new tasks late"
    REPEATS_TAKEN = "provider: takes an external id twice"
    IDS_IGNORED = "provider: does not know external ids"
    NEVER_FINISHES = "provider: a task never finishes"
    LATE_VERDICT = "provider: a verdict after the deadline"
    OLD_TASK = "provider: has an old task with our id"
    SPELLED_OTHERWISE = "provider: statuses in other words"
    EMPTY_FOR_NOW = "provider: a success whose files appear later"
    EMPTY = "provider: a success without files"
    OF_TOMORROW = "table: tasks of a later version, due and unknown"
    URL_EXPIRED = "result: URL expired, a query brings a new one"
    BROKEN_OFF = "result: connection breaks off"
    TRUNCATED = "result: fewer bytes than announced"
    WRONG_TYPE = "result: an HTML page instead"
    HOST_DOWN = "result: host down or too slow"
    TAKES_LONG = "result: takes minutes"
    FILE_GONE = "result: gone for good"
    NO_MEDIA = "result: no media file, for good"
    HOOK_REFUSED = "webhook: the client answers 500"
    HOOK_SILENT = "webhook: the client does not answer"
    HOOK_SLOW = "webhook: the client answers late"
    HOOK_LOST = "webhook: taken, the answer is lost"
    HOOK_BUSY = "webhook: the client answers 429"
    HOOK_GONE = "webhook: the client answers 410"
    HOOK_MESSAGE_LATE = "webhook: an event is overtaken by the next"


SITES: dict[str, tuple[str, ...]] = {
    "submit": (
        "tasks.create", "tasks.claim_key", "tasks.get", "tasks.change", "tasks.record_acceptance",
        "tasks.schedule_attempt", "tasks.postpone", "documents.put_request", "api.send", "tokens.path", "resubmissions.put",
    ),
    "resubmit": (
        "tasks.get", "tasks.begin_attempt", "tasks.record_acceptance", "tasks.change", "tasks.schedule_attempt",
        "tasks.hold_refusal", "tasks.postpone", "documents.get_request",
        "documents.put_callback", "api.send", "tokens.path", "resubmissions.put",
    ),
    "receive": (
        "tokens.provider_of", "tasks.get", "documents.put_callback", "documents.quarantine", "tasks.change",
        "tasks.record_acceptance", "tasks.postpone", "tasks.request_poll", "events.publish",
    ),
    "publish": ("events.publish",),
    "archive": (
        "tasks.get", "ids.record", "tasks.record_partial_results", "tasks.record_archive", "source.open", "results.store",
        "api.send",
    ),
    "reconcile": (
        "tasks.due", "tasks.get", "tasks.change", "tasks.record_acceptance", "tasks.postpone",
        "tasks.schedule_attempt", "tasks.record_delay", "tasks.request_poll", "documents.put_callback",
        "api.send", "resubmissions.put",
    ),
    "query": ("tasks.get",),
    "cancel": ("tasks.get", "tasks.change", "api.send"),
    "deliver": (
        "tasks.get", "webhooks.endpoint", "webhooks.claim_lane", "webhooks.keep_endpoint", "webhooks.begin", "webhooks.conclude",
        "results.url", "sender.post", "webhook_queue.put", "webhook_queue.bury", "events.publish",
    ),
}  # fmt: skip
"""Every call of a port by function: each seed aims at one of them, so that each is killed before and after, many times."""


class Decisions:
    """What a seed says about every place in a run.

    A decision belongs to its place, not to its turn: with one stream of random numbers, leaving out one fault would change
    all that follow, and no failing story could be made shorter.
    """

    def __init__(self, seed: int, dropped: frozenset[str] = frozenset(), target: tuple[str, Fault] | None = None) -> None:
        self.dropped = dropped
        self.target = target
        """A call site and the fault that every second call there has; None: each invocation has a site by the seed."""
        self.counts: Counter[Fault] = Counter()
        self.sites: Counter[tuple[str, str]] = Counter()
        """(call site, fault) of the faults around calls."""
        self.made: list[str] = []
        """The places of what happened beyond the ordinary: what a shorter story may leave out."""
        self.calm = False
        self._salt = f"{seed}".encode()
        self._visits: Counter[str] = Counter()
        self.heat = self.pick("heat", (0.3, 1.0, 1.0, 2.5))
        self._absent = {fault for fault in Fault if self.share(f"absent {fault}") < 0.25}
        if target:
            self._absent.discard(target[1])

    def share(self, place: str) -> float:
        """From 0 to 1, always the same for the same place."""
        return int.from_bytes(blake2b(place.encode(), digest_size=6, key=self._salt).digest()) / 2**48

    def pick[Option](self, place: str, options: Sequence[Option]) -> Option:
        """One of the options."""
        return options[int(self.share(place) * len(options))]

    def between(self, place: str, low: float, high: float) -> float:
        """A number."""
        return low + self.share(place) * (high - low)

    def visit(self, place: str) -> str:
        """The place with the number of this visit."""
        self._visits[place] += 1
        return f"{place} #{self._visits[place]}"

    def happens(self, place: str) -> bool:
        """An ordinary thing that a shorter story may leave out."""
        if place in self.dropped:
            return False
        self.made.append(place)
        return True

    def strikes(self, fault: Fault, place: str, probability: float) -> bool:
        """Whether a fault happens here, on this visit."""
        if self.calm or fault in self._absent:
            return False
        here = self.visit(f"{fault} @ {place}")
        return self.share(here) < probability * self.heat and self.struck(fault, here)

    def one_of(self, chances: Sequence[tuple[Fault, float]], place: str, *, heat: float | None = None) -> Fault | None:
        """At most one of several faults, by one draw. `place` must be new."""
        if self.calm:
            return None
        left = self.share(place) / (heat or self.heat)
        for fault, probability in chances:
            if left < probability:
                return fault if fault not in self._absent and self.struck(fault, f"{fault} @ {place}") else None
            left -= probability
        return None

    def struck(self, fault: Fault, here: str) -> bool:
        """Count a fault, unless this run leaves it out."""
        if not self.happens(here):
            return False
        self.counts[fault] += 1
        return True
