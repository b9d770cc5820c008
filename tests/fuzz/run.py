"""One input by its seed and number."""

import itertools
from contextlib import ExitStack
from dataclasses import dataclass
from random import Random

from tests.fuzz.host import Host
from tests.fuzz.targets import TARGETS, Case


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of an input; `error` is None if nothing was wrong."""

    target: str
    inputs: list[bytes]
    error: BaseException | None = None


def run(seed: int, number: int, host: Host) -> Ended:
    """Make the input and give it to the relay."""
    target = TARGETS[number % len(TARGETS)]
    with ExitStack() as closing:
        case = Case(Random(f"{seed}:{number}"), host, closing)  # noqa: S311 - repeatable
        try:
            target(case)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is a finding
            return Ended(target.__name__, case.input, error)
        return Ended(target.__name__, case.input)


def first_finding(host: Host, *, most: int, seed: int = 0) -> Ended | None:
    """The first input that breaks something, of the first `most` ones."""
    endings = (run(seed, number, host) for number in itertools.count())
    return next((ended for ended in itertools.islice(endings, most) if ended.error), None)
