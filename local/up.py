"""`make up`: builds the template, starts the emulator and the simulator, and deploys the template into the emulator."""

import argparse
import os
import sys
import time
from pathlib import Path

from local import processes
from local.containers import containers
from local.emulator import artefacts
from local.emulator import process as emulator
from local.emulator.deploy import (
    create_api_key,
    create_key_pair,
    deploy,
    gateway_url,
    put_callback_key,
    put_provider_key,
    read_configuration,
    subscribe,
)
from local.processes import Process
from local.stack import LOCAL, REGION, ROOT, STACK_FILE, NoStackError, Stack

SIMULATOR_KEY = "sk-sim"
SIMULATOR_LOG = LOCAL / "logs" / "simulator.log"
PATIENCE_SECONDS = 15.0


def main(arguments: list[str] | None = None) -> int:
    """Start the stack, or print that it is up already."""
    options = _parser().parse_args(arguments)
    running = _find_running_stack()
    if running:
        print(f"already up: {running.gateway_url} (`make down` stops it)")
        _make_reachable(running)
        return 0
    if options.provider_url and not options.provider_key:
        print("no key for this provider: set COMETAPI_KEY, for example `make up PROVIDER_URL=… COMETAPI_KEY=…`", file=sys.stderr)
        return 2
    began = time.monotonic()
    started: dict[str, Process] = {}
    try:
        stack = _bring_up(options, started)
    except BaseException:
        for process in started.values():
            processes.end(process)
        raise
    stack.save()
    _print_step("up", f"{time.monotonic() - began:.1f} s")
    print(f"  gateway  {stack.gateway_url}\n  API key  {stack.api_key}\n  provider {stack.provider_url}")
    print(f"  AWS      {stack.aws_endpoint_url}\n  details  {STACK_FILE.relative_to(ROOT)}")
    _make_reachable(stack)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.up", description=__doc__)
    parser.add_argument("--provider-url", default="", help="URL of a provider to use instead of the simulator")
    parser.add_argument(
        "--provider-key", default=os.environ.get("COMETAPI_KEY", ""), help="the provider's key (default: COMETAPI_KEY)"
    )
    parser.add_argument("--speed", type=float, default=1.0, help="divides the simulator's durations")
    parser.add_argument("--seed", type=int, default=7, help="the simulator's seed")
    parser.add_argument("--iam", action="store_true", help="enforce the functions' IAM policies")
    parser.add_argument("--parameter", action="append", default=[], metavar="NAME=VALUE", help="a parameter of the template")
    return parser


def _find_running_stack() -> Stack | None:
    """The running stack, or None. If some of its processes have ended, the others are stopped and its files are removed."""
    try:
        stack = Stack.load()
    except (NoStackError, TypeError, ValueError):
        STACK_FILE.unlink(missing_ok=True)
        return None
    whole = all(processes.alive(process) for process in stack.processes.values())
    if whole and emulator.answers(stack.aws_endpoint_url):
        return stack
    for process in stack.processes.values():
        processes.end(process)
    containers.remove_files()
    STACK_FILE.unlink(missing_ok=True)
    return None


def _bring_up(options: argparse.Namespace, started: dict[str, Process]) -> Stack:
    """Start everything. Adds each process to `started`, so that the caller can stop it after a failure."""
    _print_step("building", "built" if artefacts.build() else "nothing changed")
    started["emulator"], endpoint = emulator.start(enforce_iam=options.iam)
    provider_url, key = options.provider_url.rstrip("/"), options.provider_key
    if not provider_url:
        started["simulator"], provider_url = _start_simulator(options)
        key = SIMULATOR_KEY
    name, parameters = read_configuration()
    parameters |= {"Architecture": containers.architecture(), "AwsEndpointUrl": endpoint}
    parameters |= {"ProviderUrl": provider_url, "PublicUrl": gateway_url(endpoint)}
    parameters |= dict(pair.split("=", 1) for pair in options.parameter)
    put_provider_key(endpoint, parameters["CometApiKeySecretName"], key)
    outputs = deploy(endpoint, name, parameters)
    put_callback_key(endpoint, outputs["CallbackKeyId"])
    _print_step("deploying", f"stack {name}")
    pair = create_key_pair(endpoint, outputs)
    return Stack(
        gateway_url=gateway_url(endpoint),
        api_key=create_api_key(endpoint, outputs),
        access_key=pair.key.id,
        secret_key=pair.secret,
        provider_url=provider_url,
        provider_admin_url=f"{provider_url}/_admin" if "simulator" in started else "",
        aws_endpoint_url=endpoint,
        region=REGION,
        stack_name=name,
        tasks_table=outputs["TasksTable"],
        api_keys_table=outputs["ApiKeysTable"],
        results_bucket=outputs["ResultsBucket"],
        event_bus=outputs["EventBus"],
        events_queue_url=subscribe(endpoint, outputs["EventBus"]),
        iam_enforced=options.iam,
        outputs=outputs,
        logs={"emulator": str(emulator.LOG), "simulator": str(SIMULATOR_LOG)},
        pids={name: process.pid for name, process in started.items()},
        began={name: process.began for name, process in started.items()},
    )


def _start_simulator(options: argparse.Namespace) -> tuple[Process, str]:
    """Start the simulator. Returns its process and its base URL. Raises RuntimeError if it does not start."""
    port_file = LOCAL / "simulator.port"
    port_file.unlink(missing_ok=True)
    command = [sys.executable, "-m", "local.simulator", "--port", "0", "--port-file", str(port_file)]
    command += ["--seed", str(options.seed), "--speed", str(options.speed), "--api-key", SIMULATOR_KEY]
    SIMULATOR_LOG.unlink(missing_ok=True)
    process = processes.start(command, environment=dict(os.environ), log=SIMULATOR_LOG, cwd=ROOT)
    try:
        return process, f"http://127.0.0.1:{_wait_for_port(port_file, process)}"
    except RuntimeError:
        processes.end(process)
        raise


def _wait_for_port(port_file: Path, process: Process) -> int:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not port_file.exists():
        if not processes.alive(process) or time.monotonic() > deadline:
            raise RuntimeError(f"the simulator did not start. Its log is {SIMULATOR_LOG}:\n{SIMULATOR_LOG.read_text()[-2000:]}")
        time.sleep(0.05)
    return int(port_file.read_text())


def _make_reachable(stack: Stack) -> None:
    """Prepare the stack for `sam local`. The stack works without it, so an error is only printed."""
    try:
        opened = containers.make_reachable(stack)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return
    opened.save()
    if not opened.container_host:
        print("  for `sam local`: start Docker Engine, then run `make up` again")


def _print_step(step: str, result: str) -> None:
    print(f"{step}: {result}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
