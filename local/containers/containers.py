"""Makes the running stack reachable from containers, and writes the files that `sam local` reads."""

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
"""samconfig.toml names files in this folder. If no stack is up, SAM CLI reports this name as missing."""
LOG = LOCAL / "logs" / "forward.log"
FORWARDER = "forwarder"
_BRIDGE = b"docker0"
_SIOCGIFADDR = 0x8915
_PATIENCE_SECONDS = 10.0

type Environment = dict[str, dict[str, str]]


def make_reachable(stack: Stack) -> Stack:
    """Make the stack reachable from containers and write the files for `sam local`. Returns the changed stack.

    Without a Docker Engine the stack is returned unchanged. Raises RuntimeError if the forwarder does not start.
    """
    address = bridge_address()
    if address is None or FORWARDER in stack.pids:
        return stack
    forwarder = _start_forwarder(address, _ports(stack))
    opened = replace(
        stack,
        container_host=address,
        pids={**stack.pids, FORWARDER: forwarder.pid},
        began={**stack.began, FORWARDER: forwarder.began},
    )
    FILES.mkdir(parents=True, exist_ok=True)
    parameters = {"Architecture": architecture(), "AwsEndpointUrl": stack.aws_endpoint_url}
    (FILES / "parameters.yaml").write_text(json.dumps(parameters, indent=2))
    (FILES / "invoke.json").write_text(json.dumps(make_environment(opened), indent=2))
    (FILES / "start-api.json").write_text(json.dumps(make_environment(opened, start_api_url()), indent=2))
    return opened


def remove_files() -> None:
    """Remove the files for `sam local`, so that it reports them as missing."""
    shutil.rmtree(FILES, ignore_errors=True)


def bridge_address() -> str | None:
    """This machine's address on Docker Engine's bridge network. None without a Docker Engine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        try:
            answer = fcntl.ioctl(any_socket, _SIOCGIFADDR, struct.pack("256s", _BRIDGE))
        except OSError:
            return None
    return socket.inet_ntoa(answer[20:24])


def architecture() -> str:
    """This machine's processor architecture, as Lambda names it."""
    return "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"


def start_api_url() -> str:
    """The URL of `sam local start-api`, from samconfig.toml. Callback URLs start with it."""
    parameters = tomllib.loads((ROOT / "samconfig.toml").read_text())["default"]["local_start_api"]["parameters"]
    return f"http://127.0.0.1:{parameters['port']}"


def make_environment(stack: Stack, public_url: str | None = None) -> Environment:
    """The environment variables of each deployed function by its logical id, with addresses that a container can reach.

    PUBLIC_URL keeps a loopback address, because callbacks come from this machine. `public_url` replaces it.
    """
    seen: Environment = {}
    for logical_id, deployed in _fetch_variables(stack).items():
        inside = {name: _replace_loopback(stack, value) for name, value in deployed.items()}
        seen[logical_id] = inside | {"PUBLIC_URL": public_url or deployed["PUBLIC_URL"]}
    return seen


def _fetch_variables(stack: Stack) -> Environment:
    """Ask the emulator for the environment variables of each function."""
    with closing(stack.client("cloudformation")) as stacks, closing(stack.client("lambda")) as functions:
        resources = stacks.describe_stack_resources(StackName=stack.stack_name)["StackResources"]
        configurations = {
            each["LogicalResourceId"]: functions.get_function_configuration(FunctionName=each["PhysicalResourceId"])
            for each in resources
            if each["ResourceType"] == "AWS::Lambda::Function"
        }
    return {logical_id: each["Environment"]["Variables"] for logical_id, each in configurations.items()}


def _replace_loopback(stack: Stack, value: str) -> str:
    for port in _ports(stack):
        value = value.replace(f"127.0.0.1:{port}", f"{stack.container_host}:{port}")
    return value


def _ports(stack: Stack) -> list[int]:
    """The ports of the emulator and, if it is the provider, of the simulator."""
    urls = [stack.aws_endpoint_url, stack.provider_url if stack.provider_admin_url else ""]
    return [port for port in (urlsplit(url).port for url in urls) if port]


def _start_forwarder(address: str, ports: list[int]) -> Process:
    """Start the forwarder and wait until it listens. Raises RuntimeError with its log if it does not."""
    LOG.unlink(missing_ok=True)
    command = [sys.executable, "-m", "local.containers.forward", address, *map(str, ports)]
    process = processes.start(command, environment={"PYTHONPATH": str(ROOT)}, log=LOG, cwd=ROOT)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not all(_answers(address, port) for port in ports):
        if not processes.alive(process) or time.monotonic() > deadline:
            processes.end(process)
            raise RuntimeError(f"containers cannot reach the stack. The forwarder's log is {LOG}:\n{LOG.read_text()[-2000:]}")
        time.sleep(0.05)
    return process


def _answers(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=1):
            return True
    except OSError:
        return False
