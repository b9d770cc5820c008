"""Compares the relay with the most similar software that runs on one machine: `python -m benchmarks.peers`.

DBOS on PostgreSQL receives the same callbacks from the same load generator as receive_callback. LiteLLM's proxy receives the
same create requests as submit_task, and transfers a result of 256 MiB. Each has pinned versions in its own environment.
"""

import argparse
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from benchmarks import loopback
from benchmarks.archive import measure
from benchmarks.artefacts import python_path
from benchmarks.load import Load, posted
from benchmarks.report import Row, Table, publish
from benchmarks.stubs import CALLBACK_KEY, stubs
from local.emulator import artefacts
from local.stack import ROOT
from relay.adapters.secrets.cached import Secrets
from relay.adapters.secrets.callback_tokens import HmacCallbackTokens

PEERS = {
    "dbos": ("dbos==3.4.0", "fastapi==0.165.0", "uvicorn==0.54.0"),
    "litellm": ("litellm[proxy]==1.108.7",),
}
_PATIENCE = 90.0
_PROCESSES = 2
_KEY = "sk-" + secrets.token_hex(8)
_MIB = 1 << 20


def main() -> None:
    """Install the peers, then compare."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--requests", type=int, default=3000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="peers-") as folder:
        tables = [_receivers(Path(folder), options.requests), _proxies(Path(folder), options.requests // 10)]
    publish("peers", tables)


# ── receiving callbacks ──────────────────────────────────────────────────────────────────────────────────────────────


def _receivers(folder: Path, requests: int) -> Table:
    rows = []
    with _ours("receive_callback") as ours, _dbos(folder) as theirs:
        tokens = HmacCallbackTokens(_NoSecrets(), "none")
        for connections in (1, 8, 32):
            us = _callbacks(ours, tokens, requests, connections)
            them = _callbacks(theirs, tokens, requests // 4, connections)
            rows += [
                Row(what=f"callbacks a second, {connections} connections", baseline=them.rate, ours=us.rate, unit="/s"),
                Row(what=f"p50, {connections} connections", baseline=them.p50, ours=us.p50, unit="ms"),
                Row(what=f"p99, {connections} connections", baseline=them.p99, ours=us.p99, unit="ms"),
            ]
    notes = (
        f"baseline: {PEERS['dbos'][0]} with {', '.join(PEERS['dbos'][1:])} on PostgreSQL without fsync, {_PROCESSES} processes",
        f"ours: the built receive_callback in {_PROCESSES} processes, with a stub of DynamoDB that answers at once",
    )
    return Table("peers: a durable callback receiver", rows, notes)


def _callbacks(urls: list[str], tokens: HmacCallbackTokens, requests: int, connections: int) -> Load:
    def request(number: int) -> tuple[str, bytes]:
        task_id = secrets.token_hex(16)
        body = {"task_id": f"P{number}", "task_status": "processing", "task_status_msg": "", "created_at": 1, "updated_at": 2}
        return f"{urls[number % len(urls)]}/callbacks/{tokens.path(task_id, 'kling')}", json.dumps(body).encode()

    posted(request, requests=connections * 4, connections=connections)
    return posted(request, requests=requests, connections=connections)


class _NoSecrets(Secrets):
    """Returns the key that the stub also uses."""

    def __init__(self) -> None: ...

    def get(self, secret_id: str, stage: str = "AWSCURRENT") -> str | None:  # noqa: ARG002
        """The same key for every secret and stage."""
        return CALLBACK_KEY


@contextmanager
def _ours(function: str, processes: int = _PROCESSES) -> Iterator[list[str]]:
    """Run a built function in several processes, one port each. AWS and the provider are stubs."""
    folder = artefacts.BUILD / "".join(word.title() for word in function.split("_"))
    from benchmarks.offline import environment

    with stubs(0, 0.0) as (table, provider), ExitStack() as stack:
        variables = environment() | {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": python_path(),
            "AWS_ACCESS_KEY_ID": "bench",
            "AWS_SECRET_ACCESS_KEY": "bench",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": table,
            "PROVIDER_URL": provider,
            "POWERTOOLS_SERVICE_NAME": "bench",
            "POWERTOOLS_METRICS_NAMESPACE": "bench",
            "AWS_LAMBDA_FUNCTION_NAME": "bench",
        }
        yield [
            stack.enter_context(_server([sys.executable, "-m", "benchmarks.front", function, str(folder)], variables)).url
            for _ in range(processes)
        ]


@contextmanager
def _dbos(folder: Path) -> Iterator[list[str]]:
    python = _environment("dbos")
    with _postgres(folder) as database, ExitStack() as stack:
        script = str(ROOT / "benchmarks" / "peer" / "dbos_receiver.py")
        yield [stack.enter_context(_server([python, script, database], dict(os.environ))).url for _ in range(_PROCESSES)]


@contextmanager
def _postgres(folder: Path) -> Iterator[str]:
    """Run a new PostgreSQL in `folder`, from the distribution's packages; yields its URL."""
    programs = _postgres_programs()
    data, port = folder / "postgres", _free_port()
    data.mkdir()
    user = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        folder.chmod(0o755)
        shutil.chown(data, "postgres", "postgres")
        user = ["runuser", "-u", "postgres", "--"]
    options = f"-p {port} -k {data} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=200"
    _run([*user, str(programs / "initdb"), "-D", str(data), "-U", "peer", "-A", "trust"])
    control = [*user, str(programs / "pg_ctl"), "-D", str(data), "-w"]
    _run([*control, "-o", options, "-l", str(data / "log"), "start"])
    try:
        yield f"postgresql://peer@127.0.0.1:{port}/peer"
    finally:
        _run([*control, "-m", "immediate", "stop"])


def _postgres_programs() -> Path:
    for _ in range(2):
        if found := sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
            return found[-1].parent
        _run(["apt-get", "install", "-y", "-q", "--no-install-recommends", "postgresql"])
    raise RuntimeError("PostgreSQL could not be installed; try: apt-get install postgresql")


# ── proxies ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _proxies(folder: Path, requests: int) -> Table:
    prompt = {"model": "sora-2", "prompt": "a ginger cat"}
    with ExitStack() as stack:
        upstream = stack.enter_context(_server([sys.executable, str(ROOT / "benchmarks" / "peer" / "upstream.py")], {})).url
        proxy = stack.enter_context(_litellm(folder, upstream))
        (ours,) = stack.enter_context(_ours("submit_task", 1))
        keyed = {"Authorization": f"Bearer {_KEY}"}
        direct = _submits(f"{upstream}/v1/videos", prompt, requests)
        theirs = _submits(f"{proxy.url}/v1/videos", prompt, requests, keyed)
        us = _submits(f"{ours}/kling/v1/videos/text2video", {"prompt": "a ginger cat"}, requests)
        before, seconds = proxy.peak(), _download(proxy.url, prompt, keyed)
        grown = proxy.peak() - before
    with tempfile.TemporaryDirectory() as certificates, loopback.running(Path(certificates)) as hosts:
        moved = measure("ours", 256 * _MIB, hosts, python_path())
    rows = [
        Row(
            what="submit, p50 (baseline: without the upstream's own time)",
            baseline=theirs.p50 - direct.p50,
            ours=us.p50,
            unit="ms",
        ),
        Row(what="submit, p99", baseline=theirs.p99, ours=us.p99, unit="ms"),
        Row(what="memory to transfer 256 MiB", baseline=grown, ours=moved.grown, unit="MB"),
        Row(
            what="speed of transferring 256 MiB",
            baseline=256 * _MIB / 1e6 / seconds,
            ours=256 * _MIB / 1e6 / moved.seconds,
            unit="MB/s",
        ),
    ]
    notes = (
        f"baseline: {PEERS['litellm'][0]}, /v1/videos in front of a fake upstream; it stores neither the task nor the result",
        "ours: the built submit_task, including two writes of the task and the provider's response; archive_results with TLS",
    )
    return Table("peers: a proxy for videos", rows, notes)


def _submits(url: str, body: dict[str, str], requests: int, headers: dict[str, str] | None = None) -> Load:
    def request(_number: int) -> tuple[str, bytes]:
        return url, json.dumps(body).encode()

    posted(request, requests=10, connections=1, headers=headers)
    return posted(request, requests=requests, connections=1, headers=headers)


def _download(url: str, prompt: dict[str, str], headers: dict[str, str]) -> float:
    """Seconds until a client has received the whole file, which it discards."""
    with httpx.Client(base_url=url, headers=headers, timeout=120, trust_env=False) as client:
        video = client.post("/v1/videos", json=prompt).raise_for_status().json()["id"]
        began, size = time.monotonic(), 0
        with client.stream("GET", f"/v1/videos/{video}/content") as answer:
            answer.raise_for_status()
            for piece in answer.iter_raw():
                size += len(piece)
    if size != 256 * _MIB:
        raise RuntimeError(f"{size} bytes arrived")
    return time.monotonic() - began


@contextmanager
def _litellm(folder: Path, upstream: str) -> Iterator["_Server"]:
    config = folder / "litellm.json"  # JSON is YAML
    parameters = {"model": "openai/sora-2", "api_base": f"{upstream}/v1", "api_key": "sk-upstream"}
    model = {"model_name": "sora-2", "litellm_params": parameters}
    config.write_text(json.dumps({"model_list": [model], "general_settings": {"master_key": _KEY}}))
    program = str(Path(_environment("litellm")).with_name("litellm"))
    variables = dict(os.environ) | {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"}
    with _server([program, "--config", str(config), "--host", "127.0.0.1", "--port"], variables) as server:
        yield server


# ── processes ────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Server:
    def __init__(self, url: str, pid: int) -> None:
        self.url, self._pid = url, pid

    def peak(self) -> float:
        """Peak memory so far in MB."""
        status = Path(f"/proc/{self._pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024 / 1e6  # type: ignore[index]


@contextmanager
def _server(command: list[str], environment: dict[str, str]) -> Iterator[_Server]:
    """Run a process that listens on the port given as its last argument, until the block ends."""
    port = _free_port()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen([*command, str(port)], env=environment, cwd=ROOT, stdout=log, stderr=log)  # noqa: S603
        try:
            deadline = time.monotonic() + _PATIENCE
            while not _listens(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    log.seek(0)
                    raise RuntimeError(f"{command[0]} did not start to serve:\n{log.read().decode()[-3000:]}")
                time.sleep(0.1)
            yield _Server(f"http://127.0.0.1:{port}", process.pid)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _environment(peer: str) -> str:
    """The interpreter of the peer's environment, which is created if it is missing or has other versions."""
    folder = ROOT / ".local" / "venvs" / f"peer-{peer}"
    stamp = folder / "installed"
    wanted = "\n".join(PEERS[peer])
    if not stamp.exists() or stamp.read_text() != wanted:
        _run(["uv", "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)])
        _run(["uv", "pip", "install", "--quiet", "--python", str(folder), *PEERS[peer]])
        stamp.write_text(wanted)
    return str(folder / "bin" / "python")


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")  # noqa: S603
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}:\n{done.stdout[-1000:]}{done.stderr[-2000:]}")


if __name__ == "__main__":
    main()
