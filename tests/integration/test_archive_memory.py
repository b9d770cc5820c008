"""Archiving a gigabyte takes no more memory than archiving a megabyte."""

import pytest

from benchmarks.archive_memory import GIB, measure


@pytest.mark.parametrize("unknown_size", [False, True], ids=["single-put", "multipart"])
def test_a_gibibyte_is_archived_in_bounded_memory(*, unknown_size: bool) -> None:
    figures = measure(GIB, unknown_size=unknown_size)
    assert figures["bytes"] == GIB
    assert figures["peak_mib"] < 256
    assert figures["peak_mib"] - figures["base_mib"] < 64
