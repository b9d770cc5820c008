"""`make recording`: records `relay submit --wait --download` on the running stack, as a cast and as text for the README."""

import json
import os
import pty
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from local.stack import LOCAL, ROOT, NoStackError, Stack

COMMAND = ("submit", "text2video", "--prompt", "A ginger cat watches the rain", "--wait", "--download", "clips")
CAST = ROOT / "docs" / "submit.cast"
README = ROOT / "README.md"
BLOCK = re.compile(r"(<!-- make recording -->\n```\n)(.*?)(```\n)", re.DOTALL)
_SIZE = {"width": 110, "height": 16}
_INTERVAL_SECONDS = 0.2
"""Seconds between two frames of the cast."""


def main() -> int:
    """Run the command twice: in a terminal for the cast, and with piped output for the README."""
    try:
        stack = Stack.load()
    except NoStackError as error:
        print(error, file=sys.stderr)
        return 1
    folder = LOCAL / "recording"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    environment = {**os.environ, "RELAY_URL": stack.gateway_url, "RELAY_KEY": stack.api_key}
    CAST.write_text("".join(f"{line}\n" for line in _record_cast(folder, environment)))
    README.write_text(in_readme(README.read_text(), _record_text(folder, environment)))
    print(f"written: {CAST.relative_to(ROOT)}, {README.relative_to(ROOT)}")
    return 0


def prompt() -> str:
    """The command as a user types it."""
    return f"$ relay {shlex.join(COMMAND)}"


def in_readme(readme: str, text: str) -> str:
    """The README with its recording replaced."""
    return BLOCK.sub(lambda found: f"{found[1]}{text}{found[3]}", readme, count=1)


def _record_text(folder: Path, environment: dict[str, str]) -> str:
    """Run the command with piped output. Returns the command and its output."""
    done = subprocess.run(
        [_program(), *COMMAND],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
        timeout=120,
    )
    return f"{prompt()}\n{done.stdout}"


def _record_cast(folder: Path, environment: dict[str, str]) -> Iterator[str]:
    """Run the command in a terminal. Yields an asciicast, version 2: a head, then a line [seconds, "o", text] for each frame."""
    yield json.dumps({"version": 2, **_SIZE, "title": prompt(), "env": {"TERM": "xterm-256color"}})
    yield json.dumps([0.0, "o", f"{prompt()}\r\n"])
    terminal, inside = pty.openpty()
    environment |= {"TERM": "xterm-256color", "COLUMNS": str(_SIZE["width"]), "LINES": str(_SIZE["height"])}
    started_at = time.monotonic()
    with subprocess.Popen([_program(), *COMMAND], cwd=folder, env=environment, stdout=inside, stderr=inside) as running:
        os.close(inside)
        for text in _read(terminal):
            yield json.dumps([round(time.monotonic() - started_at, 3), "o", text])
    if running.returncode:
        raise RuntimeError(f"{prompt()} failed with exit code {running.returncode}")


def _read(terminal: int) -> Iterator[str]:
    """Yield the terminal's output until the program closes it, one interval at a time."""
    pending = b""
    while True:
        time.sleep(_INTERVAL_SECONDS)
        try:
            pending += os.read(terminal, 65_536)
        except OSError:  # the program has closed the terminal
            break
        whole = pending.decode("utf-8", "ignore")
        pending = pending[len(whole.encode()) :]
        yield whole
    os.close(terminal)


def _program() -> str:
    return str(Path(sys.executable).with_name("relay"))


if __name__ == "__main__":
    sys.exit(main())
