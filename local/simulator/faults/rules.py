"""The list of faults, the rules that select requests and tasks for them, and a count of the faults that took effect."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from local.simulator.common.errors import TABLE, AdminError
from local.simulator.common.randomness import Randomness
from local.simulator.faults.malformed import VARIANTS

type Facts = Mapping[str, Collection[str]]

# Faults of a request, with their parameters. With `accept` the task is created anyway.
REQUEST_FAULTS: Final[dict[str, frozenset[str]]] = {
    "refuse": frozenset({"code", "message", "accept"}),
    "http_error": frozenset({"status", "html", "accept"}),
    "hang": frozenset({"seconds", "accept"}),
    "close": frozenset({"accept"}),
}
# Faults of a task, its callbacks and its results.
TASK_FAULTS: Final[dict[str, frozenset[str]]] = {
    "fail": frozenset({"message"}),
    "stall": frozenset({"at"}),
    "callback_drop": frozenset({"on"}),
    "callback_duplicate": frozenset({"on", "times", "concurrent"}),
    "callback_delay": frozenset({"on", "seconds"}),
    "callback_reorder": frozenset(),
    "callback_malformed": frozenset({"on", "variant"}),
    "callback_unknown_status": frozenset({"on", "value"}),
    "callback_contradict": frozenset(),
    "callback_early": frozenset({"through"}),
    "result_dead": frozenset({"status", "times"}),
    "result_slow": frozenset({"delay_seconds", "bytes_per_second"}),
    "result_larger": frozenset({"extra_bytes"}),
    "result_wrong_type": frozenset({"body", "media_type"}),
    "result_truncated": frozenset({"at_byte"}),
    "result_size": frozenset({"bytes"}),
    "result_none": frozenset(),
}
_MATCHERS = frozenset({"external_task_id", "task_id", "operation"})
_FIELDS = _MATCHERS | {"fault", "params", "next", "probability", "at"}


@dataclass(frozen=True)
class Fault:
    """One fault with its parameters."""

    name: str
    params: Mapping[str, Any]

    def applies_to(self, status: str) -> bool:
        """True if the fault applies to callbacks of this status. Without the parameter `on` it applies to all."""
        return status in self.params.get("on", (status,))


@dataclass
class Rule:
    """Injects a fault into the requests or tasks that match: at most `left` of them (None: no limit), each with `probability`."""

    number: int
    fault: Fault
    matchers: Mapping[str, str]
    at: str = "create"
    left: int | None = None
    probability: float = 1.0

    def matches(self, at: str, facts: Facts) -> bool:
        """True if the rule is not used up and the facts contain the value of every matcher."""
        return self.at == at and self.left != 0 and all(v in facts.get(k, ()) for k, v in self.matchers.items())

    def as_json(self) -> dict[str, Any]:
        """The rule as the admin endpoint shows it."""
        shown = {"rule": self.number, "fault": self.fault.name, "params": dict(self.fault.params), "at": self.at}
        return {**shown, **self.matchers, "left": self.left, "probability": self.probability}


@dataclass
class Faults:
    """All rules, in the order in which they were added. `operations` are the names that a rule may match."""

    randomness: Randomness
    operations: Collection[str]
    rules: list[Rule] = field(default_factory=list)
    injected: Counter[str] = field(default_factory=Counter)
    _made: int = 0

    def add(self, raw: Mapping[str, Any]) -> Rule:
        """Add the rule that this JSON object describes. Raises AdminError if it is not valid."""
        _check(raw, self.operations)
        self._made += 1
        self.rules.append(
            Rule(
                number=self._made,
                fault=Fault(raw["fault"], raw.get("params", {})),
                matchers={name: raw[name] for name in _MATCHERS & raw.keys()},
                at=raw.get("at", "create"),
                left=raw.get("next"),
                probability=raw.get("probability", 1.0),
            )
        )
        return self.rules[-1]

    def remove(self, number: int | None = None) -> None:
        """Remove one rule, or all of them. A task keeps the faults that were drawn for it."""
        self.rules = [rule for rule in self.rules if number not in (None, rule.number)]

    def draw(self, menu: Collection[str], facts: Facts, *, at: str = "create", limit: int | None = None) -> list[Fault]:
        """Draw at most `limit` faults of `menu` for a request or task with these facts. Each draw uses its rule once."""
        drawn: list[Fault] = []
        for rule in self.rules:
            if len(drawn) == limit:
                break
            if rule.fault.name in menu and rule.matches(at, facts) and self._happens(rule):
                rule.left = None if rule.left is None else rule.left - 1
                drawn.append(rule.fault)
        return drawn

    def count(self, fault: Fault) -> Fault:
        """Count that the fault has taken effect. Returns the fault."""
        self.injected[fault.name] += 1
        return fault

    def _happens(self, rule: Rule) -> bool:
        return rule.probability >= 1 or self.randomness.generator(f"rule {rule.number}").random() < rule.probability


def _check(raw: Mapping[str, Any], operations: Collection[str]) -> None:
    """Raise AdminError for a rule that can never apply, so that a misspelt fault fails its test."""
    name, params = raw.get("fault"), raw.get("params", {})
    allowed = {**REQUEST_FAULTS, **TASK_FAULTS}.get(str(name))
    if allowed is None:
        raise AdminError(f"unknown fault {name}; known: {', '.join((*REQUEST_FAULTS, *TASK_FAULTS))}")
    if unknown := raw.keys() - _FIELDS:
        raise AdminError(f"unknown fields {sorted(unknown)}; known: {', '.join(sorted(_FIELDS))}")
    if not isinstance(params, dict) or params.keys() - allowed:
        raise AdminError(f"params of {name} are {', '.join(sorted(allowed)) or 'none'}")
    if raw.get("at", "create") not in ("create", "query") or (raw.get("at") == "query" and name not in REQUEST_FAULTS):
        raise AdminError(f"at must be create, or query for {', '.join(REQUEST_FAULTS)}")
    if "operation" in raw and raw["operation"] not in operations:
        raise AdminError(f"operation must be one of {', '.join(operations)}")
    if params.get("variant", "html") not in VARIANTS or params.get("code", 5000) not in TABLE:
        raise AdminError(f"variant must be one of {', '.join(VARIANTS)}; code must be one of {', '.join(map(str, TABLE))}")
