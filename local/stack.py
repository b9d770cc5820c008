"""The running stack, as described in `.local/stack.json`."""

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
# The credentials of the emulator's account owner. `sam local` uses the same ones on a machine without credentials.
ACCESS_KEY = "defaultkey"
SECRET_KEY = "defaultsecret"  # noqa: S105 - not a real secret
TENANT = "demo"


class NoStackError(Exception):
    """No stack is up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """The addresses, names and keys of the running stack. `local/README.md` describes the emulator's behaviour."""

    gateway_url: str
    api_key: str
    provider_url: str
    provider_admin_url: str
    """The URL of the simulator's admin endpoints. Empty if another provider is used."""
    aws_endpoint_url: str
    region: str
    stack_name: str
    tasks_table: str
    api_keys_table: str
    results_bucket: str
    event_bus: str
    events_queue_url: str
    """The queue that receives every event of the bus. It exists in the embedded run only."""
    container_host: str = ""
    """This machine's address for containers. Empty without a Docker Engine (see `local/containers/containers.py`)."""
    iam_enforced: bool = False
    """True if the emulator enforces the functions' IAM policies (`make up IAM=1`)."""
    access_key: str = ""
    secret_key: str = ""
    """A key pair of the same tenant, for clients that sign JWTs."""
    outputs: dict[str, str] = field(default_factory=dict)
    """All outputs of the template."""
    logs: dict[str, str] = field(default_factory=dict)
    pids: dict[str, int] = field(default_factory=dict)
    began: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path = STACK_FILE) -> Self:
        """Read the file that `make up` writes. Raises NoStackError."""
        try:
            return cls(**json.loads(path.read_text()))
        except FileNotFoundError:
            raise NoStackError("no stack is up: run `make up`") from None

    def save(self, path: Path = STACK_FILE) -> None:
        """Write the file atomically. It contains a key, so only its owner may read it."""
        partial = path.with_suffix(".partial")
        partial.touch(mode=0o600)
        partial.write_text(json.dumps(asdict(self), indent=2) + "\n")
        partial.replace(path)

    @property
    def processes(self) -> dict[str, Process]:
        """The processes that `make down` stops."""
        return {name: Process(pid=pid, began=self.began[name]) for name, pid in self.pids.items()}

    def client(self, service: str) -> Any:
        """A boto3 client for the emulator."""
        return emulator_client(service, self.aws_endpoint_url)


def emulator_client(service: str, endpoint_url: str) -> Any:
    """A boto3 client that sends requests to `endpoint_url` only."""
    return boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=endpoint_url,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=Config(retries={"mode": "standard", "max_attempts": 5}, s3={"addressing_style": "path"}),
    )
