"""`make api-test`: every operation of docs/openapi.json on the stack that is up, with a provider that takes everything."""

import os
import subprocess
import sys
from pathlib import Path

from local.simulator import Controls
from local.stack import ROOT, Stack

_FOLDER = Path(__file__).parent
_LIMIT = 900
"""Seconds: the number of cases is bounded, this is for a stack that hangs."""
_DURING = {"speed": 0.0, "strict": False}
"""Tasks stay as they are made: nothing is rendered, called back or archived while the API is looked at."""


def main() -> int:
    """The exit code of schemathesis."""
    stack = Stack.load()
    command = ["st", "--config-file", str(_FOLDER / "schemathesis.toml"), "run", "docs/openapi.json", *sys.argv[1:]]
    command += ["--url", stack.gateway_url, "--header", f"Authorization: Bearer {stack.api_key}"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "layers" / "relay")])}
    with Controls(stack.provider_url) as provider:
        before = provider.state(hashes=False)["settings"]
        provider.settings(**_DURING)
        try:
            done = subprocess.run(command, cwd=ROOT, env=environment, timeout=_LIMIT, check=False)  # noqa: S603
        finally:
            provider.settings(**{name: before[name] for name in _DURING})
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
