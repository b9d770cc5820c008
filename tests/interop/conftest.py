"""The stack that is up behind TLS, and each client run once against it, in an environment of its own."""

import json
import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.gateway import Gateway
from local.simulator import Controls
from local.simulator.media import make_media
from local.stack import ROOT, Stack
from relay.domain.keys import KeyKind
from relay_cli.operator.keys import Keys
from tests.interop.front import Front, tls_front

HERE = Path(__file__).parent
PYTHON = ROOT / ".local" / "venvs" / "interop" / "bin" / "python"
REPLICATE_PYTHON = ROOT / ".local" / "venvs" / "interop-replicate" / "bin" / "python"
_SPEED = 10.0
_PATIENCE = 300
_CLIENTS: dict[str, tuple[str, list[str], Path]] = {
    "kling-api": ("kling-api 1.0.0 (npm)", ["node", "run.mjs"], HERE / "npm"),
    "klingai-api": ("klingai-api 0.1.0 (PyPI)", [str(PYTHON), "run.py"], HERE / "pypi"),
    "replicate (npm)": ("replicate 1.4.0 (npm)", ["node", "run_replicate.mjs"], HERE / "npm"),
    "replicate (PyPI)": ("replicate 1.0.7 (PyPI)", [str(REPLICATE_PYTHON), "run_replicate.py"], HERE / "pypi"),
}
_SHOWN: list[str] = []

type Outcome = dict[str, Any]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in here needs a stack."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.e2e)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The list of what each client did."""
    for line in _SHOWN:
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def stack() -> Stack:
    """What `make up` started."""
    return Stack.load()


@pytest.fixture(scope="session")
def gateway(stack: Stack) -> Iterator[Gateway]:
    """The same tenant as the clients'."""
    with Gateway(stack) as client:
        yield client


@pytest.fixture(scope="session")
def provider(stack: Stack) -> Iterator[Controls]:
    """The provider, faster than life."""
    with Controls(stack.provider_url) as controls:
        controls.settings(speed=_SPEED)
        controls.clear_faults()
        yield controls


@pytest.fixture(scope="session")
def front(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """An https base URL, as both clients want one."""
    with tls_front(stack.gateway_url, tmp_path_factory.mktemp("tls")) as front:
        yield front


@pytest.fixture(scope="session")
def given(stack: Stack, provider: Controls, front: Front, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """What a client is given."""
    files = tmp_path_factory.mktemp("files")
    for extension, size in (("png", 40_000), ("mp3", 40_000)):
        (files / f"a.{extension}").write_bytes(b"".join(make_media(extension, "interop", size).read()))
    limited = Keys(stack.outputs, stack.client).create(f"interop-{uuid.uuid4().hex[:8]}", KeyKind.PAIR, submits_per_minute=1)
    return {
        "url": front.url,
        "key": stack.api_key,
        "accessKey": stack.access_key,
        "secretKey": stack.secret_key,
        "wrong": stack.secret_key[::-1],
        "limited": {"accessKey": limited.key.id, "secretKey": limited.secret},
        "image": str(files / "a.png"),
        "sound": str(files / "a.mp3"),
        "video": provider.state(hashes=False)["settings"]["seed_video_id"],
    }


def _run(name: str, given: Outcome, front: Front) -> Outcome:
    """What the client wrote; its environment holds nothing that could lead it elsewhere."""
    title, command, folder = _CLIENTS[name]
    trust = dict.fromkeys(("NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"), str(front.authority))
    done = subprocess.run(  # noqa: S603
        command,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(front.authority.parent), **trust},
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    outcome: Outcome = json.loads(done.stdout)
    _SHOWN.extend(["", title, *(f"  {_line(*each)}" for each in outcome.get("awaited", {}).items())])
    _SHOWN.extend(f"  {name:34} {ended['status']}" for name, ended in outcome.get("ended", {}).items())
    _SHOWN.extend(f"  {'refused: ' + case:34} {_refusal(refused)}" for case, refused in outcome["raised"].items())
    return outcome


def _line(operation: str, result: Outcome) -> str:
    if "error" in result:
        return f"{operation:34} {result['error']}"
    return f"{operation:34} {result['data']['task_status']}, {len(result['files'])} files"


def _refusal(refused: Outcome) -> str:
    names = ("name", "httpStatus", "code", "message", "status", "detail")
    told = [str(refused[name]).strip() for name in names if refused.get(name) is not None]
    return " · ".join(told) if told else "not refused"


@pytest.fixture(scope="session")
def kling_api(given: Outcome, front: Front) -> Outcome:
    """npm's client."""
    return _run("kling-api", given, front)


@pytest.fixture(scope="session")
def klingai_api(given: Outcome, front: Front) -> Outcome:
    """PyPI's client."""
    return _run("klingai-api", given, front)


@pytest.fixture(scope="session")
def replicate_npm(given: Outcome, front: Front) -> Outcome:
    """npm's client of Replicate."""
    return _run("replicate (npm)", given, front)


@pytest.fixture(scope="session")
def replicate_pypi(given: Outcome, front: Front) -> Outcome:
    """PyPI's client of Replicate."""
    return _run("replicate (PyPI)", given, front)
