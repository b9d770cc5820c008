"""`python -m tests.simulation --seeds 20000 --workers 2`: run many seeds, count the faults, tell the first failing story.

What chance has left out at a call site gets seeds of its own, so that a run never fails for bad luck.
"""

import argparse
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import chain, product
from multiprocessing import Pool

from tests.simulation.faults import SITES, Fault
from tests.simulation.run import Run, Target, run, told

_ALL_FAULTS_FROM = 1000
_ALL_SITES_FROM = 10_000
_SEEDS_FOR_A_TARGET = 2000
_LISTED = frozenset(f"{function} {call}" for function, calls in SITES.items() for call in calls)
_SITE_FAULTS = (Fault.KILLED_BEFORE, Fault.KILLED_AFTER, Fault.THROTTLED)


def main() -> int:
    """The command line; 1 when a guarantee broke, or a fault never happened."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, help="only this one, with its story")
    parser.add_argument("--target", type=_target, help="with --seed: SITE=FAULT, a call and what happens to it")
    arguments = parser.parse_args()
    if arguments.seed is not None:
        return _one(arguments.seed, arguments.target)
    return _many(range(arguments.first, arguments.first + arguments.seeds), arguments.workers)


def _target(text: str) -> Target:
    site, _, fault = text.partition("=")
    return site, Fault[fault]


def _one(seed: int, target: Target | None) -> int:
    ended = run(seed, target=target)
    _print(told(ended) if ended.violation else f"seed {seed}: {ended.steps} steps, {ended.tasks} tasks, every guarantee holds")
    return 1 if ended.violation else 0


def _many(seeds: range, workers: int) -> int:
    started = time.monotonic()
    faults: Counter[Fault] = Counter()
    sites: Counter[tuple[str, str]] = Counter()
    failing: list[Run] = []
    count = steps = tasks = 0
    with Pool(workers) as pool:
        for ended in chain(pool.imap_unordered(run, seeds, chunksize=20), _targeted(sites, seeds)):
            count, steps, tasks = count + 1, steps + ended.steps, tasks + ended.tasks
            faults.update(ended.faults)
            sites.update(ended.sites)
            if ended.violation:
                failing.append(ended)
    _print_faults(faults)
    _print_sites(sites)
    seconds = time.monotonic() - started
    _print(f"\n{count:,} seeds, {steps:,} steps, {tasks:,} tasks, {sum(faults.values()):,} faults in {seconds:.0f} s")
    _print(f"memory of the largest process: {_megabytes()} MB")
    missing = _missing(faults) if count >= _ALL_FAULTS_FROM else []
    missing += _uncovered(sites) if count >= _ALL_SITES_FROM else []
    missing += _unlisted(sites)
    for name in missing:
        _print(f"✗ never happened: {name}")
    if failing:
        rules = Counter(ended.violation.rule for ended in failing if ended.violation)
        for rule, number in rules.most_common():
            first = min(ended.seed for ended in failing if ended.violation and ended.violation.rule == rule)
            _print(f"✗ {rule}: {number} seeds, the first is {first}")
        _print("\n" + told(min(failing, key=lambda ended: ended.steps)))
    return 1 if failing or missing else 0


def _targeted(sites: Counter[tuple[str, str]], seeds: range) -> Iterator[Run]:
    """Seeds for each fault that chance has left out at a call site, until it has happened there."""
    if len(seeds) < _ALL_SITES_FROM:
        return
    for function, calls in SITES.items():
        for site, fault in product((f"{function} {call}" for call in calls), _SITE_FAULTS):
            for seed in range(seeds.start, seeds.start + _SEEDS_FOR_A_TARGET):
                if sites[site, fault]:
                    break
                yield run(seed, target=(site, fault))


def _megabytes() -> int:
    return max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) // 1024


def _missing(faults: Counter[Fault]) -> list[str]:
    return [fault.value for fault in Fault if not faults[fault]]


def _uncovered(sites: Counter[tuple[str, str]]) -> list[str]:
    """Call sites that were never killed before, killed after or throttled."""
    return [f"{fault} at {site}" for site in sorted(_LISTED) for fault in _SITE_FAULTS if not sites[site, fault]]


def _unlisted(sites: Counter[tuple[str, str]]) -> list[str]:
    """Call sites that were reached, though the list does not have them: no seed aims at them."""
    return [f"{site} in the list of call sites" for site in sorted({site for site, _ in sites} - _LISTED)]


def _print_faults(faults: Counter[Fault]) -> None:
    for fault in Fault:
        _print(f"{fault:48} {faults[fault]:>9,}")


def _print_sites(sites: Counter[tuple[str, str]]) -> None:
    _print(f"\n{'call site':32} {'reached':>9} {'killed before':>14} {'after':>8} {'throttled':>10}")
    for function, calls in SITES.items():
        for call in calls:
            site = f"{function} {call}"
            reached, *numbers = (sites[site, name] for name in ("reached", *_SITE_FAULTS))
            _print(f"{site:32} {reached:>9,} {numbers[0]:>14,} {numbers[1]:>8,} {numbers[2]:>10,}")


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
