"""`make recording`: `relay submit --wait --download` on the stack that is up, as a cast and as a text in the README."""

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
_BEAT = 0.2
"""Seconds between two pictures of the cast: a bar that moves five times a second is smooth enough to read."""


def main() -> int:
    """Run the command twice: before a terminal for the cast, into a pipe for the README."""
    try:
        stack = Stack.load()
    except NoStackError as error:
        print(error, file=sys.stderr)
        return 1
    folder = LOCAL / "recording"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    environment = {**os.environ, "RELAY_URL": stack.gateway_url, "RELAY_KEY": stack.api_key}
    CAST.write_text("".join(f"{line}\n" for line in _cast(folder, environment)))
    README.write_text(in_readme(README.read_text(), _text(folder, environment)))
    print(f"renewed: {CAST.relative_to(ROOT)}, {README.relative_to(ROOT)}")
    return 0


def prompt() -> str:
    """The command as it is typed."""
    return f"$ relay {shlex.join(COMMAND)}"


def in_readme(readme: str, text: str) -> str:
    """The README with another recording."""
    return BLOCK.sub(lambda found: f"{found[1]}{text}{found[3]}", readme, count=1)


def _text(folder: Path, environment: dict[str, str]) -> str:
    """The command and what it printed into a pipe."""
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


def _cast(folder: Path, environment: dict[str, str]) -> Iterator[str]:
    """An asciicast, version 2: a head, then [seconds, "o", text] for each piece of output."""
    yield json.dumps({"version": 2, **_SIZE, "title": prompt(), "env": {"TERM": "xterm-256color"}})
    yield json.dumps([0.0, "o", f"{prompt()}\r\n"])
    terminal, inside = pty.openpty()
    environment |= {"TERM": "xterm-256color", "COLUMNS": str(_SIZE["width"]), "LINES": str(_SIZE["height"])}
    began = time.monotonic()
    with subprocess.Popen([_program(), *COMMAND], cwd=folder, env=environment, stdout=inside, stderr=inside) as running:
        os.close(inside)
        for text in _read(terminal):
            yield json.dumps([round(time.monotonic() - began, 3), "o", text])
    if running.returncode:
        raise RuntimeError(f"{prompt()} ended with {running.returncode}")


def _read(terminal: int) -> Iterator[str]:
    """What comes until the other side is closed, a beat's worth at a time."""
    pending = b""
    while True:
        time.sleep(_BEAT)
        try:
            pending += os.read(terminal, 65_536)
        except OSError:  # a terminal that nobody writes to any more
            break
        whole = pending.decode("utf-8", "ignore")
        pending = pending[len(whole.encode()) :]
        yield whole
    os.close(terminal)


def _program() -> str:
    return str(Path(sys.executable).with_name("relay"))


if __name__ == "__main__":
    sys.exit(main())
