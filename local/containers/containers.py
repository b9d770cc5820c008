"""The stack that is up, for functions in containers: what `sam local` reads, and the way to this machine's loopback."""

import fcntl
import json
import platform
import shutil
import socket
import struct
import sys
import time
import tomllib
from contextlib import closing
from dataclasses import replace
from urllib.parse import urlsplit

from local import processes
from local.processes import Process
from local.stack import LOCAL, ROOT, Stack

FILES = LOCAL / "made-by-make-up"
"""samconfig.toml names these files: the name is what SAM CLI says is missing when no stack is up."""
LOG = LOCAL / "logs" / "forward.log"
FORWARDER = "forwarder"
_BRIDGE = b"docker0"
_SIOCGIFADDR = 0x8915
_PATIENCE_SECONDS = 10.0

type Environment = dict[str, dict[str, str]]


def let_in(stack: Stack) -> Stack:
    """Make the stack reachable from containers and write what `sam local` reads; the same stack where no Docker Engine is."""
    address = bridge_address()
    if address is None or FORWARDER in stack.pids:
        return stack
    forwarder = _forwarder(address, _ports(stack))
    opened = replace(
        stack,
        container_host=address,
        pids={**stack.pids, FORWARDER: forwarder.pid},
        began={**stack.began, FORWARDER: forwarder.began},
    )
    FILES.mkdir(parents=True, exist_ok=True)
    (FILES / "parameters.yaml").write_text(f"Architecture: {architecture()}\n")
    (FILES / "invoke.json").write_text(json.dumps(environment(opened), indent=2))
    (FILES / "start-api.json").write_text(json.dumps(environment(opened, start_api_url()), indent=2))
    return opened


def shut_out() -> None:
    """Forget what `sam local` reads, so that it says what is missing."""
    shutil.rmtree(FILES, ignore_errors=True)


def bridge_address() -> str | None:
    """This machine's address on the bridge that Docker Engine connects containers to; None without one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        try:
            answer = fcntl.ioctl(any_socket, _SIOCGIFADDR, struct.pack("256s", _BRIDGE))
        except OSError:
            return None
    return socket.inet_ntoa(answer[20:24])


def architecture() -> str:
    """This machine's, in Lambda's words."""
    return "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"


def start_api_url() -> str:
    """Where samconfig.toml lets `sam local start-api` listen: the base of callback URLs has to be known before."""
    parameters = tomllib.loads((ROOT / "samconfig.toml").read_text())["default"]["local_start_api"]["parameters"]
    return f"http://127.0.0.1:{parameters['port']}"


def environment(stack: Stack, public_url: str | None = None) -> Environment:
    """Each function's variables as it was deployed, by its logical id, with the addresses as a container sees them.

    Callbacks come from this machine: they go to `public_url`, or else to the deployed API as they do for it.
    """
    seen: Environment = {}
    for logical_id, deployed in _deployed(stack).items():
        inside = {name: _seen_from_inside(stack, value) for name, value in deployed.items()}
        seen[logical_id] = inside | {"PUBLIC_URL": public_url or deployed["PUBLIC_URL"]}
    return seen


def _deployed(stack: Stack) -> Environment:
    """Each function's variables, as the emulator has them."""
    with closing(stack.client("cloudformation")) as stacks, closing(stack.client("lambda")) as functions:
        resources = stacks.describe_stack_resources(StackName=stack.stack_name)["StackResources"]
        configurations = {
            each["LogicalResourceId"]: functions.get_function_configuration(FunctionName=each["PhysicalResourceId"])
            for each in resources
            if each["ResourceType"] == "AWS::Lambda::Function"
        }
    return {logical_id: each["Environment"]["Variables"] for logical_id, each in configurations.items()}


def _seen_from_inside(stack: Stack, value: str) -> str:
    for port in _ports(stack):
        value = value.replace(f"127.0.0.1:{port}", f"{stack.container_host}:{port}")
    return value


def _ports(stack: Stack) -> list[int]:
    """Of the emulator, and of the provider when it is the simulator."""
    urls = [stack.aws_endpoint_url, stack.provider_url if stack.provider_admin_url else ""]
    return [port for port in (urlsplit(url).port for url in urls) if port]


def _forwarder(address: str, ports: list[int]) -> Process:
    """Start it and wait until it listens; raises RuntimeError with what it said when it does not."""
    LOG.unlink(missing_ok=True)
    command = [sys.executable, "-m", "local.containers.forward", address, *map(str, ports)]
    process = processes.start(command, environment={"PYTHONPATH": str(ROOT)}, log=LOG, cwd=ROOT)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not all(_answers(address, port) for port in ports):
        if not processes.alive(process) or time.monotonic() > deadline:
            processes.end(process)
            raise RuntimeError(f"containers cannot be let in: {LOG}\n{LOG.read_text()[-2000:]}")
        time.sleep(0.05)
    return process


def _answers(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=1):
            return True
    except OSError:
        return False
