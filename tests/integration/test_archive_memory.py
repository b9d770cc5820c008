"""Archiving a gigabyte takes no more memory than archiving a megabyte."""

from pathlib import Path

import pytest

from benchmarks.archive import GIB, measure
from benchmarks.loopback import digest_of, running


@pytest.mark.parametrize("way", ["ours", "ours, no length"], ids=["single-put", "multipart"])
def test_a_gibibyte_is_archived_in_bounded_memory(way: str, tmp_path: Path) -> None:
    with running(tmp_path) as hosts:
        figures = measure(way, GIB, hosts, "layers/relay:.")
    assert (figures.bytes, figures.sha256) == (GIB, digest_of(GIB))
    assert figures.grown < 32
