"""The installed program, run in a folder of its own, and the relay that it talks to."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from typer.testing import CliRunner

from relay_cli.app import app
from tests.integration.cli.front import Front, front
from tests.integration.world import TENANT, Json, World

PROGRAM = Path(sys.executable).with_name("relay")
_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Ran:
    """How a run ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The answer with --json."""
        return json.loads(self.out)

    @property
    def error(self) -> Json:
        """The failure with --json."""
        return dict(json.loads(self.err)["error"])


class Program:
    """`relay`; `environment` is what it sees beside AWS's variables."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {"HOME": str(folder), "RELAY_RETRIES": "2", "TERM": "xterm"}

    def __call__(self, *arguments: str, given: str = "", **environment: str) -> Ran:
        """One run in this process, which is five times as fast; `given` is its standard input."""
        with patch.dict(os.environ, self.environment | environment), contextlib.chdir(self.folder):
            result = CliRunner().invoke(app, arguments, input=given)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ran(result.exit_code, result.stdout, result.stderr)

    def installed(self, *arguments: str, given: str = "", **environment: str) -> Ran:
        """One run of the installed script in a process of its own, to its end."""
        with self.start(*arguments, **environment) as process:
            out, err = process.communicate(given, timeout=_SECONDS)
        assert "Traceback" not in err, err
        return Ran(process.returncode, out, err)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Begin a run of the installed script that the test ends itself."""
        return subprocess.Popen(  # noqa: S603
            [PROGRAM, *arguments],
            cwd=self.folder,
            env={"PATH": "/usr/bin:/bin", "PYTHONWARNINGS": "error"} | self.environment | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
def gateway(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Front]:
    """The relay over HTTP; its functions share standard output with the program, so that they print no metrics."""
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "true")
    with front(world) as made:
        yield made


@pytest.fixture
def relay(tmp_path: Path, gateway: Front, world: World) -> Program:
    """The program with the URL and a key of the first tenant in its environment."""
    program = Program(tmp_path)
    program.environment |= {"RELAY_URL": gateway.url, "RELAY_KEY": world.key_for(TENANT)}
    return program
