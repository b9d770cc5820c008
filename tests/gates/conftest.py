"""The built artefacts, laid out once."""

from collections.abc import Iterator

import pytest

from benchmarks.artefacts import Mounted, mounted, stock
from benchmarks.instructions import of_code, valgrind


@pytest.fixture(scope="session")
def mount() -> Iterator[Mounted]:
    """Every function as Lambda would have it."""
    with mounted() as found:
        yield found


@pytest.fixture(scope="session")
def floor(tmp_path_factory: pytest.TempPathFactory) -> float:
    """Millions of instructions of F."""
    if valgrind() is None:
        pytest.skip("valgrind is not installed: instructions are not counted")
    return of_code(stock(tmp_path_factory.mktemp("stock")))
