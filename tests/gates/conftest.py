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
def cachegrind() -> None:
    """What counts instructions, or a skip that says so."""
    if valgrind() is None:
        pytest.skip("valgrind is not installed: instructions are not counted")


@pytest.fixture(scope="session")
def baseline(cachegrind: None, tmp_path_factory: pytest.TempPathFactory) -> float:  # noqa: ARG001
    """Millions of instructions of F."""
    return of_code(stock(tmp_path_factory.mktemp("stock")))
