"""Measuring on a noisy machine: compared variants run alternately, and the median counts."""

import statistics
from collections.abc import Callable, Mapping


def interleaved(variants: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """The median of `rounds` figures of each variant. The variants alternate, so that a slow minute affects all of them.

    An additional first round fills caches and is not counted.
    """
    figures: dict[str, list[float]] = {name: [] for name in variants}
    for number in range(rounds + 1):
        for name, figure in variants.items():
            value = figure()
            if number:
                figures[name].append(value)
    return {name: statistics.median(values) for name, values in figures.items()}
