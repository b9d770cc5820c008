"""The built functions as on Lambda: function folder and layers, file dates of 1980, and the template's variables."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.containers.containers import architecture
from local.emulator.artefacts import BUILD, build
from local.stack import ROOT

INTERPRETER: str = getattr(sys, "_base_executable", sys.executable)
"""The interpreter without the project's environment, so that nothing missing in a layer is found there."""
FUNCTIONS = ("ReceiveCallback", "SubmitTask", "ArchiveResults", "QueryTasks", "PublishEvents", "ResubmitTasks",
             "ReconcileTasks", "DeliverWebhooks", "Authorize", "CancelTask")  # fmt: skip
DEPENDENCIES = {"arm64": "DependenciesLayerArm", "x86_64": "DependenciesLayerX86"}
_FIRST_DATE_OF_ZIP = 315_532_800
_QUEUE = "https://sqs.us-east-1.amazonaws.com/123456789012/queue"
_SETTINGS = {
    "TASKS_TABLE": "tasks", "API_KEYS_TABLE": "api-keys", "WEBHOOKS_TABLE": "webhooks", "RESULTS_BUCKET": "results",
    "EVENT_BUS": "events", "RESUBMISSIONS_QUEUE_URL": _QUEUE, "ARCHIVES_QUEUE_URL": _QUEUE, "WEBHOOK_RETRIES_QUEUE_URL": _QUEUE,
    "ARCHIVES_DEAD_LETTERS_URL": _QUEUE,
    "WEBHOOK_DEAD_LETTERS_URL": _QUEUE, "CALLBACK_SECRET_ID": "callback", "PROVIDER_SECRET_ID": "provider",
    "WEBHOOK_SECRET_ID": "webhook", "CLIENT_SECRET_ID": "client",
}  # fmt: skip
_LAMBDA = {
    "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_LAMBDA_FUNCTION_NAME": "function", "POWERTOOLS_SERVICE_NAME": "comet-relay", "POWERTOOLS_LOG_LEVEL": "INFO",
    "POWERTOOLS_METRICS_NAMESPACE": "CometRelay", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mounted:
    """A folder with `/var/task` of every function and with `/opt/python`."""

    root: Path

    def environment(self, function: str) -> dict[str, str]:
        """The variables that Lambda would set, for an interpreter without site-packages."""
        paths = [str(self.root / function), str(self.root / "opt" / "python")]
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(paths),
            "LAMBDA_TASK_ROOT": paths[0],
            **_LAMBDA,
            **_SETTINGS,
        }

    def run(self, function: str, code: str, *, before: tuple[str, ...] = (), **more: str) -> subprocess.CompletedProcess[str]:
        """Run `code` as in the function's process, prefixed by the command `before`; raises CalledProcessError."""
        command = [*before, INTERPRETER, "-S", "-c", code]
        environment = self.environment(function) | more
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True)  # noqa: S603


@contextmanager
def mounted() -> Iterator[Mounted]:
    """Build if something changed, and copy the result into a folder."""
    build()
    with tempfile.TemporaryDirectory(prefix="mounted-") as folder:
        root = Path(folder)
        for layer in (DEPENDENCIES[architecture()], "RelayLayer"):
            shutil.copytree(BUILD / layer, root / "opt", dirs_exist_ok=True)
        for function in FUNCTIONS:
            shutil.copytree(BUILD / function, root / function)
        for path in root.rglob("*"):
            os.utime(path, (_FIRST_DATE_OF_ZIP, _FIRST_DATE_OF_ZIP))
        yield Mounted(root)


def python_path() -> str:
    """PYTHONPATH with the built layers first, for the project's interpreter. Builds if something changed."""
    build()
    layers = [BUILD / layer / "python" for layer in ("RelayLayer", DEPENDENCIES[architecture()])]
    return os.pathsep.join(map(str, [*layers, ROOT]))


def layer_bytes() -> int:
    """The unzipped size in bytes of both layers for this machine's processor."""
    layers = [BUILD / DEPENDENCIES[architecture()], BUILD / "RelayLayer"]
    return sum(path.stat().st_size for layer in layers for path in layer.rglob("*") if path.is_file())


def stock(folder: Path) -> dict[str, str]:
    """botocore as it is published, with valid bytecode, in `folder`: the environment of the baseline's process."""
    packages = Path(sys.prefix) / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    for name in ("botocore", "dateutil", "jmespath", "urllib3", "six.py"):
        source = packages / name
        shutil.copytree(source, folder / name) if source.is_dir() else shutil.copy(source, folder)
    subprocess.run([INTERPRETER, "-m", "compileall", "-q", str(folder)], check=True)  # noqa: S603
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(folder), **_LAMBDA}
