"""Fixtures: the installed program, run in a temporary folder, and the relay that it uses."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from typer.testing import CliRunner

from relay import entrypoint  # noqa: F401 - its logger keeps the standard output of its import, which must not be that of a run
from relay_cli.app import app
from tests.integration.cli.front import Front, front
from tests.support.moto_world import TENANT, Json, MotoWorld

PROGRAM = Path(sys.executable).with_name("relay")
_SECONDS = 60
_AWS = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}


@dataclass(frozen=True, slots=True)
class Ran:
    """The result of a run: its exit code, standard output and standard error."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The result that --json prints."""
        return json.loads(self.out)

    @property
    def error(self) -> Json:
        """The failure that --json prints."""
        return dict(json.loads(self.err)["error"])


class Program:
    """The program `relay`. `environment` holds its variables besides those of AWS."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {"HOME": str(folder), "RELAY_RETRIES": "2", "TERM": "xterm"}

    def __call__(self, *arguments: str, given: str = "", **environment: str) -> Ran:
        """Run it in this process, which is five times as fast. `given` is its standard input."""
        with patch.dict(os.environ, self.environment | environment), contextlib.chdir(self.folder):
            result = CliRunner().invoke(app, arguments, input=given)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ran(result.exit_code, result.stdout, result.stderr)

    def installed(self, *arguments: str, given: str = "", **environment: str) -> Ran:
        """Run the installed script in its own process and wait for its end."""
        with self.start(*arguments, **environment) as process:
            out, err = process.communicate(given, timeout=_SECONDS)
        assert "Traceback" not in err, err
        return Ran(process.returncode, out, err)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start the installed script; the test ends it."""
        return self.start_with_output(arguments, environment, subprocess.PIPE)

    def start_with_output(self, arguments: tuple[str, ...], environment: dict[str, str], where: int) -> subprocess.Popen[str]:
        """Start the installed script with both outputs going to a file descriptor."""
        return subprocess.Popen(  # noqa: S603
            [PROGRAM, *arguments],
            cwd=self.folder,
            env={"PATH": "/usr/bin:/bin", "PYTHONWARNINGS": "error", **_AWS} | self.environment | environment,
            stdin=subprocess.PIPE,
            stdout=where,
            stderr=where,
            text=True,
            preexec_fn=_heed_interrupts,  # noqa: PLW1509 - nothing here has threads that hold locks
        )


def _heed_interrupts() -> None:
    """A shell starts background jobs with Ctrl-C ignored, and their children inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def gateway(world: MotoWorld, monkeypatch: pytest.MonkeyPatch) -> Iterator[Front]:
    """The relay over HTTP. Its functions share standard output with the program, so their metrics are disabled."""
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "true")
    with front(world) as made:
        yield made


@pytest.fixture
def relay(tmp_path: Path, gateway: Front, world: MotoWorld) -> Program:
    """The program, with the URL and a key of the first tenant in its environment."""
    program = Program(tmp_path)
    program.environment |= {"RELAY_URL": gateway.url, "RELAY_KEY": world.key_for(TENANT)}
    return program


OUTPUTS = {
    "TasksTable": "tasks",
    "ApiKeysTable": "api_keys",
    "ResultsBucket": "results",
    "EventBus": "bus",
    "CallbackKeyId": "callback-key",
    "ClientMasterKeyArn": "client-master-key",
    "WebhookStateTable": "webhooks",
    "WebhookKeyId": "webhook-key",
}
QUEUES = {
    "ResubmissionsQueueUrl": "resubmissions",
    "ResubmissionsDeadLettersUrl": "resubmissions-dead",
    "ArchivesQueueUrl": "archives",
    "ArchivesDeadLettersUrl": "archives-dead",
    "WebhooksQueueUrl": "webhooks",
    "WebhookRetriesUrl": "webhook-retries",
    "WebhooksDeadLettersUrl": "webhooks-dead",
    "UnpublishedChangesUrl": "unpublished",
    "MissedSchedulesUrl": "missed",
}
FUNCTIONS = ("ReceiveCallback", "ReconcileTasks")
STACK = "comet-relay-local"


@pytest.fixture
def operator(tmp_path: Path, gateway: Front, world: MotoWorld, endpoint: str) -> Program:
    """The program in a folder with a running stack: the world's outputs, and functions behind the gateway."""
    for name in QUEUES.values():
        if name not in world.queues:
            world.queues[name] = world.sqs.create_queue(QueueName=name)["QueueUrl"]
    world.secrets.create_secret(Name="comet-relay/cometapi-key", SecretString="sk-of-the-operator")
    outputs = OUTPUTS | {output: world.queues[name] for output, name in QUEUES.items()} | {"ApiUrl": gateway.url}
    boto3.client("cloudformation", endpoint_url=endpoint).create_stack(
        StackName=STACK, TemplateBody=json.dumps(_template(outputs, world.outside.url))
    )
    program = Program(tmp_path)
    program.environment |= {"AWS_ENDPOINT_URL_LAMBDA": gateway.url}
    (tmp_path / ".local").mkdir()
    described = {"gateway_url": gateway.url, "api_key": world.key_for(TENANT), "aws_endpoint_url": endpoint}
    described |= {"region": "us-east-1", "stack_name": STACK}
    (tmp_path / ".local" / "stack.json").write_text(json.dumps(described))
    return program


def _template(outputs: dict[str, str], provider_url: str) -> Json:
    """Return the part of the relay's template that moto supports."""
    # Moto runs no functions. Log groups take their place: their physical id is the name of the function.
    functions = {name: {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": f"fn-{name}"}} for name in FUNCTIONS}
    rule = {"Name": "archiving", "EventBusName": "bus", "EventPattern": {"source": ["comet.relay"]}, "State": "ENABLED"}
    parameters = {
        "ProviderUrl": provider_url,
        "CometApiKeySecretName": "comet-relay/cometapi-key",
        "PublicUrl": "",
        "FirstPollAfterSeconds": "120",
        "SubmitTimeoutSeconds": "20",
    }
    return {
        "Parameters": {name: {"Type": "String", "Default": value} for name, value in parameters.items()},
        "Resources": functions | {"SucceededTasks": {"Type": "AWS::Events::Rule", "Properties": rule}},
        "Outputs": {name: {"Value": value} for name, value in outputs.items()},
    }
