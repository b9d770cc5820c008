"""While a release is deployed or taken back, a function finds items, documents and messages of the other release."""

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import boto3
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


FUNCTIONS = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}


def started(tree: Path, part: str) -> subprocess.Popen[str]:
    """`begin` or `go_on`, with a release's own functions, layer and test support."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(str(tree / folder) for folder in ("layers/relay", "cli", ".")),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return subprocess.Popen(  # noqa: S603 - our own script
        [sys.executable, "-P", str(SERVE), str(tree / "functions"), str(tree / "layers" / "relay"), part],
        cwd=tree, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def served(first: Path, second: Path, change: Callable[[dict[str, Any]], None] = lambda _begun: None) -> set[str]:
    """Begin tasks with one release and go on with the other. Returns the functions that took part. `change`: made between."""
    beginning = started(first, "begin")
    try:
        assert beginning.stdout
        line = next((line for line in beginning.stdout if line.startswith('{"environment"')), "")
        assert line, beginning.stderr and beginning.stderr.read()
        begun = json.loads(line)
        change(begun)
        going_on = started(second, "go_on")
        output, errors = going_on.communicate(json.dumps(begun), timeout=100)
        assert going_on.returncode == 0, errors
        return set(begun["called"]) | set(json.loads(output.splitlines()[-1])["called"])
    finally:
        beginning.communicate(timeout=20)


def test_the_new_release_goes_on_with_what_the_last_one_began(released: Path) -> None:
    assert served(released, ROOT) == FUNCTIONS


def test_after_a_rollback_the_last_release_goes_on_with_what_the_new_one_began(released: Path) -> None:
    assert served(ROOT, released) == {path.parent.name for path in (released / "functions").glob("*/app.py")}


def test_a_field_that_the_new_release_stores_under_another_name_is_noticed(released: Path) -> None:
    def rename(begun: dict[str, Any]) -> None:
        table = boto3.resource(
            "dynamodb",
            endpoint_url=begun["environment"]["AWS_ENDPOINT_URL"],
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        ).Table("tasks")
        for item in table.scan()["Items"]:
            table.put_item(Item={("fingerprints" if name == "fingerprint" else name): value for name, value in item.items()})

    with pytest.raises(AssertionError, match="go_on"):
        served(ROOT, released, rename)
