"""Gates on what a callback costs: the calls that it makes of AWS, and the instructions of a warm one beside one UpdateItem."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.artefacts import Mounted, stock
from benchmarks.aws_stub import Stub, counting
from benchmarks.callback_path import FUNCTION, WARM, calls_of, instructions

ALLOWANCE = 1.03
CALLS = {"processing": {"UpdateItem": 1}, "succeed": {"PutObject": 1, "UpdateItem": 1}}
TWICE = """
import importlib.util
spec = importlib.util.spec_from_file_location("built", {built!r})
built = importlib.util.module_from_spec(spec)
spec.loader.exec_module(built)
handler, services, tasks = built.handler, built.services, built.services().tasks
write, tasks._update = tasks._update, lambda *given: (write(*given), write(*given))[1]
"""


@pytest.fixture(scope="module")
def stub() -> Iterator[Stub]:
    """An AWS that counts."""
    with counting() as found:
        yield found


def asked(stub: Stub, mount: Mounted, status: str) -> dict[str, int]:
    """How often each operation was called."""
    return {operation: calls for operation, (calls, _) in calls_of(stub, mount, status).items()}


@pytest.mark.parametrize("status", CALLS)
def test_a_warm_callback_asks_of_aws_no_more_than_it_must(stub: Stub, mount: Mounted, status: str) -> None:
    assert asked(stub, mount, status) == CALLS[status]


def test_a_second_write_is_noticed(stub: Stub, mount: Mounted) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "opt").symlink_to(mount.root / "opt")
        (Path(folder) / FUNCTION).mkdir()
        (Path(folder) / FUNCTION / "app.py").write_text(TWICE.format(built=str(mount.root / FUNCTION / "app.py")))
        assert asked(stub, Mounted(Path(folder)), "processing") == {"UpdateItem": 2}


@pytest.mark.usefixtures("cachegrind")
def test_a_warm_callback_keeps_its_budget_of_instructions(stub: Stub, mount: Mounted, tmp_path: Path) -> None:
    endpoint = {"AWS_ENDPOINT_URL": stub.url}
    counted = instructions({"updater": stock(tmp_path) | endpoint, "receiver": mount.environment(FUNCTION) | endpoint})
    assert counted["receiver"] / counted["updater"] <= WARM.target * ALLOWANCE
