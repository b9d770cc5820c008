"""While a release is deployed, functions and layer of two releases meet: each pair serves a task from request to webhook."""

import json
import os
import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from tests.support.cloudformation import ROOT

SERVE = Path(__file__).with_name("serve_one_task.py")
_PARTS = ("functions", "layers/relay", "cli", "tests/support", "tests/__init__.py", "events", "template.yaml")


def git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)  # noqa: S603, S607 - our repository


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The last release's functions and layer, with the test support that was written for them."""
    tag = git("describe", "--tags", "--abbrev=0", "--match", "v[0-9]*")
    if tag.returncode:
        pytest.skip("no tag of a release in this clone: git fetch --tags --unshallow")
    archive = git("archive", tag.stdout.decode().strip(), *_PARTS)
    assert archive.returncode == 0, archive.stderr.decode()
    folder = tmp_path_factory.mktemp("released")
    with tarfile.open(fileobj=BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder


def functions_of(tree: Path) -> set[str]:
    return {path.parent.name for path in (tree / "functions").glob("*/app.py")}


def served(*, functions: Path, layer: Path) -> set[str]:
    """Serve a task with the functions of one tree and the layer of another. Returns the functions that took part."""
    common = sorted(functions_of(functions) & functions_of(layer))
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(str(layer / part) for part in ("layers/relay", "cli", ".")),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-P", str(SERVE), str(functions / "functions"), str(layer / "layers" / "relay"), *common],
        cwd=layer,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout.splitlines()[-1])) == set(common)
    return set(common)


def test_the_last_releases_functions_work_with_the_new_layer(released: Path) -> None:
    assert served(functions=released, layer=ROOT) == functions_of(released)


def test_the_new_functions_work_with_the_last_releases_layer(released: Path) -> None:
    assert served(functions=ROOT, layer=released) >= functions_of(released) & functions_of(ROOT)


def test_a_name_that_the_new_layer_lacks_is_found(released: Path, tmp_path: Path) -> None:
    for part in ("functions", "layers", "cli", "tests", "events", "template.yaml"):
        (tmp_path / part).symlink_to(released / part)
    (tmp_path / "functions").unlink()
    (tmp_path / "functions").mkdir()
    for name in functions_of(released):
        source = (released / "functions" / name / "app.py").read_text()
        (tmp_path / "functions" / name).mkdir()
        (tmp_path / "functions" / name / "app.py").write_text(f"from relay.usecases.view import gone_since\n{source}")
    with pytest.raises(AssertionError, match="gone_since"):
        served(functions=tmp_path, layer=ROOT)
