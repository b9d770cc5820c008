"""The running stack as `.local/stack.json` describes it, for the demo and the end-to-end tests."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import boto3
from botocore.config import Config

from local.processes import Process

ROOT = Path(__file__).resolve().parent.parent
LOCAL = ROOT / ".local"
STACK_FILE = LOCAL / "stack.json"
REGION = "us-east-1"
# The emulator's own account owner: what `sam local` gives the functions on a machine without credentials.
ACCESS_KEY = "defaultkey"
SECRET_KEY = "defaultsecret"  # noqa: S105 - of nothing
TENANT = "demo"


class NoStackError(Exception):
    """No stack is up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Where everything is. The emulator's own ways, as measured, stand in `local/README.md`."""

    gateway_url: str
    api_key: str
    provider_url: str
    provider_admin_url: str
    """The simulator's admin endpoints; empty when another provider is in use."""
    aws_endpoint_url: str
    region: str
    stack_name: str
    tasks_table: str
    api_keys_table: str
    results_bucket: str
    event_bus: str
    events_queue_url: str
    """Local only: every event of the bus, as it was published."""
    container_host: str = ""
    """This machine as containers see it; empty without a Docker Engine (see `local/containers/containers.py`)."""
    iam_enforced: bool = False
    """The functions may do what their policies say and nothing else (`make up IAM=1`)."""
    access_key: str = ""
    secret_key: str = ""
    """A pair of the same tenant, for clients that sign JWTs."""
    outputs: dict[str, str] = field(default_factory=dict)
    """The template's outputs, all of them."""
    logs: dict[str, str] = field(default_factory=dict)
    pids: dict[str, int] = field(default_factory=dict)
    began: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path = STACK_FILE) -> Self:
        """Read the file that `make up` writes; raises NoStackError."""
        try:
            return cls(**json.loads(path.read_text()))
        except FileNotFoundError:
            raise NoStackError("no stack is up: run `make up`") from None

    def save(self, path: Path = STACK_FILE) -> None:
        """Write the file whole or not at all; it holds a key, so that only its owner reads it."""
        partial = path.with_suffix(".partial")
        partial.touch(mode=0o600)
        partial.write_text(json.dumps(asdict(self), indent=2) + "\n")
        partial.replace(path)

    @property
    def processes(self) -> dict[str, Process]:
        """What `make down` ends."""
        return {name: Process(pid=pid, began=self.began[name]) for name, pid in self.pids.items()}

    def client(self, service: str) -> Any:
        """A boto3 client of the emulator."""
        return emulator_client(service, self.aws_endpoint_url)


def emulator_client(service: str, endpoint_url: str) -> Any:
    """A boto3 client that reaches `endpoint_url` and nothing else."""
    return boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=endpoint_url,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=Config(retries={"mode": "standard", "max_attempts": 5}, s3={"addressing_style": "path"}),
    )
